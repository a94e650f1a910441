"""A released image built again from its signed record, and compared: `invoke release.rebuild`.

What can be told before a build is: a commit, a base or a plan that this machine does not have.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from jhub_docker.build import bases
from jhub_docker.build.bases import Mode
from jhub_docker.catalog.identity import OCI
from jhub_docker.engine import quick, transfers
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.oci import comparison
from jhub_docker.oci.comparison import Image, LayerDifference
from jhub_docker.oci.layout import Descriptor, Layout
from jhub_docker.progress import say, stage
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import Remote
from jhub_docker.release import artifact, history, platforms
from jhub_docker.release.artifact import Artifact
from jhub_docker.release.candidate import Workplace
from jhub_docker.release.record import inventory
from jhub_docker.release.record.bom import differences
from jhub_docker.release.record.provenance import Recorded, read
from jhub_docker.release.record.records import PROVENANCE
from jhub_docker.release.record.signed import Signed

FOLDER = Path(".dev/rebuild")


@dataclass(frozen=True)
class Released:
    """A signed image in a registry: its index, what it stands for, what was signed about it."""

    image: Reference
    manifests: tuple[Descriptor, ...]
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
    missing or another's.
    """
    descriptor = remote.require(reference)
    image = reference.at(descriptor.digest)
    manifests = remote.platforms(image)
    signed = Signed(remote, trust)
    with stage(f"checking the signed record of {reference}"):
        signed.signatures(image, [descriptor, *manifests])
        signed.attestations(image, [descriptor, *manifests])
    recorded = read(signed.document(descriptor, PROVENANCE))
    return Released(image, tuple(manifests) or (descriptor,), recorded)


def rebuild(
    root: Path,
    remote: Remote,
    released: Released,
    *,
    no_cache: bool = False,
    anyway: bool = False,
) -> Outcome:
    """Build the image again and compare it with the released one.

    With `no_cache` it and all it is built from are built on an empty cache. With `anyway` also
    where base or plan are not the recorded ones. Raises ActionError for what stands against it.
    """
    was = released.recorded
    require_commit(root, was)
    if was.lane and was.lane != bases.lane():
        raise UsageError(
            f"{was.image} {was.version} was built on {was.lane}; set JHUB_DOCKER_LANE={was.lane}"
        )
    place = Workplace(root, was.image, was.version, FOLDER)
    place.add_tree(was.commit)
    notes: list[str] = []
    try:
        mode: Mode = "auto"
        try:
            mode = choose(place.tree, was)
        except ActionError as error:
            if not anyway:
                raise
            notes.append(str(error))
        here = artifact.read(place.tree / "packages", base=mode)[was.image]
        if not no_cache and quick.image(here.reference):
            notes.append(
                "the engine had its layers already and they were not built again; with --no-cache "
                "they are"
            )
        possible = platforms.here(place.tree / "packages", was.image).made
        layout = Layout(place.layout)
        made = artifact.make(
            place.tree,
            was.image,
            version=was.version,
            commit=was.commit,
            epoch=was.epoch,
            layout=layout,
            platforms=[one for one in was.platforms if one in possible],
            anew=no_cache,
            base=mode,
            further={f"{OCI}.{name}": was.url for name in ("source", "url", "documentation")},
        )
        return _compared(remote, released, layout, made, notes)
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
        digests = one.index.digest, other.index.digest
        if digests[0] == digests[1]:
            return Outcome(*digests)
        return compare(layout, one.manifests[0], other.manifests[0], digests)
    finally:
        place.discard()


def compare(
    layout: Layout,
    before: Descriptor,
    after: Descriptor,
    digests: tuple[str, str],
    notes: Sequence[str] = (),
) -> Outcome:
    """What two image manifests of one layout differ in; `digests` are those of their indexes."""
    pair = [Image(layout, layout.read_json(one.digest)) for one in (before, after)]
    with stage("comparing the layers that differ, file by file"):
        layers = comparison.layers(*pair)
    with stage("comparing the packages"):
        # Each package by kind, name and place, with its version.
        old, new = (
            [
                (f"{one.kind} {one.name} in {one.location}", one.version or one.sha256[:12])
                for one in inventory.take(layout, image.manifest).packages
            ]
            for image in pair
        )
    packages, settings = differences(old, new), comparison.configuration(*pair)
    return Outcome(*digests, layers, settings, packages, notes)


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


