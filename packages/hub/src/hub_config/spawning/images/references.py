"""How an image in a registry is named: repository, tag, and the digest that fixes its content.

Pure.
"""

import re
from dataclasses import dataclass

_REFERENCE = re.compile(
    r"(?P<repository>[a-z0-9]([\w./:-]*?\w)??)(:(?P<tag>\w[\w.-]{0,127}))?"
    r"(@(?P<digest>sha256:[0-9a-f]{64}))?",
    re.ASCII,
)


@dataclass(frozen=True)
class Reference:
    """`repository:tag`, `repository@digest`, or both: then the tag is for people only."""

    repository: str
    tag: str
    digest: str

    @property
    def pinned(self) -> str:
        """What the engine is asked for: by digest where there is one, so that nothing else runs."""
        return self.repository + (f"@{self.digest}" if self.digest else f":{self.tag}")

    @property
    def version(self) -> str:
        """What to pull of the repository: the digest, else the tag (Engine API, ImageCreate)."""
        return self.digest or self.tag


def parse(text: str) -> Reference:
    """The parts of a reference; raises ValueError for one without tag and digest."""
    found = _REFERENCE.fullmatch(text)
    if found is None or not (found["tag"] or found["digest"]):
        raise ValueError(
            "a repository with a digest, a tag or both, such as "
            "registry.example/team/uv-lab:1.2.0@sha256:… (64 hexadecimal digits)"
        )
    return Reference(found["repository"], found["tag"] or "", found["digest"] or "")
