"""The public base images, or the stand-ins built where their registries are out of reach.

A package with a `public` table stands for a base: where the public image can be had it is used, by
the digest that it is pinned to or that it was pulled with; elsewhere the package's own Dockerfile
builds a stand-in. Where neither is known, nothing is guessed.
"""

import os
import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal, cast

from jhub_docker.build import images, public
from jhub_docker.build.plan import Base, BuiltImage
from jhub_docker.catalog import LANES, ROOT_FILE_SYSTEM, Catalog, ImageSpec, fields
from jhub_docker.engine import quick
from jhub_docker.errors import ActionError, UsageError, one_of
from jhub_docker.host import rootfs
from jhub_docker.progress import say, stage
from jhub_docker.registry import faults

Mode = Literal["auto", "pull", "standin"]
MODES: tuple[Mode, ...] = ("auto", "pull", "standin")


def lane(environment: Mapping[str, str] = os.environ) -> str:
    """The Debian release to build on: the variable JHUB_DOCKER_LANE, or the default one."""
    value = environment.get("JHUB_DOCKER_LANE") or LANES[0]
    return one_of("JHUB_DOCKER_LANE", value, LANES)


def lane_suffix() -> str:
    """What tags of images of another lane than the default one end with, e.g. `-trixie`."""
    return "" if lane() == LANES[0] else f"-{lane()}"


def mode(value: str | None) -> Mode:
    """Check the value of `--base`."""
    return cast(Mode, one_of("--base", value or "auto", MODES))


def public_reference(
    spec: ImageSpec, lane: str, environment: Mapping[str, str] = os.environ
) -> str | None:
    """The public image a package stands for; JHUB_DOCKER_<PACKAGE> overrides a base's declared one.

    With a digest behind it, it is pinned.
    """
    wished = environment.get(variable(spec))
    if wished and not fields.is_image(wished):
        expected = "an image such as registry.example.org/base:1"
        raise UsageError(f"{variable(spec)} is {wished!r}; expected {expected}")
    return wished or spec.public.get(lane)


def variable(spec: ImageSpec) -> str:
    """The variable that names another public image for a package that stands for a base; empty for
    others: what a service runs is named by a variable of Compose's.
    """
    is_base = spec.base == ROOT_FILE_SYSTEM
    return "JHUB_DOCKER_" + spec.name.upper().replace("-", "_") if is_base else ""


@dataclass(frozen=True)
class Here:
    """What the engine has: this project's images, and each public base by its reference."""

    images: tuple[BuiltImage, ...]
    public: Mapping[str, Base | None]
    asked: bool = True
    """Whether there is an engine that could say so."""


def look(catalog: Catalog, wanted: Iterable[ImageSpec], lane: str, *, needed: bool = True) -> Here:
    """Ask the engine, everything at once, what it has of `wanted` and the bases of them.

    Where none answers, that is an ActionError if it is `needed`, and else as if it had nothing.
    """
    specs = catalog.closure([spec.name for spec in wanted])
    references = [name for spec in specs if (name := public_reference(spec, lane))]
    try:
        with ThreadPoolExecutor() as asked:
            ours = asked.submit(images.here)
            found = list(asked.map(_inspect, references))
            return Here(ours.result(), dict(zip(references, found, strict=True)))
    except ActionError:
        if needed or quick.server() is not None:
            raise
        return Here((), {}, asked=False)


def resolve(
    catalog: Catalog,
    wanted: Iterable[ImageSpec],
    mode: Mode,
    lane: str,
    *,
    act: bool = True,
    here: Here | None = None,
    platform: str = "",
) -> dict[str, Base]:
    """Decide for each base that `wanted` stands on: the public image, or nothing (a stand-in).

    Returns the pulled bases by package name, and the root file system under `debian` when some
    stand-in has to be built. Raises ActionError when `mode` is pull and a base cannot be had.
    With `act` false nothing is pulled or made, and no engine is needed. What a pull would bring is
    known by the digest it is pinned to; else, with the mode `pull`, its registry is asked. Where
    that is not so, or it does not answer, the base has no digest: it is not known until pulled.
    `here` is what `look` found just now.

    It is decided for the engine's own platform. Another `platform` follows it, with the same public
    image or the same recipe, or else one image would have several build ids.
    """
    wanted = tuple(wanted)
    here = here or look(catalog, wanted, lane, needed=act)
    names = [spec.name for spec in wanted]
    pulled: dict[str, Base] = {}
    for spec in catalog.specs.values():
        reference = public_reference(spec, lane)
        if reference and spec in catalog.closure(names, given=pulled):
            base = _public(spec, reference, mode, here, act=act)
            if base is not None:
                pulled[spec.name] = base
    if platform:
        # By the index's digest, of which the builder takes what is the platform's.
        pulled = {
            name: replace(base, reference=f"{base.name}@{base.digest}")
            if base.digest and not base.local
            else base
            for name, base in pulled.items()
        }
    built = (one for one in catalog.closure(names, given=pulled) if one.name not in pulled)
    if any(spec.base == ROOT_FILE_SYSTEM for spec in built):
        made = root_file_system(lane, platform)
        if act and not any(made.reference in image.tags for image in here.images):
            rootfs.ensure(lane, platform)
        pulled[ROOT_FILE_SYSTEM] = made
    return pulled


