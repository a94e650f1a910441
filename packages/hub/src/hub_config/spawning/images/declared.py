"""Images that are on offer before they are on this machine: `[[images]]` of `config.toml`.

What a label says of an image is known only once it is here. So a declaration repeats it, field by
field, with the reference that the engine pulls.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from hub_config.spawning.images import references

PullPolicy = Literal["never", "missing", "always"]
"""When a start pulls a declared image."""

Cpus = Annotated[float, Field(gt=0)]


def _reference(text: str) -> str:
    references.parse(text)
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
    def parsed(self) -> references.Reference:
        """The parts of the reference."""
        return references.parse(self.reference)
