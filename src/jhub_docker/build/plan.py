"""The build plan: which images to build, from which parents, and why. Pure, it acts on nothing.

A build id is a sha256 over everything an image is made from: the files of its build context, the
labels derived from its declaration, and its parents' build ids (for a pulled base, the digest).
Two images with one build id have the same inputs, so the second one need not be built. The
platform is no input: an image's builds for several platforms have one id, as they have one release,
and those for another platform than the engine's own have it in their tags.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from jhub_docker.build import labels, reasons
from jhub_docker.build.contexts import Context
from jhub_docker.catalog import ROOT_FILE_SYSTEM, Catalog, ImageSpec
from jhub_docker.catalog.identity import LABEL, OCI, digest, short, suffix

if TYPE_CHECKING:
    from jhub_docker.build.builders import Way
    from jhub_docker.host.machine import Revision


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
    layers: tuple[str, ...] = ()
    """What it is stacked of, from the bottom up: an image that begins so stands on it."""


@dataclass(frozen=True)
class Base:
    """A public base as it was resolved: the reference to build from and what identifies it.

    Without a `digest` it is not known until it is pulled, and neither is what stands on it. `local`
    says that no registry is known to have it: the engine got it in another way.
    """

    reference: str
    digest: str
    local: bool = False

    @property
    def name(self) -> str:
        """The reference without a digest, as people call it."""
        return self.reference.partition("@")[0]


@dataclass(frozen=True)
class Step:
    """One image of the plan: build it or leave it, and because of what.

    `files` is its build context, `contexts` says where each image it is built from comes from.
    Where it stands on public bases that are not known until they are pulled, it has no `build_id`;
    they are its `unknown`, by their references. It is `pulled` where a registry had what would have
    been built.
    """

    spec: ImageSpec
    files: Context
    build_id: str
    inputs: Mapping[str, str]
    labels: Mapping[str, str]
    existing: BuiltImage | None
    contexts: Mapping[str, str] = field(default_factory=dict)
    build: bool = False
    reason: str = ""
    suffix: str = ""
    unknown: tuple[str, ...] = ()
    pulled: bool = False

    @property
    def reference(self) -> str:
        """`repository:build-id`, the tag under which the image is built, with the plan's suffix."""
        return f"{self.spec.repository}:{short(self.build_id)}{self.suffix}"


@dataclass(frozen=True)
class Plan:
    """What is built and from what: made once by a command, and read by all that comes after.

    `steps` are the wished-for images and all they are built from, parents before children; `bases`
    are what is not built. `ways` say by image how it is built where a platform was asked for by
    name, `runs` whether this engine can start what is built, `revision` what is checked out.
    """

    catalog: Catalog
    steps: tuple[Step, ...]
    wanted: tuple[str, ...]
    bases: Mapping[str, Base]
    platform: str = ""
    """The platform where it is not the engine's own."""
    forced: bool = False
    beside: str = ""
    ways: Mapping[str, "Way"] = field(default_factory=dict)
    runs: bool = True
    revision: "Revision | None" = None

    def __getitem__(self, name: str) -> Step:
        """The step of a package."""
        return self.by_name[name]

    @cached_property
    def by_name(self) -> dict[str, Step]:
        """The steps by their packages' names."""
        return {step.spec.name: step for step in self.steps}

    @property
    def to_build(self) -> tuple[Step, ...]:
        """The steps that have to run."""
        return tuple(step for step in self.steps if step.build)

    @property
    def needed(self) -> tuple[Step, ...]:
        """The wished-for images, and what those that get built are built from."""
        parents = {parent for step in self.to_build for parent in step.spec.parents}
        wished = parents.union(self.wanted)
        return tuple(step for step in self.steps if step.build or step.spec.name in wished)

    @property
    def shown(self) -> tuple[Step, ...]:
        """The steps a person asked about: the wished-for images, and parents that get built."""
        return tuple(step for step in self.steps if step.build or step.spec.name in self.wanted)

    def how(self, step: Step) -> str:
        """How a step is built, as a `Way` says it; a parent like the image that needs it."""
        if not self.ways:
            return "native"
        own = self.ways.get(step.spec.name)
        return own.how if own else next((way.how for way in self.ways.values() if way.how), "")

    def paths(self, image: str) -> set[str]:
        """The files, relative to the checkout, that an image is built from."""
        return {
            f"packages/{spec.name}/{path}"
            for spec in self.catalog.closure([image])
            if spec.name in self.by_name
            for path in self[spec.name].files.files
        }


