"""The platform's secrets: which there are, kept as files, made anew. A value is never told.

`names` says what is a secret, `whereabouts` where each is, `changing` keeps and rotates them, and
`encrypted` reads a `.env.sops`.
"""

from jhub_docker.secrets.changing import keep, rotate
from jhub_docker.secrets.whereabouts import listing

__all__ = ["keep", "listing", "rotate"]
