"""What of a repository can go: `invoke registry.prune`. Deciding is pure.

Only what the ledger knows is judged by itself: releases that were taken back, and those older than
the newest few of their minor version. An image that a moving tag or a hub refers to stays, whatever
else is said of it.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from jhub_docker.catalog.ledger import Entry
from jhub_docker.catalog.version import Version
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.progress import say
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import Remote
from jhub_docker.registry.repository import Contents, Image, Record

_BUILD = re.compile(r"git-[0-9a-f]{7,40}(-dirty)?|[0-9a-f]{12}")
"""What a local build is tagged with: its commit, its build id, which can be all digits."""

_MOVING = re.compile(r"latest|\d{1,11}(\.\d+)?")


@dataclass(frozen=True)
class Verdict:
    """An image, whether it goes, and why."""

    image: Image
    goes: bool
    reason: str


@dataclass(frozen=True)
class Doomed:
    """A manifest to be deleted.

    `list` is the tag of the list of attachments that it is on, or that it `is_list` itself: oras
    writes that anew with each attachment that goes.
    """

    digest: str
    list: str = ""
    is_list: bool = False


@dataclass(frozen=True)
class Pruning:
    """All images with their verdicts; records whose image is gone; the bytes that become free.

    `manifests` are to be deleted in this order.
    """

    verdicts: tuple[Verdict, ...]
    left_over: tuple[Record, ...]
    manifests: tuple[Doomed, ...]
    bytes: int


def judge(
    images: Collection[Image],
    ledger: Mapping[str, Entry],
    *,
    keep: int,
    hubs: Collection[str] = (),
    unrecorded: bool = False,
) -> list[Verdict]:
    """Say of every image whether it goes, and why. Pure.

    `keep` is how many releases of a minor version stay. `hubs` are the tags and digests that hubs
    start. With `unrecorded` versions that are in no ledger are judged like those that are, and
    images of builds that are no release go.
    """
    versions = {image.digest: _versions(image) for image in images}
    known = {
        version
        for image in images
        for version in versions[image.digest]
        if (entry := ledger.get(str(version))) is None or not entry.yanked
        if entry is not None or unrecorded
    }
    newest = {version for version in known if _rank(version, known) < keep}
    verdicts = []
    for image in sorted(images, key=lambda one: (versions[one.digest], one.tags), reverse=True):
        own = versions[image.digest]
        if stays := _held(image, own, hubs):
            verdicts.append(Verdict(image, False, stays))
        elif not own:
            verdicts.append(Verdict(image, unrecorded, "a build, no release"))
        else:
            goes, reason = _of_releases(image, own, ledger, newest, keep, unrecorded)
            verdicts.append(Verdict(image, goes, reason))
    return verdicts


def _held(image: Image, versions: list[Version], hubs: Collection[str]) -> str:
    """What holds an image whatever its versions are; empty for nothing."""
    if held := sorted({image.digest, *image.tags} & set(hubs)):
        return f"a hub refers to {held[0]}"
    if moving := [tag for tag in image.tags if _MOVING.fullmatch(tag)]:
        return f"{', '.join(moving)} {'refer' if len(moving) > 1 else 'refers'} to it"
    named = {str(version) for version in versions}
    if strange := [t for t in image.tags if t not in named and not _BUILD.fullmatch(t)]:
        return f"{', '.join(strange)}: no tag of a release or a build"
    return ""


def _of_releases(
    image: Image,
    versions: list[Version],
    ledger: Mapping[str, Entry],
    newest: Collection[Version],
    keep: int,
    unrecorded: bool,
) -> tuple[bool, str]:
    reasons = []
    for version in versions:
        entry, line = ledger.get(str(version)), f"{version.major}.{version.minor}"
        if entry is None and not unrecorded:
            return False, f"{version} is in no ledger here"
        if entry and entry.digest != image.digest:
            return False, f"the ledger has another digest for {version}; verify it"
        if entry and entry.yanked:
            reasons.append(f"yanked on {entry.yanked.date}: {entry.yanked.reason}")
        elif version in newest:
            return False, f"one of the newest {keep} of {line}"
        else:
            reasons.append(f"older than the newest {keep} of {line}")
    return True, "; ".join(reasons)


def plan(contents: Contents, verdicts: Collection[Verdict], cut: Mapping[str, Entry]) -> Pruning:
    """What is to be deleted, and in which order; `cut` is what `absent` found. Pure.

    An image goes first, and with it all its tags: from then on nobody gets it, signed or not. Then
    the manifests it stood for and what is said of them, and last the signature of the image, by
    which a pruning that was cut is known again. What something that stays is made of stays.
    """
    kept: dict[str, int] = {}
    subjects: set[str] = set()
    for verdict in verdicts:
        if not verdict.goes:
            kept |= verdict.image.blobs
            subjects |= {verdict.image.digest, *verdict.image.manifests}
    spared = set(kept) | {r.digest for s in subjects for r in contents.records.get(s, ())}
    order: list[str] = []
    sizes: dict[str, int] = {}
    for verdict in verdicts:
        if verdict.goes:
            order += _with_records(contents, verdict.image.digest, verdict.image.manifests)
            sizes |= verdict.image.blobs
    gone = [(entry.digest, tuple(entry.platforms.values())) for entry in cut.values()]
    for subject, manifests in gone:
        order += _with_records(contents, subject, manifests)[1:]
    records = {one.digest: one for found in contents.records.values() for one in found}
    digests = [digest for digest in dict.fromkeys(order) if digest not in spared]
    sizes |= {digest: records[digest].size for digest in digests if digest in records}
    lists = {one.subject: one.tag for one in records.values() if one.is_list}
    return Pruning(
        tuple(verdicts),
        tuple(
            record
            for subject, _ in gone
            for record in contents.records.get(subject, ())
            if record.digest not in spared
        ),
        tuple(_doomed(digest, records.get(digest), lists) for digest in digests),
        sum(size for digest, size in sizes.items() if digest not in spared),
    )


def carry_out(remote: Remote, repository: Reference, pruning: Pruning) -> int:
    """Delete the manifests; returns how many. Running it again goes on where one failed.

    Raises ActionError with how far it came.
    """
    lists: dict[str, set[str]] = {}
    for done, doomed in enumerate(pruning.manifests):
        digests = {doomed.digest}
        try:
            if doomed.list and (found := remote.resolve(repository.tagged(doomed.list))):
                lists.setdefault(doomed.list, set()).add(found.digest)
            if doomed.is_list:
                digests |= lists.get(doomed.list, set())
            for digest in sorted(digests):
                remote.delete(repository.at(digest))
        except ActionError as error:
            so_far = f"{done} of {len(pruning.manifests)} manifests were deleted; run it again"
            raise ActionError(f"{error}\n{so_far if done else 'Nothing was deleted'}") from None
        say(f"    deleted {doomed.digest}")
    return len(pruning.manifests)


def hub_references(
    declared: Collection[Mapping[str, object]], repository: Reference
) -> Iterator[str]:
    """The tags and digests of this repository in the `[[images]]` of a hub's config.toml. Pure."""
    for image in declared:
        with suppress(UsageError):
            found = Reference.parse(str(image.get("reference", "")))
            if found.name == repository.name:
                # By digest alone, where there is one: the tag beside it is for people.
                yield found.digest or found.tag or "latest"


