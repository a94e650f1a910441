"""Which checkout keeps which image in the engine, and taking away what none keeps any more.

Two checkouts on one engine can share an image, since one build id is one image, and neither knows
which folders the other has. So a build marks what it built or found, by one more tag that names the
checkout; an image goes only when its folder is gone here and no other checkout has marked it. A
checkout that is gone itself keeps nothing: where each was is noted in its person's home.
"""

import hashlib
import os
import platform
from collections.abc import Container, Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from jhub_docker.build.plan import BuiltImage
from jhub_docker.catalog.identity import OCI, RELEASE, short
from jhub_docker.engine import docker
from jhub_docker.engine.lock import held

_PREFIX = "kept-by-"
BEFORE = "before"
"""How a tag begins of what a platform had before an upgrade, and can go back to."""

_MACHINE = Path("/etc/machine-id")


_IMAGES = ".images"
"""What builds of all checkouts hold together, and whoever takes images away alone: an image that a
build found and goes by has no mark yet, and is nobody's parent."""


def in_use() -> AbstractContextManager[None]:
    """Meanwhile nobody takes images away that a build may go by."""
    return held(_IMAGES, "what takes images away", shared=True)


def removing() -> AbstractContextManager[None]:
    """Meanwhile nobody builds."""
    return held(_IMAGES, "a build, or what takes images away,")


def checkout(root: Path) -> str:
    """What a checkout is called in marks: it follows from the machine and the folder."""
    known = _MACHINE.read_text().strip() if _MACHINE.exists() else ""
    machine = known or platform.node()  # in many a container the file is there and empty
    return hashlib.sha256(os.fsencode(f"{machine}\0{root.resolve()}")).hexdigest()[:8]


def checkout_tag(root: Path) -> str:
    """The tag of what was built last in a checkout; `latest` may be another one's by now."""
    return f"checkout-{checkout(root)}"


def mark(root: Path, build_id: str) -> str:
    """The tag by which a checkout keeps the image of this build id."""
    return f"{_PREFIX}{checkout(root)}-{short(build_id)}"


def is_mark(reference: str) -> bool:
    """Whether a reference is some checkout's mark."""
    return reference.rpartition(":")[2].startswith(_PREFIX)


def remember(root: Path) -> None:
    """Note where the checkout is, so that its marks are known to be nobody's once it is gone."""
    # Without a home, or one that can be written to, nobody is told, and the marks stay.
    with suppress(OSError, RuntimeError):
        note = _notes() / checkout(root)
        if not note.exists():
            note.parent.mkdir(parents=True, exist_ok=True)
            note.write_bytes(os.fsencode(root.resolve()) + b"\n")


def gone() -> dict[str, Path]:
    """The checkouts of this person on this machine that built something and are no more."""
    noted: list[Path] = []
    with suppress(OSError, RuntimeError):  # nothing was noted, or there is no home to note it
        noted = list(_notes().iterdir())
    places = {one.name: Path(os.fsdecode(one.read_bytes().strip())) for one in noted}
    return {name: place for name, place in places.items() if not (place / "packages").is_dir()}


def _notes() -> Path:
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    return Path(state) / "jhub-docker/checkouts"


def unwanted(
    images: Sequence[BuiltImage],
    packages: Container[str],
    root: Path,
    gone: Container[str] = (),
    used: Container[str] = (),
    offered: Container[str] = (),
) -> list[tuple[BuiltImage, tuple[str, ...]]]:
    """What nobody keeps any more, each image with the references to remove, the last of which
    delete it.

    That is what this checkout has marked of packages it no longer has, and what it or checkouts
    that are `gone` alone have marked and later builds have taken the place of; then what such
    images alone were made from, which nobody marks, but for the newest of its package. Of an image
    that another checkout has marked too only the own mark goes.

    `used` are the ids of images that containers are made of, `offered` the tags of what hubs offer,
    of which there need be no container. What somebody gave a name of their own, a release, what a
    moving tag is on and whatever a platform can go back to stays.
    """
    here = checkout(root)
    found, stays = [], []
    for image in images:
        known = image.package in packages
        own = [one for one in image.marks if keeper(one) == here or keeper(one) in gone]
        alone = len(own) == len(image.marks)
        kept = _is_current(image, here, used, offered) or not alone
        if not own or _has(image, (), f"{BEFORE}-") or (known and kept):
            stays += [image] if image.marks else []
            continue
        moving = {f"checkout-{keeper(one)}" for one in own}
        tags = [one for one in image.tags if alone or one.rpartition(":")[2] in moving]
        tags = [one for one in tags if one.rpartition(":")[0] == _repository(image)]
        found.append((image, (*tags, *own)))
    marked = {one.package for one in images if one.marks}
    newest = {one.package: one.created for one in sorted(images, key=lambda one: one.created)}
    parents = (
        one
        for one in images
        if one.build_id
        and one.package not in marked
        and one.created < newest[one.package]
        and not _is_current(one, here, used, offered)
        and not any(other.layers[: len(one.layers)] == one.layers for other in stays)
    )
    return found + [(one, one.tags) for one in parents]


def _is_current(
    image: BuiltImage, here: str, used: Container[str], offered: Container[str]
) -> bool:
    """Whether something goes by it, or it is not the build's own alone."""
    named = {tag.rpartition(":")[0] for tag in image.tags}
    return (
        image.image_id in used
        or _has(image, offered, "latest", f"checkout-{here}")
        or named != {_repository(image)}
        or RELEASE in image.labels
    )


def _has(image: BuiltImage, offered: Container[str], *beginnings: str) -> bool:
    """Whether a tag of it is one of these, or begins so."""
    tags = [tag.rpartition(":")[2] for tag in image.tags]
    return any(tag in offered or tag.startswith(beginnings) for tag in tags)


def _repository(image: BuiltImage) -> str:
    return image.labels.get(f"{OCI}.title", "")


def keeper(mark: str) -> str:
    """The checkout that a mark names; something else of any other tag."""
    return mark.rpartition(":")[2].removeprefix(_PREFIX).partition("-")[0]


def remove(references: Iterable[str]) -> list[str]:
    """Remove the references; returns what could not go, each in a sentence.

    The engine keeps an image whose container is still there, and so its mark stays for later.
    """
    left = []
    for reference in references:
        ended = docker("image", "rm", reference)
        if ended.code and "no such image" not in ended.err.lower():
            left.append(f"{reference} stays: {ended.tail()}")
    return left
