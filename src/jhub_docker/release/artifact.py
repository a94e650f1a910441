"""The image of a release: built from a commit's work tree, exported as reproducible bytes.

A release and `invoke rebuild` both come here, so that they cannot differ in how they do it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from docker import DockerClient

from jhub_docker import bases, builds, plan
from jhub_docker import catalog as catalogs
from jhub_docker.catalog import Catalog
from jhub_docker.errors import ActionError
from jhub_docker.oci import export
from jhub_docker.oci.layout import INDEX, Descriptor, Layout
from jhub_docker.plan import OCI, RELEASE, Base
from jhub_docker.progress import stage
from jhub_docker.release import history, status
from jhub_docker.release.candidate import Candidate, Workplace
from jhub_docker.release.status import Resolve, Tree

CACHE = Path(".dev/oci-cache")
"""Converted layers, shared by all exports of a checkout."""


@dataclass(frozen=True)
class Artifact:
    """What was exported: the index, a manifest per platform, and what it was planned from.

    `base_layers` is how many of the lowest layers are those of the public base or its stand-in.
    """

    index: Descriptor
    manifests: tuple[Descriptor, ...]
    build_id: str
    planned: Tree
    base_layers: int


def resolver(client: DockerClient) -> Resolve:
    """Says which bases this machine has, or would make; none is pulled or made for it."""

    def resolve(catalog: Catalog) -> Mapping[str, Base]:
        return bases.resolve(client, catalog, catalog.published, "auto", bases.lane(), act=False)

    return resolve


def read(client: DockerClient, folder: Path) -> Tree:
    """The plan of all packages in `folder`, on the bases this machine has."""
    return status.read(folder, resolver(client))


def labels(version: str, commit: str, epoch: int) -> dict[str, str]:
    """The labels of a release, in place of those that say when and where it was built."""
    created = datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {f"{OCI}.created": created, f"{OCI}.revision": commit, RELEASE: version}


def make(
    client: DockerClient,
    tree: Path,
    image: str,
    *,
    version: str,
    commit: str,
    epoch: int,
    layout: Layout,
    cache: Path | None = None,
) -> Artifact:
    """Build the image from the work tree of its commit and export it.

    In the engine it gets its build id as the only tag. Raises ActionError when the build fails.
    """
    results = builds.build(client, tree, [image], tag=False)
    if failed := [result for result in results if result.outcome == "failed"]:
        raise ActionError("\n".join(f"{one.image}: {one.reason}" for one in failed))
    planned = read(client, tree / "packages")
    step = planned.steps[image]
    with stage(f"exporting {step.reference}"):
        manifest = export.export(
            client,
            step.reference,
            layout,
            epoch=epoch,
            labels=labels(version, commit, epoch),
            given=export.public_layers(client, step.reference),
            cache=cache,
        )
        index = export.index(layout, [manifest], {f"{OCI}.version": version})
    return Artifact(index, (manifest,), step.build_id, planned, base_layers(client, planned, image))


def base_layers(client: DockerClient, planned: Tree, image: str) -> int:
    """How many layers the image's public base or stand-in has in this engine."""
    base = next(spec for spec in planned.catalog.lineage(image) if spec.public)
    given = planned.bases.get(base.name)
    reference = given.reference if given else planned.steps[base.name].reference
    return len(client.images.get(reference).attrs["RootFS"]["Layers"])


@contextmanager
def packages(place: Workplace, candidate: Candidate) -> Iterator[Catalog]:
    """The packages as the release's commit has them."""
    with history.packages_at(place.root, candidate.commit) as folder:
        yield catalogs.load(folder)


def descriptor(layout: Layout, digest: str) -> Descriptor:
    """What refers to an index in the layout."""
    return Descriptor(INDEX, digest, len(layout.read(digest)))


def short_digest(digest: str) -> str:
    """A digest as messages show it."""
    return digest[: len("sha256:") + plan.BUILD_ID_LENGTH]
