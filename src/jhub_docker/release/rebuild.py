"""A released image built again from its signed record, and compared: `invoke release.rebuild`.

What can be told before a build is: a commit, a base or a plan that this machine does not have.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from jhub_docker.build import bases, builders
from jhub_docker.build.bases import Mode
from jhub_docker.catalog.identity import OCI
from jhub_docker.engine import quick, transfers
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.oci import comparison
from jhub_docker.oci.comparison import LayerDifference
from jhub_docker.oci.layout import Descriptor, Layout
from jhub_docker.progress import say, stage
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import Remote
from jhub_docker.release import artifact, history, status
from jhub_docker.release.candidate import Workplace
from jhub_docker.release.record import inventory
from jhub_docker.release.record.bom import differences
from jhub_docker.release.record.provenance import Recorded, read
from jhub_docker.release.record.records import PROVENANCE
from jhub_docker.release.record.signed import Signed
from jhub_docker.release.record.verify import named_as

FOLDER = Path(".dev/rebuild")


@dataclass(frozen=True)
class Released:
    """A signed index in a registry, its image for the engine's platform, what was signed of it."""

    image: Reference
    manifest: Descriptor
    recorded: Recorded


@dataclass(frozen=True)
class Outcome:
    """Two builds compared. `before` and `after` are digests; the lists are empty for equal ones.

    `packages` says in words which packages differ, `notes` what one has to know besides.
    """

    before: str
    after: str
    layers: Sequence[LayerDifference] = ()
    configuration: Sequence[str] = ()
    packages: Sequence[str] = ()
    notes: Sequence[str] = ()

    @property
    def same(self) -> bool:
        """Whether both have the same digest."""
        return self.before == self.after


def find(remote: Remote, reference: Reference, trust: Path) -> Released:
    """Look a released image up and check that its record is signed by whom is trusted.

    Raises UsageError when the registry has no such image, ActionError for a signature that is
    missing, another's or of another release, and where none is for the engine's platform.
    """
    descriptor = remote.require(reference)
    image = reference.at(descriptor.digest)
    manifests = remote.platforms(image)
    signed = Signed(remote, trust)
    with stage(f"checking the signed record of {reference}"):
        signed.signatures(image, [descriptor, *manifests])
        signed.attestations(image, [descriptor, *manifests])
    predicate = signed.document(descriptor, PROVENANCE)
    recorded = read(predicate)
    named_as(reference, predicate)
    own = builders.own_platform()
    manifest = next((one for one in manifests if one.platform.startswith(own)), None)
    if manifest is None:
        raise ActionError(f"{reference} has no image for {own}, the engine's own platform")
    return Released(image, manifest, recorded)


def rebuild(root: Path, remote: Remote, released: Released, *, no_cache: bool = False) -> Outcome:
    """Build the image for the engine's own platform again and compare it with the released one.

    With `no_cache` it and all it is built from are built on an empty cache. Where base or plan are
    not the recorded ones that is said, and it is built all the same. Raises ActionError for what
    this machine does not have.
    """
    was = released.recorded
    require_commit(root, was)
    if was.lane and was.lane != bases.lane():
        raise UsageError(
            f"{was.image} {was.version} was built on {was.lane}; set JHUB_DOCKER_LANE={was.lane}"
        )
    mode: Mode = "standin"
    if was.base == "public":
        mode = "auto"
        _have(was)
    place = Workplace(root, was.image, was.version, FOLDER)
    place.add_tree(was.commit)
    try:
        plan = status.read(place.tree / "packages", partial(status.here, base=mode))
        here = plan[was.image]
        build_ids = {name: step.build_id for name, step in plan.by_name.items()}
        notes = plan_differences(was, here.labels, build_ids)
        if not no_cache and quick.image(here.reference):
            notes.append(
                "the engine had its layers already and they were not built again; with --no-cache "
                "they are"
            )
        for note in notes:
            say(f"    {note}")
        layout = Layout(place.layout)
        made = artifact.make(
            place.tree,
            was.image,
            version=was.version,
            commit=was.commit,
            epoch=was.epoch,
            layout=layout,
            anew=no_cache,
            base=mode,
            further={f"{OCI}.{name}": was.url for name in ("source", "url", "documentation")},
        )
        before, after = released.manifest, made.manifests[0]
        if before.digest == after.digest:
            return Outcome(before.digest, after.digest, notes=notes)
        say(f"    {before.digest} was released, {after.digest} was made; getting the released one")
        remote.pull(released.image.at(before.digest), layout)
        return compare(layout, before, after, notes)
    finally:
        place.discard()