def choose(tree: Path, was: Recorded) -> Mode:
    """The way to the bases with which this machine plans the recorded build.

    Raises ActionError that says in what the plan differs.
    """
    if was.base == "public":
        _require_public(was)
    modes: tuple[Mode, ...] = ("auto", "standin", "pull")
    planned = {mode: artifact.read(tree / "packages", base=mode) for mode in modes}
    for mode, plan in planned.items():
        if plan[was.image].build_id == was.build_id:
            return mode
    nearest = planned["auto" if was.base == "public" else "standin"]
    build_ids = {name: step.build_id for name, step in nearest.by_name.items()}
    told = plan_differences(was, nearest[was.image].labels, build_ids)
    raise ActionError("\n  ".join(told))


def plan_differences(
    was: Recorded, labels: Mapping[str, str], build_ids: Mapping[str, str]
) -> list[str]:
    """In words, why this machine would not build what is recorded. Pure."""
    lines = [f"this machine would not build {was.image} {was.version} from what is recorded:"]
    name, digest = labels.get(f"{OCI}.base.name", ""), labels.get(f"{OCI}.base.digest", "")
    if (name, digest) != (was.base_name, was.base_digest):
        lines.append(
            f"another base: recorded is {was.base} {was.base_name} ({was.base_digest}), here it "
            f"would be {name} ({digest})"
        )
    other = sorted(one for one, was_id in was.build_ids.items() if build_ids.get(one) != was_id)
    if other:
        lines.append(f"another build id of {', '.join(other)}")
    lines.append("with --anyway it is built all the same and compared file by file")
    return lines


def _require_public(was: Recorded) -> None:
    """Have the recorded public base under its name, by digest. Raises ActionError."""
    repository = was.base_name.partition("@")[0]
    if ":" in repository.rpartition("/")[2]:
        repository = repository.rpartition(":")[0]
    wanted = f"{repository}@{was.base_digest}"
    if here := quick.image(was.base_name):
        known = {digest.rpartition("@")[2] for digest in here.get("RepoDigests") or ()}
        if was.base_digest in {*known, here["Id"]}:
            return
        raise ActionError(
            f"the recorded base is {was.base_name} with the digest {was.base_digest}, and the "
            f"engine has {', '.join(sorted(known)) or here['Id']} under that name: docker pull "
            f"{wanted}, docker tag it as {was.base_name}, then again"
        )
    try:
        with stage(f"pulling the recorded base {wanted}"):
            transfers.pull(wanted)
            transfers.tag(wanted, was.base_name)
    except ActionError as error:
        raise ActionError(
            f"the recorded base {was.base_name} ({was.base_digest}) cannot be had here: {error}"
        ) from None


def _compared(
    remote: Remote, released: Released, layout: Layout, made: Artifact, notes: list[str]
) -> Outcome:
    digests = str(released.image.digest), made.index.digest
    if digests[0] == digests[1]:
        return Outcome(*digests, notes=notes)
    by_platform = {one.platform: one for one in made.manifests}
    if len(made.manifests) == 1 == len(released.manifests) and not released.manifests[0].platform:
        by_platform[""] = made.manifests[0]  # by itself it has no platform
    there = [one for one in released.manifests if one.platform in by_platform]
    pairs = [(old, by_platform[old.platform]) for old in there]
    if not pairs:
        raise ActionError(f"{released.image} has no image for {', '.join(by_platform)}")
    if others := [one.platform for one in released.manifests if one not in there]:
        notes.append(f"not built here, and so not compared: {', '.join(others)}")
    differing = [(old, new) for old, new in pairs if old.digest != new.digest]
    if not differing:
        notes.append(f"compared by the images for {', '.join(by_platform)}, not by the index")
        return Outcome(pairs[0][0].digest, pairs[0][1].digest, notes=notes)
    if len(differing) > 1:
        listed = ", ".join(old.platform for old, _ in differing)
        notes.append(f"{listed} differ; compared file by file is the first")
    say(f"    {digests[0]} was released, {digests[1]} was made; getting the released one")
    remote.pull(released.image, layout)
    return compare(layout, *differing[0], digests, notes)
