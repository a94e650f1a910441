"""The build plan: which images to build, from which parents, and why. Pure, it acts on nothing.

A build id is a sha256 over everything an image is made from: the files of its build context, the
labels derived from its declaration, and its parents' build ids (for a pulled base, the digest).
Two images with one build id have the same inputs, so the second one need not be built. The
platform is no input: an image's builds for several platforms have one id, as they have one release,
and those for another platform than the engine's own have it in their tags.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace

from jhub_docker.catalog import ROOT_FILE_SYSTEM, Catalog, ImageSpec
from jhub_docker.catalog.identity import LABEL, OCI, digest, short, suffix


@dataclass(frozen=True)
class BuiltImage:
    """An image of this project that the engine already has."""

    image_id: str
    package: str
    build_id: str
    inputs: Mapping[str, str]
    labels: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    """The tags by which checkouts keep it; they are not among `tags`."""
    platform: str = ""
    digests: tuple[str, ...] = ()
    """`repository@digest` for each registry it was pulled from or pushed to."""
    size: int = 0
    created: int = 0


@dataclass(frozen=True)
class Base:
    """A public base as it was resolved: the reference to build from and what identifies it.

    `local` says that no registry is known to have it: the engine got it in another way.
    """

    reference: str
    digest: str
    standin: bool = False
    local: bool = False


@dataclass(frozen=True)
class Step:
    """One image of the plan: build it or leave it, and because of what."""

    spec: ImageSpec
    build_id: str
    inputs: Mapping[str, str]
    labels: Mapping[str, str]
    contexts: Mapping[str, str]
    existing: BuiltImage | None
    build: bool
    reason: str
    suffix: str = ""

    @property
    def reference(self) -> str:
        """`repository:build-id`, the tag under which the image is built, with the plan's suffix."""
        return f"{self.spec.repository}:{short(self.build_id)}{self.suffix}"


@dataclass(frozen=True)
class Plan:
    """The steps, parents before children; only what the wished-for images need."""

    steps: tuple[Step, ...]
    wanted: tuple[str, ...]
    platform: str = ""
    """The platform where it is not the engine's own."""

    @property
    def to_build(self) -> tuple[Step, ...]:
        """The steps that have to run."""
        return tuple(step for step in self.steps if step.build)

    @property
    def shown(self) -> tuple[Step, ...]:
        """The steps a person asked about: the wished-for images, and parents that get built."""
        return tuple(step for step in self.steps if step.build or step.spec.name in self.wanted)


def make(
    catalog: Catalog,
    wanted: Iterable[ImageSpec],
    *,
    contexts: Mapping[str, Mapping[str, str]],
    bases: Mapping[str, Base],
    existing: Mapping[str, BuiltImage],
    force: bool = False,
    platform: str = "",
    beside: str = "",
) -> Plan:
    """Plan the build of `wanted` and of whatever they need that is missing.

    `contexts` maps each package to the files of its build context and their sha256; `bases` maps
    the packages that stand for a public base (and `debian`, the root file system) to what was
    resolved for them; `existing` maps build ids to images in the engine. With `force` the
    wished-for images are built even when nothing changed. `bases` and `existing` are those of
    `platform`, which is empty for the engine's own. `beside` is appended to the tags of what is
    built, which leaves the images that have those build ids alone.
    """
    wanted_names = tuple(spec.name for spec in wanted)
    steps: dict[str, Step] = {}
    for spec in catalog.closure(wanted_names, given=bases):
        if spec.name in bases:
            continue  # pulled: nothing to build
        step = _step(spec, contexts[spec.name], bases, steps, existing)
        steps[spec.name] = replace(step, suffix=suffix(platform) + beside)
    newest = _newest_by_package(existing.values())
    needed: dict[str, Step] = {}
    for name in reversed(steps):
        step = steps[name]
        wished = name in wanted_names
        for_child = any(name in child.spec.parents for child in needed.values() if child.build)
        if not (wished or for_child):
            continue
        build = step.existing is None or (force and wished)
        reason = _reason(step, newest.get(name), forced=force and wished)
        needed[name] = replace(step, build=build, reason=reason)
    ordered = [needed[name] for name in steps if name in needed]
    linked = tuple(_link(step, needed, steps, bases) for step in ordered)
    return Plan(linked, wanted_names, platform)