def absent(
    contents: Contents, ledger: Mapping[str, Entry], remote: Remote, repository: Reference
) -> dict[str, Entry]:
    """The part of the ledger whose images have records, no tag, and are not there by digest either.

    So an image that somebody is just pushing is not among them: it is signed when it is there.
    """
    return {
        version: entry
        for version, entry in ledger.items()
        if entry.digest not in contents.images
        and entry.digest in contents.records
        and remote.resolve(repository.at(entry.digest)) is None
    }


def _with_records(contents: Contents, digest: str, manifests: Collection[str]) -> list[str]:
    parts = [digest, *manifests]
    own = [_ordered(contents.records.get(one, ())) for one in (*manifests, digest)]
    return [*parts, *(record.digest for found in own for record in found)]


def _doomed(digest: str, record: Record | None, lists: Mapping[str, str]) -> Doomed:
    if record is None or not (record.is_list or not record.tag):
        return Doomed(digest)
    return Doomed(digest, lists.get(record.subject, ""), record.is_list)


def _ordered(records: Collection[Record]) -> list[Record]:
    """Attachments, their list, attestations, and signatures last."""
    return sorted(records, key=lambda one: (bool(one.tag), one.tag.endswith(".sig"), one.tag))


def _versions(image: Image) -> list[Version]:
    found = []
    for tag in image.tags:
        with suppress(UsageError):
            found.append(Version.parse(tag))
    return sorted(found)


def _rank(version: Version, among: Collection[Version]) -> int:
    """How many versions of the same minor are newer."""
    line = (version.major, version.minor)
    return sum(one > version for one in among if (one.major, one.minor) == line)
