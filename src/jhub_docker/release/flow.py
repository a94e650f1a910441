"""A release from its first check to the last registry: `invoke release`.

What each step made is kept (`candidate`), so that running it again goes on where it stopped. The
branch moves when the image is built, judged and tested; a registry shows a tag when it has all of
what is behind it and that was verified.
"""

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from docker import DockerClient

from jhub_docker.asking import confirm
from jhub_docker.build import bases
from jhub_docker.catalog import ledger, load
from jhub_docker.catalog.version import Version
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.host import machine
from jhub_docker.oci.layout import Layout
from jhub_docker.progress import say
from jhub_docker.registry.remote import Remote
from jhub_docker.release import (
    artifact,
    budget,
    candidate,
    commits,
    evidence,
    gates,
    history,
    publish,
    trial,
)
from jhub_docker.release.artifact import CACHE
from jhub_docker.release.candidate import FOLDER, Candidate, Workplace
from jhub_docker.release.gates import Failure
from jhub_docker.release.outlook import Request, Way, look
from jhub_docker.release.record.provenance import Source
from jhub_docker.release.record.records import Records, make_records


def plan(
    root: Path,
    client: DockerClient,
    remote: Remote,
    request: Request,
    unsigned: Sequence[Failure] = (),
) -> str:
    """Say what a release would be, changing nothing. Raises ActionError for what is against it.

    It needs no signer; `unsigned` is what keeps the caller from having one.
    """
    way = Way.of(root, client, remote, request)
    found = look(way)
    if found.status.proposal is None:
        return f"{way.spec.name} {found.status.last} is what there is: nothing to release"
    say(found.told)
    found.refuse(way, unsigned)
    return f"{way.spec.name} {found.status.proposal.version} can be released"


def release(root: Path, client: DockerClient, remote: Remote, request: Request) -> Candidate | None:
    """Release the image, or go on with a release that was begun; None where nothing changed.

    Raises UsageError for what cannot be asked for, ActionError where a step fails.
    """
    way = Way.of(root, client, remote, request)
    if request.registries and request.signer is None:
        raise UsageError("what is pushed is signed; say with which key")
    if request.signer:
        publish.require_pair(remote, request.signer)
    with _alone(root):
        commits.tag_what_is_recorded(root, way.spec.name)
        begun = _resumed(way) or _begun(way)
        if begun is None:
            return None
        place, one = begun
        one.registries = list(dict.fromkeys([*one.registries, *request.registries]))
        place.save(one)
        _make(way, place, one)
        if not one.recorded:
            _try(way, place, one)
            one.recorded = commits.record(place, one)
            place.save(one)
        if not history.contains(root, "HEAD", one.recorded):
            evidence.carry_over(root, one.tested_as, one.build_id)
            commits.land(place, one)
            say(f"==> {history.branch(root)} has {one.image} {one.version} now")
        _publish(way, place, one)
        place.remove_tree()
        candidate.keep_only(root, one.image, Version.parse(one.version))
        return one


def outcome(image: str, made: Candidate | None) -> str:
    """What became of a release, and what is left for the maintainer to do."""
    if made is None:
        return f"{image}: nothing changed since the last release, so there is nothing to release"
    lines = [
        f"{made.image} {made.version} is {made.digest} for {', '.join(made.platforms)}",
        *(f"NOT for {platform}: {why}" for platform, why in made.left_out.items()),
        f"commit {made.commit[:12]}, tag {made.image}-v{made.version}: git push --follow-tags",
        *(f"in {registry}" for registry in made.published),
    ]
    if not made.registries:
        lines.append(f"in no registry yet: ./dev invoke release {image} --push REGISTRY")
    return "\n".join(lines)


def _resumed(way: Way) -> tuple[Workplace, Candidate] | None:
    """The release that was begun and can go on; one that cannot is put away, saying why."""
    for place, one in candidate.unfinished(way.root, way.spec.name):
        if one.recorded and history.contains(way.root, "HEAD", one.recorded):
            pending = ", ".join(one.pending)
            say(f"==> going on with {one.image} {one.version}: not yet in {pending}")
            return place, one
        if one.start == history.head(way.root):
            say(f"==> going on with {one.image} {one.version}")
            if failures := gates.checkout(way.root):
                raise ActionError(gates.told(failures, one.image))
            return place, one
        say(f"==> {one.image} {one.version} was begun from another commit; beginning anew")
        place.discard()
    return None


