"""The image of a release: built from a commit's work tree, exported as reproducible bytes.

A release and `invoke release.rebuild` both come here, so that they cannot differ in how they do it.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jhub_docker.build import bases, builders, builds, marks, planning
from jhub_docker.build.bases import Mode
from jhub_docker.build.plan import Plan
from jhub_docker.catalog.identity import LABEL, OCI, RELEASE
from jhub_docker.engine import quick
from jhub_docker.errors import ActionError
from jhub_docker.host import machine
from jhub_docker.oci import export
from jhub_docker.oci.layout import INDEX, Descriptor, Layout
from jhub_docker.progress import stage
from jhub_docker.release.record.provenance import Source


@dataclass(frozen=True)
class Artifact:
    """What was exported: the index, a manifest per platform, and what these were made from.

    `base_layers` is how many of the lowest layers of the first manifest are those of the public
    base or its stand-in.
    """

    index: Descriptor
    manifests: tuple[Descriptor, ...]
    source: Source
    base_layers: int


def make(
    tree: Path,
    image: str,
    *,
    version: str,
    commit: str,
    epoch: int,
    layout: Layout,
    platforms: Sequence[str] = (),
    anew: bool = False,
    base: Mode = "auto",
    further: Mapping[str, str] | None = None,
) -> Artifact:
    """Build the image from the work tree of its commit and export it.

    `platforms` are those it is made for, the engine's own by default; that one's manifest is the
    first. In the engine it gets its build id as the only tag. With `anew` it and all it is built
    from are built on an empty cache, and nothing of that stays in the engine. `further` are labels
    to set besides, without a value to take away. Raises ActionError when the build fails or a
    platform cannot be built here.
    """
    own = builders.own_platform()
    wanted = sorted(platforms or (own,), key=lambda one: one != own)
    beside = f"-anew-{secrets.token_hex(4)}" if anew else ""
    try:
        with marks.in_use():
            plans = planning.for_platforms(
                tree, [image], wanted, base=base, act=True, beside=beside
            )
            for planned in plans:
                if told := builds.failed(builds.carry_out(tree, planned, tag=False)):
                    raise ActionError(told)
        below = base_layers(plans[0], image)
        # In place of those that say when and where it was built.
        said = {f"{OCI}.created": export.instant(epoch), f"{OCI}.revision": commit}
        said |= {RELEASE: version, **(further or {})}
        manifests = []
        for name in (planned[image].reference for planned in plans):
            with stage(f"exporting {name}"):
                manifests.append(export.export(name, layout, epoch=epoch, labels=said))
        index = export.index(layout, manifests, {f"{OCI}.version": version})
    finally:
        if beside:
            _remove(beside)
    steps, catalog = plans[0].by_name, plans[0].catalog
    build_ids = {
        part.name: steps[part.name].build_id
        for part in catalog.closure([image])
        if part.name in steps
    }
    url = machine.source_url(tree)
    source = Source(catalog, image, commit, epoch, url, build_ids, lane=bases.lane())
    return Artifact(index, tuple(manifests), source, below)


def _remove(ending: str) -> None:
    """Remove the images whose tags end so; layers that others have stay."""
    images = quick.images(f"{LABEL}.build-id")
    marks.remove(tag for image in images for tag in image["RepoTags"] or () if tag.endswith(ending))


def base_layers(planned: Plan, image: str) -> int:
    """How many of the layers are those of the image's public base or its stand-in.

    Raises ActionError when the engine does not have the base that the image was built on.
    """
    base = next(spec for spec in planned.catalog.lineage(image) if spec.public).name
    found = planned.bases[base] if base in planned.bases else planned[base]
    own, below = (quick.image(one.reference) for one in (planned[image], found))
    if own and below:
        layers: list[str] = below["RootFS"]["Layers"]
        if own["RootFS"]["Layers"][: len(layers)] == layers:
            return len(layers)
    raise ActionError(
        f"{found.reference}, which {image} was built on, is not in the engine, or is another one "
        "by now: get it (./dev invoke bases), or build the image again on the base there is"
    )


def descriptor(layout: Layout, digest: str) -> Descriptor:
    """What refers to an index in the layout."""
    return Descriptor(INDEX, digest, len(layout.read(digest)))
