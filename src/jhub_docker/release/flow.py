"""A release from its first check to the last registry: `invoke release`.

What each step made is kept (`candidate`), so that running it again goes on where it stopped. The
branch moves when the image is built, judged and tested; a registry shows a tag when it has all of
what is behind it and that was verified.
"""

from collections.abc import Sequence
from dataclasses import replace

from jhub_docker.asking import confirm
from jhub_docker.build import marks
from jhub_docker.catalog import load
from jhub_docker.engine.lock import held
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.oci.layout import Layout
from jhub_docker.progress import say
from jhub_docker.release import (
    artifact,
    candidate,
    commits,
    evidence,
    gates,
    history,
    publish,
    trial,
)
from jhub_docker.release.candidate import Candidate, Workplace
from jhub_docker.release.outlook import Request, look
from jhub_docker.release.record import keys
from jhub_docker.release.record.records import make_records


def plan(asked: Request, unsigned: Sequence[str] = ()) -> str:
    """Say what a release would be, changing nothing. Raises ActionError for what is against it.

    It needs no signer; `unsigned` is what keeps the caller from having one.
    """
    found, _ = look(asked, unsigned)
    if found.proposal is None:
        return f"{found.image} {found.last} is what there is: nothing to release"
    return f"{found.image} {found.proposal.version} can be released"


def release(asked: Request) -> Candidate | None:
    """Release the image, or go on with a release that was begun; None where nothing changed.

    Raises UsageError for what cannot be asked for, ActionError where a step fails.
    """
    root, spec = asked.root, asked.spec
    if asked.registries and asked.signer is None:
        raise UsageError("what is pushed is signed; say with which key")
    if asked.signer:
        keys.require_pair(asked.signer.key, asked.signer.trust)
    with held(f".release-{marks.checkout(root)}", "another release of this checkout"):
        if not (begun := _resumed(asked) or _begun(asked)):
            return None
        place, one = begun
        if asked.registries or not one.recorded:
            one = _make(asked, place, one)
        if not one.recorded:
            place.add_tree(one.commit)
            spec = load(place.tree / "packages")[one.image]
            notes = trial.judge(place, one, spec, accept_unreached=asked.accept_unreached)
            trial.test(place, one, spec)
            one = replace(one, recorded=commits.record(place, one, notes))
            place.save(one)
        if not history.contains(root, "HEAD", one.recorded):
            evidence.carry_over(root, one.image, one.tested_as, one.build_id)
            commits.land(place, one)
            say(f"==> {history.branch(root)} has {one.image} {one.version} now")
        if asked.signer:
            places = [publish.repository(spec, registry) for registry in asked.registries]
            publish.publish(asked.remote, places, place, one, asked.signer)
        place.remove_tree()
        candidate.keep_only(root, one.image, one.version)
        return one


def outcome(asked: Request, made: Candidate | None) -> str:
    """What became of a release, and what is left for the maintainer to do."""
    image = asked.image
    if made is None:
        return f"{image}: nothing changed since the last release, so there is nothing to release"
    lines = [
        f"{made.image} {made.version} is {made.digest} for {', '.join(made.platforms)}",
        *(f"NOT for {platform}: {why}" for platform, why in made.left_out.items()),
        f"commit {made.commit[:12]}, tag {made.image}-v{made.version}: git push --follow-tags",
        *(f"in {registry}" for registry in asked.registries),
    ]
    if not asked.registries:
        lines.append(f"to bring it to a registry: ./dev invoke release {image} --push REGISTRY")
    return "\n".join(lines)


def _resumed(asked: Request) -> tuple[Workplace, Candidate] | None:
    """The release that was begun and can go on; one that cannot is put away, saying why."""
    for place, one in candidate.unfinished(asked.root, asked.spec.name):
        if one.start == history.head(asked.root):
            say(f"==> going on with {one.image} {one.version}")
            if failures := gates.checkout(asked.root):
                raise ActionError(gates.told(failures, one.image))
            return place, one
        say(f"==> {one.image} {one.version} was begun from another commit; beginning anew")
        if one.recorded:  # and perhaps tagged, just before the branch moved
            tag = history.tag_name(one.image, one.version)
            history.succeeds(asked.root, "tag", "--delete", tag)
        place.discard()
    return None


def _begun(asked: Request) -> tuple[Workplace, Candidate] | None:
    """A release from its first commit on; the last one where only registries are new."""
    found, choice = look(asked)
    if found.proposal is None or choice is None:
        if asked.registries and found.last:
            return candidate.released(asked.root, found.image, str(found.last))
        return None
    version = found.proposal.version
    confirm(
        f"This releases {found.image} {version}.",
        "Go on?",
        "nothing was released",
        assume_yes=asked.assume_yes,
    )
    place = Workplace(asked.root, found.image, str(version))
    place.discard()
    start = history.head(asked.root)
    place.add_tree(start)
    commit = commits.prepare(place, found, version)
    one = Candidate(
        image=found.image,
        version=str(version),
        start=start,
        commit=commit,
        tested_as=found.build_id,
        platforms=dict.fromkeys(choice.made, ""),
        left_out=dict(choice.left_out),
    )
    place.save(one)
    return place, one


def _make(asked: Request, place: Workplace, one: Candidate) -> Candidate:
    """Build, export and describe the image, unless that is there already."""
    layout = Layout(place.layout)
    if one.digest and layout.has(one.digest) and place.records.exists():
        return one
    place.add_tree(one.commit)
    made = artifact.make(
        place.tree,
        one.image,
        version=one.version,
        commit=one.commit,
        epoch=history.commit_time(asked.root, one.commit),
        layout=layout,
        platforms=tuple(one.platforms),
    )
    if one.recorded and made.index.digest != one.digest:
        raise ActionError(
            f"{one.image} {one.version} cannot be made again here: it became {made.index.digest}, "
            f"released was {one.digest}; push it from the machine that released it"
        )
    manifest = layout.read_json(made.manifests[0].digest)
    size, compressed, layers = trial.measure(layout, manifest, made.base_layers)
    place.keep_records(make_records(layout, made.index, made.source))
    one = replace(
        one,
        build_id=made.source.build_ids[one.image],
        digest=made.index.digest,
        platforms={entry.platform: entry.digest for entry in made.manifests},
        size=size,
        compressed=compressed,
        layers=layers,
    )
    place.save(one)
    return one
