"""What a person may call a further server. JupyterHub checks it; its refusal gets a reason here."""

from functools import wraps
from typing import Any

from jupyterhub.handlers.base import BaseHandler
from jupyterhub.slugs import is_valid_safe_slug
from tornado.web import HTTPError

from hub_config.spawning.offer.choice import shown

RULE = (
    "it takes 1 to 30 characters, small letters a-z, digits and single hyphens, beginning with a "
    "letter and not ending with a hyphen"
)
"""jupyterhub 6.1, slugs.py, is_valid_safe_slug; such a name is safe in all names made from it."""


def explain_refusals() -> None:
    """Have JupyterHub say what a server's name has to look like, where it only says `Invalid`."""
    check = BaseHandler._check_named_server_request

    @wraps(check)
    async def with_reason(self: Any, user: Any, server_name: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return await check(self, user, server_name, *args, **kwargs)
        except HTTPError:
            if is_valid_safe_slug(server_name):
                raise
            raise HTTPError(
                400, f"{shown(server_name)} cannot be a server's name: {RULE}."
            ) from None

    BaseHandler._check_named_server_request = with_reason
