"""A release from its first check to the last registry: `invoke release`.

What each step made is kept (`candidate`), so that running it again goes on where it stopped. The
branch moves when the image is built, judged and tested; a registry shows a tag when it has all of
what is behind it and that was verified.
"""

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from docker import DockerClient

from jhub_docker.asking import confirm
from jhub_docker.build import bases
from jhub_docker.build.reasons import not_known
from jhub_docker.catalog import ImageSpec, ledger, load
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
    gates,
    history,
    landing,
    platforms,
    publish,
    report,
    status,
    trial,
)
from jhub_docker.release.artifact import CACHE
from jhub_docker.release.candidate import FOLDER, Candidate, Workplace
from jhub_docker.release.gates import Failure
from jhub_docker.release.platforms import Choice
from jhub_docker.release.publish import Signer
from jhub_docker.release.record.provenance import Source
from jhub_docker.release.record.records import Records, make_records
from jhub_docker.release.status import Status
from jhub_docker.release.version import AUTO


@dataclass(frozen=True)
class Request:
    """What a maintainer asks for.

    `registries` are hosts with or without a path; `signer` is needed with them.
    `accept_unreached` releases also what no vulnerability database could be asked about.
    `platforms` are those to make it for, all that can be built here by default; with
    `require_all_platforms` it is not released without one it is declared for.
    """

    image: str
    bump: str = AUTO
    registries: tuple[str, ...] = ()
    signer: Signer | None = None
    assume_yes: bool = False
    accept_unreached: bool = False
    platforms: tuple[str, ...] = ()
    require_all_platforms: bool = False


@dataclass(frozen=True)
class _Way:
    """What every step of one release needs to know."""

    root: Path
    client: DockerClient
    remote: Remote
    request: Request
    spec: ImageSpec


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
    way = _way(root, client, remote, request)
    found = _status(way)
    if found.proposal is None:
        return f"{way.spec.name} {found.last} is what there is: nothing to release"
    say(report.outline(load(root / "packages"), found, request.registries))
    say(_platforms(way).told())
    _check(way, found, unsigned)
    return f"{way.spec.name} {found.proposal.version} can be released"


def release(root: Path, client: DockerClient, remote: Remote, request: Request) -> Candidate | None:
    """Release the image, or go on with a release that was begun; None where nothing changed.

    Raises UsageError for what cannot be asked for, ActionError where a step fails.
    """
    way = _way(root, client, remote, request)
    if request.registries and request.signer is None:
        raise UsageError("what is pushed is signed; say with which key")
    if request.signer:
        publish.require_pair(remote, request.signer)
    with _alone(root):
        landing.tag_what_is_recorded(root, way.spec.name)
        found = _resumed(way) or _begun(way)
        if found is None:
            return None
        place, one = found
        one.registries = list(dict.fromkeys([*one.registries, *request.registries]))
        place.save(one)
        _make(way, place, one)
        if not one.recorded:
            _try(way, place, one)
            one.recorded = commits.record(place, one)
            place.save(one)
        if not history.contains(root, "HEAD", one.recorded):
            landing.land(place, one)
            say(f"==> {history.branch(root)} has {one.image} {one.version} now")
        _publish(way, place, one)
        place.remove_tree()
        candidate.keep_only(root, one.image, Version.parse(one.version))
        return one


def _way(root: Path, client: DockerClient, remote: Remote, request: Request) -> _Way:
    catalog = load(root / "packages")
    spec = catalog[request.image]
    status.require_published(catalog, spec)
    for registry in request.registries:
        publish.repository(spec, registry)
    return _Way(root, client, remote, request, spec)


def _status(way: _Way) -> Status:
    now = artifact.read(way.client, way.root / "packages")
    resolve = artifact.resolver(way.client)
    found = status.of(way.root, way.spec.name, now, resolve, way.request.bump)
    if found.unknown:
        raise ActionError(
            f"whether {found.image} has to be released is {not_known(found.unknown)}: "
            "`./dev invoke bases` does that"
        )
    return found


def _platforms(way: _Way) -> Choice:
    """The platforms it will be made for. Raises ActionError where one is missing that has to be."""
    return platforms.here(
        way.client,
        way.root / "packages",
        way.spec.name,
        asked=way.request.platforms,
        require_all=way.request.require_all_platforms,
    )


