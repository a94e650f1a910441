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
    images: Iterable[BuiltImage],
    packages: Container[str],
    root: Path,
    gone: Container[str] = (),
    offered: Container[str] = (),
) -> tuple[str, ...]:
    """The references of what nobody keeps any more: what this checkout alone has marked, of
    packages it no longer has, and what only checkouts have that are `gone`.

    Those that delete an image come last. Of an image that another checkout has marked too only the
    own mark goes, and a tag that somebody gave it in another repository is theirs. The newest of a
    package that is here stays: whoever made it, it may be what the next build finds. So does what
    has a tag that hubs offer, and whatever a platform can go back to.
    """
    found: list[str] = []
    for image in images:
        here = image.package in packages
        if _has(image, (), f"{BEFORE}-") or (here and _has(image, offered, "latest")):
            continue
        own = [
            one
            for one in image.marks
            if keeper(one) in gone or (not here and keeper(one) == checkout(root))
        ]
        if own:
            repository = image.labels.get(f"{OCI}.title", "")
            offered = {f"checkout-{keeper(one)}" for one in own}
            alone = len(own) == len(image.marks)
            tags = [one for one in image.tags if alone or one.rpartition(":")[2] in offered]
            found += [one for one in tags if one.rpartition(":")[0] == repository] + own
    return tuple(found)


def superseded(
    images: Sequence[BuiltImage], root: Path, used: Container[str], offered: Container[str] = ()
) -> list[tuple[BuiltImage, tuple[str, ...]]]:
    """Builds that later ones have taken the place of, each with all its references: what this
    checkout alone has marked, then what such images alone were made from.

    `used` are the ids of images that containers are made of, `offered` the tags of what hubs offer,
    of which there need be no container. What somebody gave a name of their
    own, a release, and what a moving tag is on stays. What images are made from nobody marks: it
    stays while an image that stays stands on it, and the newest of its package in any case.
    """
    here = checkout(root)
    old = []
    for image in images:
        current = _has(image, offered, "latest", f"checkout-{here}", f"{BEFORE}-")
        own = image.marks and all(keeper(one) == here for one in image.marks)
        if own and not current and _is_ours(image) and image.image_id not in used:
            old.append(image)
    newest: dict[str, int] = {}
    for image in images:
        newest[image.package] = max(newest.get(image.package, 0), image.created)
    marked = {image.package for image in images if image.marks}
    stays = [image for image in images if image.marks and image not in old]
    old += [
        image
        for image in images
        if image.package not in marked
        and image.build_id
        and _is_ours(image)
        and image.image_id not in used
        and image.created < newest[image.package]
        and not any(one.layers[: len(image.layers)] == image.layers for one in stays)
    ]
    return [(image, (*image.tags, *image.marks)) for image in old]


def _has(image: BuiltImage, offered: Container[str], *beginnings: str) -> bool:
    """Whether a tag of it is one of these, or begins so."""
    tags = [tag.rpartition(":")[2] for tag in image.tags]
    return any(tag in offered or tag.startswith(beginnings) for tag in tags)


def _is_ours(image: BuiltImage) -> bool:
    """Whether all its names are the build's own, and it is no release."""
    repository = image.labels.get(f"{OCI}.title", "")
    named = {tag.rpartition(":")[0] for tag in image.tags}
    return named == {repository} and RELEASE not in image.labels


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
            said = ended.err.strip().removeprefix("Error response from daemon: ")
            left.append(f"{reference} stays: {said}")
    return left