def _step(
    spec: ImageSpec,
    files: Mapping[str, str],
    bases: Mapping[str, Base],
    steps: Mapping[str, Step],
    existing: Mapping[str, BuiltImage],
) -> Step:
    parents = {}
    for parent in (spec.base, *spec.uses):
        parents[parent] = bases[parent].digest if parent in bases else steps[parent].build_id
    inputs = {
        **{f"file {path}": sha for path, sha in files.items()},
        **{f"parent {name}": identity for name, identity in parents.items()},
        "declaration": digest(declared_labels(spec)),
    }
    build_id = digest(inputs)
    short_inputs = {key: value.removeprefix("sha256:")[:12] for key, value in inputs.items()}
    return Step(
        spec=spec,
        build_id=build_id,
        inputs=short_inputs,
        labels={
            **declared_labels(spec),
            **_base_labels(spec, bases, steps),
            f"{LABEL}.build-id": build_id,
            f"{LABEL}.inputs": json.dumps(short_inputs, sort_keys=True, separators=(",", ":")),
        },
        contexts={},
        existing=existing.get(build_id),
        build=False,
        reason="",
    )


def declared_labels(spec: ImageSpec) -> dict[str, str]:
    """The labels that follow from the declaration alone; a change to one changes the build id."""
    labels = {
        f"{OCI}.title": spec.repository,
        f"{OCI}.description": spec.description,
        f"{OCI}.version": spec.version,
        f"{LABEL}.package": spec.name,
    }
    if spec.license:
        labels[f"{OCI}.licenses"] = spec.license
    if spec.publish and spec.profiles and spec.probe:
        offer = {
            "name": spec.name,
            "title": spec.title or spec.name,
            "description": spec.description,
            "port": spec.port,
            "default_url": spec.probe,
            "profiles": {
                size: {
                    key: value
                    for key, value in asdict(profile).items()
                    if value not in (None, False)
                }
                for size, profile in spec.profiles.items()
            },
        }
        labels[f"{LABEL}.profiles"] = json.dumps(offer, separators=(",", ":"))
        if spec.jupyterhub:
            labels[f"{LABEL}.jupyterhub"] = spec.jupyterhub
    return labels


def _base_labels(
    spec: ImageSpec, bases: Mapping[str, Base], steps: Mapping[str, Step]
) -> dict[str, str]:
    """Say what the image stands on: the public base or its stand-in, name and digest."""
    if spec.base in bases:
        base = bases[spec.base]
        kind = "stand-in" if spec.base == ROOT_FILE_SYSTEM else "public"
        return {
            f"{OCI}.base.name": base.reference,
            f"{OCI}.base.digest": base.digest,
            f"{LABEL}.base": kind,
        }
    parent = steps[spec.base].labels
    keys = (f"{OCI}.base.name", f"{OCI}.base.digest", f"{LABEL}.base")
    return {key: parent[key] for key in keys}


def _newest_by_package(images: Iterable[BuiltImage]) -> dict[str, BuiltImage]:
    newest: dict[str, BuiltImage] = {}
    for image in sorted(images, key=lambda image: image.created):
        newest[image.package] = image
    return newest


def _reason(step: Step, previous: BuiltImage | None, *, forced: bool) -> str:
    if step.existing is not None:
        return "forced" if forced else "unchanged"
    if previous is None:
        return "not built yet"
    return "changed: " + ", ".join(changed_inputs(previous.inputs, step.inputs))


def changed_inputs(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Name the inputs that were changed, added or removed, e.g. `uv.lock`, `base singleuser-base`.

    When every input agrees, the images differ in what labels do not record: say so.
    """
    names = []
    for key in sorted({*before, *after}):
        if before.get(key) != after.get(key):
            kind = "" if key in before and key in after else " (new)" if key in after else " (gone)"
            names.append(key.removeprefix("file ") + kind)
    return names or ["an input the previous image does not record"]


def _link(
    step: Step, needed: Mapping[str, Step], steps: Mapping[str, Step], bases: Mapping[str, Base]
) -> Step:
    """Name where each build context comes from: a target of the same bake, or an image."""
    contexts = {}
    for position, parent in enumerate((step.spec.base, *step.spec.uses)):
        name = "base" if position == 0 else parent
        if parent in bases:
            contexts[name] = f"docker-image://{bases[parent].reference}"
        elif parent in needed and needed[parent].build:
            contexts[name] = f"target:{parent}"
        else:
            contexts[name] = f"docker-image://{steps[parent].reference}"
    return replace(step, contexts=contexts)