def _check(way: _Way, found: Status, unsigned: Sequence[Failure] = ()) -> None:
    """Raise ActionError with everything that stands against this release."""
    assert found.proposal is not None  # noqa: S101 - there is something to release
    failures = [*gates.before(way.root, load(way.root / "packages"), found), *unsigned]
    if failures:
        raise ActionError(gates.told(failures, found.image))
    places = [publish.repository(way.spec, one) for one in way.request.registries]
    publish.require_free(way.remote, places, str(found.proposal.version))


def _resumed(way: _Way) -> tuple[Workplace, Candidate] | None:
    """The release that was begun and can go on; one that cannot is put away, saying why."""
    for place, one in candidate.unfinished(way.root, way.spec.name):
        if one.recorded and history.contains(way.root, "HEAD", one.recorded):
            say(f"==> going on with {one.image} {one.version}: not yet in {_all(one.pending)}")
            return place, one
        if one.start == history.head(way.root):
            say(f"==> going on with {one.image} {one.version}")
            failures = gates.checkout(way.root)
            if failures:
                raise ActionError(gates.told(failures, one.image))
            return place, one
        say(f"==> {one.image} {one.version} was begun from another commit; beginning anew")
        place.discard()
    return None


def _begun(way: _Way) -> tuple[Workplace, Candidate] | None:
    """A release from its first commit on; the last one where only registries are new."""
    found = _status(way)
    if found.proposal is None:
        if way.request.registries and found.last:
            return landing.released(way.root, found.image, str(found.last))
        return None
    choice = _platforms(way)
    _check(way, found)
    say(report.outline(load(way.root / "packages"), found, way.request.registries))
    say(choice.told())
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
        platforms=dict.fromkeys(choice.made, ""),
        left_out=dict(choice.left_out),
    )
    place.save(one)
    return place, one


def _make(way: _Way, place: Workplace, one: Candidate) -> None:
    """Build, export and describe the image, unless that is there already."""
    layout = Layout(place.layout)
    if one.digest and layout.has(one.digest) and place.load_records():
        return
    if one.recorded and not one.pending:
        return
    known = one.digest
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
    if one.recorded and made.index.digest != known:
        raise ActionError(
            f"{one.image} {one.version} cannot be made again here: it became {made.index.digest}, "
            f"released was {known}; push it from the machine that released it"
        )
    one.build_id, one.digest = made.build_id, made.index.digest
    one.platforms = {entry.platform: entry.digest for entry in made.manifests}
    manifest = layout.read_json(made.manifests[0].digest)
    measured = budget.measure(layout, manifest, made.base_layers)
    one.size, one.compressed, one.layers = measured.size, measured.compressed, measured.layers
    steps, catalog = made.planned.by_name, made.planned.catalog
    records = make_records(
        layout,
        made.index,
        Source(
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
        ),
    )
    place.keep_records(records)
    if not one.recorded:
        one.judged = one.tested = False
    place.save(one)


def _try(way: _Way, place: Workplace, one: Candidate) -> None:
    """Judge and test what was built."""
    layout = Layout(place.layout)
    place.add_tree(one.commit)
    spec = load(place.tree / "packages")[one.image]
    if not one.judged:
        one.notes = trial.judge(
            place.tree,
            spec,
            budget.Measured(one.size, one.compressed, one.layers),
            _records(place),
            before=_before(way, one),
            accept_unreached=way.request.accept_unreached,
        )
        one.judged = True
        place.save(one)
    if not one.tested:
        index = artifact.descriptor(layout, one.digest)
        image = trial.native(way.client, layout, index)
        trial.test(way.client, place.tree, spec, layout, image)
        one.tested = True
        place.save(one)


def _publish(way: _Way, place: Workplace, one: Candidate) -> None:
    """Bring the release into the registries that were asked for and do not have it."""
    if not one.pending:
        return
    if way.request.signer is None:
        raise UsageError(f"{one.image} {one.version} is not yet in {_all(one.pending)}; --push it")
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


def _before(way: _Way, one: Candidate) -> tuple[ledger.Entry, Records | None] | None:
    """The release before this one, with its records where this machine has them."""
    for version, entry in ledger.read(way.root / "packages" / one.image).items():
        return entry, Workplace(way.root, one.image, version).load_records()
    return None


def _records(place: Workplace) -> Records:
    records = place.load_records()
    if records is None:
        raise ActionError(f"{place.records} is gone; run the release again")
    return records


def _all(names: list[str]) -> str:
    return ", ".join(names)


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