def twice(root: Path, image: str) -> Outcome:
    """Build what HEAD has of an image twice, each time on an empty cache, and compare."""
    commit = history.head(root)
    place = Workplace(root, image, "twice", FOLDER)
    place.add_tree(commit)
    layout = Layout(place.layout)
    try:
        epoch = history.commit_time(root, commit)
        one, other = (
            artifact.make(
                place.tree,
                image,
                version="0.0.0",
                commit=commit,
                epoch=epoch,
                layout=layout,
                anew=True,
            )
            for _ in range(2)
        )
        before, after = one.manifests[0], other.manifests[0]
        if before.digest == after.digest:
            return Outcome(before.digest, after.digest)
        return compare(layout, before, after)
    finally:
        place.discard()


def compare(
    layout: Layout, before: Descriptor, after: Descriptor, notes: Sequence[str] = ()
) -> Outcome:
    """What two image manifests of one layout differ in."""
    pair = [layout.read_json(one.digest) for one in (before, after)]
    with stage("comparing the layers that differ, file by file"):
        layers = comparison.layers(layout, *pair)
    with stage("comparing the packages"):
        # Each package by kind, name and place, with its version.
        old, new = (
            [
                (f"{one.kind} {one.name} in {one.location}", one.version or one.sha256[:12])
                for one in inventory.take(layout, manifest).packages
            ]
            for manifest in pair
        )
    packages, settings = differences(old, new), comparison.configuration(layout, *pair)
    return Outcome(before.digest, after.digest, layers, settings, packages, notes)


def require_commit(root: Path, was: Recorded) -> None:
    """Raise ActionError where the checkout does not have the commit."""
    with suppress(ActionError):
        history.git(root, "cat-file", "-e", f"{was.commit}^{{commit}}")
        return
    where = f" from {was.url}" if was.url else ""
    raise ActionError(
        f"{was.image} {was.version} was built from the commit {was.commit}, which this checkout "
        f"does not have: git fetch{where}, then again"
    )


def plan_differences(
    was: Recorded, labels: Mapping[str, str], build_ids: Mapping[str, str]
) -> list[str]:
    """In words, why this machine builds something else than is recorded. Pure."""
    lines = []
    name, digest = labels.get(f"{OCI}.base.name", ""), labels.get(f"{OCI}.base.digest", "")
    if (name, digest) != (was.base_name, was.base_digest):
        lines.append(
            f"another base: recorded is {was.base} {was.base_name} ({was.base_digest}), here it "
            f"is {name} ({digest})"
        )
    if other := [one for one, was_id in was.build_ids.items() if build_ids.get(one) != was_id]:
        lines.append(f"another build id of {', '.join(sorted(other))}")
    return lines


def _have(was: Recorded) -> None:
    """Have the recorded public base under its name, by digest. Raises ActionError."""
    if quick.image(was.base_name):
        return
    repository = re.sub(r"(:[^/:]*)?(@.*)?$", "", was.base_name)
    wanted = f"{repository}@{was.base_digest}"
    try:
        with stage(f"pulling the recorded base {wanted}"):
            transfers.pull(wanted)
            transfers.tag(wanted, was.base_name)
    except ActionError as error:
        raise ActionError(
            f"the recorded base {was.base_name} ({was.base_digest}) cannot be had here: {error}"
        ) from None