def make(
    catalog: Catalog,
    wanted: Iterable[ImageSpec],
    *,
    contexts: Mapping[str, Context],
    bases: Mapping[str, Base],
    existing: Mapping[str, BuiltImage],
    force: bool = False,
    platform: str = "",
    beside: str = "",
) -> Plan:
    """Plan the build of `wanted` and of whatever they need that is missing.

    `contexts` are the packages' build contexts; `bases` maps the packages that stand for a public
    base (and `debian`, the root file system) to what was resolved for them; `existing` maps build
    ids to images in the engine. With `force` the wished-for images are built even when nothing
    changed. `bases` and `existing` are those of `platform`, which is empty for the engine's own.
    `beside` is appended to the tags of what is built, which leaves the images that have those build
    ids alone.
    """
    wanted_names = tuple(spec.name for spec in wanted)
    before = {one.package: one for one in sorted(existing.values(), key=lambda one: one.created)}
    steps: dict[str, Step] = {}
    for spec in catalog.closure(wanted_names, given=bases):
        if spec.name not in bases:
            step = _step(spec, contexts[spec.name], bases, steps, existing)
            reason = reasons.changed(before.get(spec.name), step.inputs)
            steps[spec.name] = replace(step, suffix=suffix(platform) + beside, reason=reason)
    made = tuple(steps.values())
    return _decided(Plan(catalog, made, wanted_names, bases, platform, force, beside))


def having(made: Plan, found: Mapping[str, BuiltImage]) -> Plan:
    """The plan once these images, by package, were pulled: what only they needed is not built."""
    steps = tuple(
        replace(step, existing=found[step.spec.name], pulled=True)
        if step.spec.name in found
        else step
        for step in made.steps
    )
    return _decided(replace(made, steps=steps))


def _decided(made: Plan) -> Plan:
    """Decide which steps are built, children first: a parent only when a child needs it."""
    steps = {step.spec.name: step for step in made.steps}
    for name in reversed(steps):
        step, wished = steps[name], name in made.wanted
        needed = wished or any(c.build and name in c.spec.parents for c in steps.values())
        forced = made.forced and wished and not step.pulled
        build = forced or (step.existing is None and needed)
        reason = reasons.shown(step, build=build, forced=forced)
        steps[name] = replace(step, build=build, reason=reason)
    linked = tuple(_link(step, steps, made.bases) for step in steps.values())
    return replace(made, steps=linked)


def _step(
    spec: ImageSpec,
    files: Context,
    bases: Mapping[str, Base],
    steps: Mapping[str, Step],
    existing: Mapping[str, BuiltImage],
) -> Step:
    parents = {}
    for parent in (spec.base, *spec.uses):
        parents[parent] = bases[parent].digest if parent in bases else steps[parent].build_id
    inputs = {
        **{f"file {path}": sha for path, sha in files.hashes.items()},
        **{f"parent {name}": identity for name, identity in parents.items()},
        "declaration": digest(labels.declared(spec)),
    }
    unknown: dict[str, None] = {}
    for parent, identity in parents.items():
        above = steps[parent].unknown if parent in steps else (bases[parent].reference,)
        unknown |= dict.fromkeys(above if not identity else ())
    build_id = "" if unknown else digest(inputs)
    short_inputs = {key: value.removeprefix("sha256:")[:12] for key, value in inputs.items()}
    return Step(
        spec=spec,
        files=files,
        build_id=build_id,
        inputs=short_inputs,
        labels={
            **labels.declared(spec),
            **_standing_on(spec, bases, steps),
            f"{LABEL}.build-id": build_id,
            f"{LABEL}.inputs": json.dumps(short_inputs, sort_keys=True, separators=(",", ":")),
        },
        existing=existing.get(build_id),
        unknown=tuple(unknown),
    )


_BASE = (f"{OCI}.base.name", f"{OCI}.base.digest", f"{LABEL}.base")
"""The labels of what an image stands on: name and digest, and whether it is the public one."""


def _standing_on(
    spec: ImageSpec, bases: Mapping[str, Base], steps: Mapping[str, Step]
) -> dict[str, str]:
    """Say what the image stands on: the public base or its stand-in, name and digest."""
    if spec.base in steps:
        return {key: steps[spec.base].labels[key] for key in _BASE}
    base = bases[spec.base]
    kind = "stand-in" if spec.base == ROOT_FILE_SYSTEM else "public" if base.digest else ""
    return dict(zip(_BASE, (base.name, base.digest, kind), strict=True))


def _link(step: Step, steps: Mapping[str, Step], bases: Mapping[str, Base]) -> Step:
    """Name where each build context comes from: a target of the same bake, or an image."""
    contexts = {}
    for name, parent in {"base": step.spec.base, **{one: one for one in step.spec.uses}}.items():
        built = parent not in bases and steps[parent].build
        image = f"docker-image://{(bases.get(parent) or steps[parent]).reference}"
        contexts[name] = f"target:{parent}" if built else image
    return replace(step, contexts=contexts)
