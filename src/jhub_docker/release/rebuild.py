"""A released image built again from its signed record, and compared: `invoke release.rebuild`.

What can be told before a build is: a commit, a base or a lane that this machine does not have.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from jhub_docker.build import bases, builders
from jhub_docker.catalog.identity import OCI
from jhub_docker.engine import quick
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.oci import comparison
from jhub_docker.oci.layout import Layout
from jhub_docker.progress import say, stage
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import Remote
from jhub_docker.release import artifact, history
from jhub_docker.release.artifact import Artifact
from jhub_docker.release.candidate import Workplace
from jhub_docker.release.record import inventory
from jhub_docker.release.record.bom import differences
from jhub_docker.release.record.provenance import Recorded
from jhub_docker.release.record.verify import trusted

FOLDER = Path(".dev/rebuild")


@dataclass(frozen=True)
class Outcome:
    """The digests of two builds and, in lines, what these differ in: nothing for equal ones."""

    before: str
    after: str
    differences: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Whether both have the same digest."""
        return self.before == self.after


def find(remote: Remote, reference: Reference, trust: Path) -> tuple[Reference, Recorded]:
    """Look a released image up and verify it with its signed records.

    Returns the image for the engine's platform, by digest, and what was signed of it. Raises
    UsageError when the registry has no such image, ActionError for one that cannot be trusted, and
    where none is for the engine's platform.
    """
    report, own = trusted(remote, reference, trust), builders.own_platform()
    image = reference.at(report.digest)
    for manifest in remote.platforms(image):
        if manifest.platform.startswith(own) and report.recorded:
            return image.at(manifest.digest), report.recorded
    raise ActionError(f"{reference} has no image for {own}, the engine's own platform")


def rebuild(
    root: Path, remote: Remote, image: Reference, was: Recorded, *, no_cache: bool = False
) -> Outcome:
    """Build the image for the engine's own platform again and compare it with the released one.

    With `no_cache` it and all it is built from are built on an empty cache. Raises ActionError for
    what this machine does not have.
    """
    require_commit(root, was)
    if was.lane and was.lane != bases.lane():
        raise UsageError(
            f"{was.image} {was.version} was built on {was.lane}; set JHUB_DOCKER_LANE={was.lane}"
        )
    if was.base == "public":
        _have(was)
    addresses = {f"{OCI}.{name}": was.url for name in ("source", "url", "documentation")}
    with _builder(root, was.image, was.commit) as (layout, make):
        made = make(
            version=was.version,
            anew=no_cache,
            base="auto" if was.base == "public" else "standin",
            further=addresses,
        )
        before, after = str(image.digest), made.manifests[0].digest
        if before != after:
            say(f"    {before} was released, {after} was made; getting the released one")
            remote.pull(image, layout)
        return _outcome(layout, before, after)


def twice(root: Path, image: str) -> Outcome:
    """Build what HEAD has of an image twice, each time on an empty cache, and compare."""
    with _builder(root, image, history.head(root)) as (layout, make):
        one, other = (make(version="0.0.0", anew=True) for _ in range(2))
        return _outcome(layout, one.manifests[0].digest, other.manifests[0].digest)


@contextmanager
def _builder(
    root: Path, image: str, commit: str
) -> Iterator[tuple[Layout, Callable[..., Artifact]]]:
    """A layout, and what builds the image into it from a work tree of the commit, meanwhile."""
    place = Workplace(root, image, commit, FOLDER)
    place.add_tree(commit)
    layout, epoch = Layout(place.layout), history.commit_time(root, commit)
    try:
        yield (
            layout,
            partial(artifact.make, place.tree, image, commit=commit, epoch=epoch, layout=layout),
        )
    finally:
        place.discard()


def _outcome(layout: Layout, before: str, after: str) -> Outcome:
    """Compare two image manifests of one layout: packages, settings, layers."""
    if before == after:
        return Outcome(before, after)
    pair = [layout.read_json(one) for one in (before, after)]
    with stage("comparing what differs, file by file"):
        old, new = (
            [one.told for one in inventory.take(layout, manifest).packages] for manifest in pair
        )
        lines = [*differences(old, new), *comparison.configuration(layout, *pair)]
        return Outcome(before, after, (*lines, *comparison.layers(layout, *pair)))


def require_commit(root: Path, was: Recorded) -> None:
    """Raise ActionError where the checkout does not have the commit."""
    if history.succeeds(root, "cat-file", "-e", f"{was.commit}^{{commit}}"):
        return
    where = f" from {was.url}" if was.url else ""
    raise ActionError(
        f"{was.image} {was.version} was built from the commit {was.commit}, which this checkout "
        f"does not have: git fetch{where}, then again"
    )


def _have(was: Recorded) -> None:
    """Have the recorded public base under its name, by digest. Raises ActionError."""
    if quick.image(was.base_name):
        return
    repository = re.sub(r"(:[^/:]*)?(@.*)?$", "", was.base_name)
    wanted = f"{repository}@{was.base_digest}"
    try:
        with stage(f"pulling the recorded base {wanted}"):
            quick.pull(wanted)
            quick.tag(wanted, was.base_name)
    except ActionError as error:
        raise ActionError(
            f"the recorded base {was.base_name} ({was.base_digest}) cannot be had here: {error}"
        ) from None
