"""What a package's pyproject.toml may hold: the types that it is read as, by msgspec.

What the fields mean together is the catalog's business.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct, field

from jhub_docker.catalog import version

ROOT_FILE_SYSTEM = "debian"
"""The `base` of a package that starts from a root file system made by debootstrap."""

LANES = ("bookworm", "trixie")
"""The Debian releases the images can be built on; the first is the default."""

PLATFORMS = ("linux/amd64", "linux/arm64")
"""What images are made for, unless their package declares fewer or inherits fewer from its base."""

_IMAGE = r"^[^\s@\"']+(@sha256:[0-9a-f]{64})?\Z"
"""An image in a registry, pinned by a digest or not; whether it is there only that can say."""

_KIND = r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?/[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?\Z"

Lane = Annotated[str, Meta(pattern=rf"^({'|'.join(LANES)})\Z")]
Platform = Annotated[str, Meta(pattern=rf"^({'|'.join(PLATFORMS)})\Z")]
Text = Annotated[str, Meta(min_length=1)]
Address = Annotated[str, Meta(pattern="^/")]
Word = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]*\Z")]
Image = Annotated[str, Meta(pattern=_IMAGE)]
Repository = Annotated[str, Meta(pattern=r"^[a-z0-9]+(?:[._/-]+[a-z0-9]+)*\Z")]
Amount = Annotated[int, Meta(ge=0)]
Cpus = Annotated[int, Meta(gt=0)] | Annotated[float, Meta(gt=0)]
Count = Annotated[int, Meta(ge=1, le=64)]


class Gpus(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """GPUs of one kind, such as `nvidia.com/gpu`."""

    count: Count | None = None
    kind: Annotated[str, Meta(pattern=_KIND)] | None = None


class Profile(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A size a person can choose for their server.

    `cpu_guarantee` and `cpu_limit` are numbers of CPUs (no limit: None), `mem_limit` is a number
    of bytes with one of the suffixes K, M, G, T, as JupyterHub's `Spawner.mem_limit` takes it.
    `sudo` lets the person become root inside their own container. `gpus` is a number of GPUs, or
    a table with `count` and `kind`.
    """

    mem_limit: Annotated[str, Meta(pattern=r"^\d+(\.\d+)?[KMGT]\Z")]
    cpu_guarantee: Cpus | None = None
    cpu_limit: Cpus | None = None
    sudo: bool = False
    gpus: Count | Gpus | None = None


class Budget(Struct, frozen=True, forbid_unknown_fields=True):
    """How large a released image may be, above the public base or its stand-in.

    `size` and `compressed` are MB (10^6 bytes) of its layers as they are and as they are pushed,
    `layers` is their number. More than `tolerance` percent above fails a release; one more layer
    than allowed does so always.
    """

    size: Amount
    compressed: Amount
    layers: Amount
    tolerance: Amount = 5


class Declared(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[tool.jhub-docker]`."""

    base: Text
    uses: tuple[Text, ...] = ()
    repository: Repository = field(default="", name="image")
    platforms: tuple[Platform, ...] = ()
    public: Mapping[Lane, Image] = {}
    publish: bool = True
    title: Text = ""
    port: Annotated[int, Meta(gt=0, lt=65536)] | None = None
    probe: Address | None = None
    routes: tuple[Word, ...] = ()
    environment: Annotated[str, Meta(pattern="^(/|\\Z)")] = "/opt/venv"
    tags: Mapping[Word, Text | Annotated[tuple[Text, ...], Meta(min_length=1)]] = {}
    profiles: Mapping[Word, Profile] = {}
    budget: Budget | None = None

    @property
    def parents(self) -> tuple[str, ...]:
        """The packages this one is built from: its base first, then the contexts it uses."""
        return (*([] if self.base == ROOT_FILE_SYSTEM else [self.base]), *self.uses)


class Project(Struct, frozen=True, rename="kebab"):
    """What counts of the table `[project]` (PEP 621)."""

    name: Text
    version: Annotated[str, Meta(pattern=rf"^{version.PATTERN.pattern}\Z")]
    description: Text
    license: Any = None
    requires_python: str = ""
    dependencies: tuple[str, ...] = ()


class Tool(Struct, frozen=True, rename="kebab"):
    """The table `[tool]`, of which only one is ours."""

    jhub_docker: Declared


class Pyproject(Struct, frozen=True):
    """A package's pyproject.toml."""

    project: Project
    tool: Tool


def is_image(reference: str) -> bool:
    """Whether a text can name an image in a registry, by its tag, its digest or both."""
    return re.search(_IMAGE, reference) is not None


def suggest(word: str, known: Iterable[str]) -> str:
    """The nearest of the known words, and all of them."""
    near = difflib.get_close_matches(word, list(known), n=1)
    listing = ", ".join(sorted(known))
    return f"did you mean {near[0]!r}? Known: {listing}" if near else f"known: {listing}"
