"""Public base images as their registries know them, and the pins that git keeps of them.

Registries are asked through buildx, which finds them as the builder does and needs no engine for
it. What is to be done with an answer is for `bases` to say.
"""

import hashlib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from jhub_docker.catalog import Catalog
from jhub_docker.engine.address import docker
from jhub_docker.errors import ActionError


@dataclass(frozen=True)
class Pin:
    """A declared public image (`reference`, perhaps pinned), and the digest its tag has now."""

    package: str
    lane: str
    reference: str
    digest: str

    @property
    def pinned(self) -> str:
        """How it is declared with that digest."""
        return f"{self.reference.partition('@')[0]}@{self.digest}"


def pinned(reference: str) -> str:
    """The digest that a reference is pinned to; empty for none."""
    return reference.partition("@")[2]


def ask(reference: str) -> str:
    """The digest of what a reference stands for in its registry: the index's, where it is one.

    Raises ActionError where the registry cannot be asked or does not have it.
    """
    # The bytes that the digest is of: another form of output would have buildx read all below.
    ended = docker("buildx", "imagetools", "inspect", "--raw", reference)
    ended.require(f"the registry cannot be asked for {reference}")
    return f"sha256:{hashlib.sha256(ended.raw).hexdigest()}"


def pin(catalog: Catalog) -> list[Pin]:
    """Ask for every public image that is declared, then write the digests beside the declarations.

    Raises ActionError, and writes nothing, where a registry cannot be asked for one of them.
    """
    found = [
        Pin(spec.name, lane, reference, ask(_by_tag(reference)))
        for spec in catalog.specs.values()
        for lane, reference in spec.public.items()
    ]
    texts = {}
    for name in dict.fromkeys(one.package for one in found):
        path = catalog[name].folder / "pyproject.toml"
        texts[path] = edited(path, (one for one in found if one.package == name))
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    return found


def edited(path: Path, pins: Iterable[Pin]) -> str:
    """A package's pyproject.toml with these pins in it, and all else as it was.

    Raises ActionError where the declaration is written in a way that cannot be edited so.
    """
    before = path.read_text(encoding="utf-8")
    after, wished = before, tomllib.loads(before)
    for one in pins:
        for quote in "\"'":
            after = after.replace(f"{quote}{one.reference}{quote}", f"{quote}{one.pinned}{quote}")
        wished["tool"]["jhub-docker"]["public"][one.lane] = one.pinned
    if tomllib.loads(after) != wished:
        raise ActionError(
            f"{path} declares its public images in a way that cannot be edited; write each as "
            'public.LANE = "IMAGE"'
        )
    return after


def _by_tag(reference: str) -> str:
    """What to ask for to learn of a newer digest: the tag, where the reference has one."""
    name = reference.partition("@")[0]
    return name if ":" in name.rpartition("/")[2] else reference
