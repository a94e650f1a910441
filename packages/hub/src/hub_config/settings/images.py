"""Images that are on offer before they are on this machine: `[[images]]` of `config.toml`.

What a label says of an image is known only once it is here. So a declaration repeats it, field by
field, with the reference that the engine pulls.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

PullPolicy = Literal["never", "missing", "always"]
"""When a start pulls a declared image."""

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


Cpus = Annotated[float, Field(gt=0, allow_inf_nan=False)]


def _reference(text: str) -> str:
    parse(text)
    return text


class Size(BaseModel):
    """One size of an image, as in the label."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mem_limit: Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?[KMGT]?$")]
    cpu_limit: Cpus | None = None
    cpu_guarantee: Cpus | None = None


class DeclaredImage(BaseModel):
    """An image in a registry and the profiles it is offered with."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reference: Annotated[str, AfterValidator(_reference)] = Field(
        description="Repository and digest, or a tag; with a digest nothing else is ever started."
    )
    jupyterhub: Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)+")] = Field(
        description="JupyterHub's version in it; its first number has to be the hub's."
    )
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")] = Field(
        description="First part of the profiles' names."
    )
    title: str = Field("", description="What people choose.")
    description: str = Field("", description="What it is for.")
    port: Annotated[int, Field(ge=1, le=65535)] = Field(8888, description="Port of the server.")
    default_url: str = Field("", description="The page it opens.")
    profiles: Annotated[dict[str, Size], Field(min_length=1)] = Field(description="Its sizes.")

    @property
    def label(self) -> dict[str, Any]:
        """The declaration as the label of the image would say it."""
        return self.model_dump(exclude={"reference", "jupyterhub"})

    @property
    def parsed(self) -> Reference:
        """The parts of the reference."""
        return parse(self.reference)