def _begun(way: Way) -> tuple[Workplace, Candidate] | None:
    """A release from its first commit on; the last one where only registries are new."""
    outlook = look(way)
    found, choice = outlook.status, outlook.choice
    if found.proposal is None or choice is None:
        if way.request.registries and found.last:
            return candidate.released(way.root, found.image, str(found.last))
        return None
    outlook.refuse(way)
    say(outlook.told)
    version = found.proposal.version
    confirm(
        f"This releases {found.image} {version}.",
        "Go on?",
        "nothing was released",
        assume_yes=way.request.assume_yes,
    )
    place = Workplace(way.root, found.image, str(version))
    place.discard()
    start = history.head(way.root)
    place.add_tree(start)
    commit = commits.prepare(place, found, version)
    one = Candidate(
        found.image,
        str(version),
        start,
        commit,
        history.commit_time(way.root, commit),
        tested_as=found.build_id,
        platforms=dict.fromkeys(choice.made, ""),
        left_out=dict(choice.left_out),
    )
    place.save(one)
    return place, one


def _make(way: Way, place: Workplace, one: Candidate) -> None:
    """Build, export and describe the image, unless that is there already."""
    layout = Layout(place.layout)
    if one.digest and layout.has(one.digest) and place.load_records():
        return
    if one.recorded and not one.pending:
        return
    place.add_tree(one.commit)
    made = artifact.make(
        way.client,
        place.tree,
        one.image,
        version=one.version,
        commit=one.commit,
        epoch=one.epoch,
        layout=layout,
        cache=way.root / CACHE,
        platforms=tuple(one.platforms),
    )
    if one.recorded and made.index.digest != one.digest:
        raise ActionError(
            f"{one.image} {one.version} cannot be made again here: it became {made.index.digest}, "
            f"released was {one.digest}; push it from the machine that released it"
        )
    one.build_id, one.digest = made.build_id, made.index.digest
    one.platforms = {entry.platform: entry.digest for entry in made.manifests}
    manifest = layout.read_json(made.manifests[0].digest)
    measured = budget.measure(layout, manifest, made.base_layers)
    one.size, one.compressed, one.layers = measured.size, measured.compressed, measured.layers
    steps, catalog = made.planned.by_name, made.planned.catalog
    source = Source(
        catalog=catalog,
        image=one.image,
        commit=one.commit,
        epoch=one.epoch,
        url=machine.source_url(way.root),
        build_ids={
            part.name: steps[part.name].build_id
            for part in catalog.closure([one.image])
            if part.name in steps
        },
        arguments={"lane": bases.lane()},
    )
    place.keep_records(make_records(layout, made.index, source))
    if not one.recorded:
        one.judged = one.tested = False
    place.save(one)


def _try(way: Way, place: Workplace, one: Candidate) -> None:
    """Judge and test what was built."""
    place.add_tree(one.commit)
    spec = load(place.tree / "packages")[one.image]
    if not one.judged:
        measured = budget.Measured(one.size, one.compressed, one.layers)
        before = None  # the last release, with its records where this machine has them
        for version, entry in ledger.read(way.root / "packages" / one.image).items():
            before = entry, Workplace(way.root, one.image, version).load_records()
            break
        one.notes = trial.judge(
            place.tree,
            spec,
            measured,
            _records(place),
            before,
            accept_unreached=way.request.accept_unreached,
        )
        one.judged = True
        place.save(one)
    if not one.tested:
        layout = Layout(place.layout)
        index = artifact.descriptor(layout, one.digest)
        trial.test(way.client, place.tree, spec, layout, index)
        one.tested = True
        place.save(one)


def _publish(way: Way, place: Workplace, one: Candidate) -> None:
    """Bring the release into the registries that were asked for and do not have it."""
    if not one.pending:
        return
    if way.request.signer is None:
        pending = ", ".join(one.pending)
        raise UsageError(f"{one.image} {one.version} is not yet in {pending}; --push it")
    layout = Layout(place.layout)
    publish.publish(
        way.remote,
        [publish.repository(way.spec, registry) for registry in one.pending],
        layout,
        artifact.descriptor(layout, one.digest),
        _records(place),
        way.request.signer,
        version=one.version,
        ledger=ledger.read(way.root / "packages" / one.image),
        scratch=place.folder,
    )
    one.published += one.pending
    place.save(one)


def _records(place: Workplace) -> Records:
    records = place.load_records()
    if records is None:
        raise ActionError(f"{place.records} is gone; run the release again")
    return records


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Only one release at a time in a checkout. Raises ActionError where another is under way."""
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ActionError(
                "another release is under way in this checkout; wait for it"
            ) from None
        yield