def root_file_system(lane: str, platform: str = "") -> Base:
    """What a stand-in starts from: one recipe, and so one digest, for all platforms."""
    reference = rootfs.reference(lane, platform)
    return Base(reference, f"sha256:{rootfs.recipe_key(lane)}")


def _public(spec: ImageSpec, reference: str, mode: Mode, here: Here, *, act: bool) -> Base | None:
    if mode == "standin":
        return None
    pinned = public.pinned(reference)
    if (found := here.public.get(reference)) and (pinned or mode == "auto"):
        return found
    if mode == "auto" and any(image.package == spec.name for image in here.images):
        return None  # Built here before since the registry did not answer; do not ask every time.
    if not act:
        return Base(reference, pinned or (_asked(spec.name, reference) if mode == "pull" else ""))
    try:
        return _pull(reference)
    except ActionError as error:
        name = reference.partition("@")[0]
        if pinned and faults.is_missing(str(error)):
            raise ActionError(
                f"{spec.name}: its registry has no {reference} ({error}); "
                f"`./dev invoke bases --pin` pins what {name} is now"
            ) from None
        if mode == "pull":
            raise ActionError(
                f"{spec.name}: {reference} cannot be pulled ({error}); check the network, or use "
                "--base standin to build a stand-in from distribution packages"
            ) from None
        say(f"    {reference} cannot be pulled ({error}); a stand-in takes its place")
        return None


def _asked(package: str, reference: str) -> str:
    """The digest that a pull would bring now; empty where the registry does not say."""
    try:
        return public.ask(reference)
    except ActionError as error:
        say(f"    {package}: {error}")
        return ""


def _pull(reference: str) -> Base:
    """Pull an image. Raises ActionError with the engine's words."""
    with stage(f"pulling {reference}"):
        said = quick.pull(reference)
    if told := _PULLED.search(said):
        _forget(reference, told[1])
    found = _inspect(reference)
    if found is None:
        raise ActionError("the engine pulled it and has it not")
    return found


_PULLED = re.compile(r"^Digest: (sha256:[0-9a-f]{64})$", re.MULTILINE)
"""What `docker pull` says it got."""


def _forget(reference: str, digest: str) -> None:
    """Take from what was just pulled by a tag the digests under which it was pulled before.

    An index that moved for another platform alone has the same image in it, which then has two
    digests in the engine and nothing tells which one is the tag's.
    """
    image = quick.image(reference) if not public.pinned(reference) else None
    for known in (image or {}).get("RepoDigests") or ():
        if _repository(known) == _repository(reference) and not known.endswith(digest):
            quick.untag(known)


def _inspect(reference: str) -> Base | None:
    """The image as the engine has it: by its digest where it is pinned, else by its tag."""
    image = quick.image(reference)
    if image is None:
        return None
    if pinned := public.pinned(reference):
        return Base(reference, pinned)
    digests = [
        known.rpartition("@")[2]
        for known in image.get("RepoDigests") or ()
        if _repository(known) == _repository(reference)
    ]
    return Base(reference, min(digests, default=str(image["Id"])), local=not digests)


def _repository(reference: str) -> str:
    """The repository alone, as the engine writes it: without Docker Hub's own name."""
    name = reference.partition("@")[0]
    if ":" in name.rpartition("/")[2]:
        name = name.rpartition(":")[0]
    return re.sub(r"^((index\.)?docker\.io/)?(library/)?", "", name)
