"""Names of images in registries, as `registry/repository:tag@digest`.

The grammar is that of the distribution project's `reference` package, but that the registry has to
be named: a name without one means Docker Hub to some programs and nothing to others.
"""

import re
from dataclasses import dataclass, replace

from jhub_docker.errors import UsageError

_PART = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_WHOLE = re.compile(
    r"(?P<registry>(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::\d+)?)"
    rf"/(?P<repository>{_PART}(?:/{_PART})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


@dataclass(frozen=True)
class Reference:
    """A repository in a registry, or one image of it by tag, by digest or both."""

    registry: str
    repository: str
    tag: str | None = None
    digest: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Reference":
        """Read a reference. Raises UsageError for what is none.

        A password in it (`user:password@registry/…`) is refused too, and never repeated.
        """
        registry, found = text.partition("/")[0], _WHOLE.fullmatch(text)
        if found and ({".", ":"} & set(registry) or registry == "localhost"):
            return cls(**found.groupdict())
        raise UsageError(
            f"{text.rpartition('@')[2]!r} names no repository of a registry; expected such as "
            "registry.example.org/team/uv-lab or localhost:5000/uv-lab, in lower-case letters, "
            "digits and single separators, and perhaps :TAG or @sha256:… behind it. Credentials do "
            "not belong in it: `docker login` keeps them"
        )

    @classmethod
    def parse_image(cls, text: str) -> "Reference":
        """Read the reference of one image; a repository alone is a UsageError."""
        found = cls.parse(text)
        if not (found.tag or found.digest):
            raise UsageError(
                f"{text!r} names no image of that repository; expected a tag behind it, such as "
                f"{text}:latest, or @sha256: and 64 hex digits"
            )
        return found

    @property
    def name(self) -> str:
        """Registry and repository alone."""
        return f"{self.registry}/{self.repository}"

    @property
    def address(self) -> str:
        """What asks a registry for one thing: by digest where there is one, else by tag."""
        if self.digest:
            return f"{self.name}@{self.digest}"
        return f"{self.name}:{self.tag}" if self.tag else self.name

    def at(self, digest: str) -> "Reference":
        """The image of the same repository with this digest, without a tag."""
        return replace(self, tag=None, digest=digest)

    def tagged(self, tag: str) -> "Reference":
        """The image of the same repository with this tag, whatever its digest."""
        return replace(self, tag=tag, digest=None)

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.name}{tag}" + (f"@{self.digest}" if self.digest else "")
