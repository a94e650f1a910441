"""Releasing one image, which images have to be released, the key that signs releases, and what can
be done with releases that exist: verify, rebuild, take back.
"""

import json

from jhub_docker import host
from jhub_docker.catalog import ledger, load
from jhub_docker.cli.task import ROOT, later, task, write
from jhub_docker.errors import ActionError

with later():
    from jhub_docker.registry import reference as references
    from jhub_docker.registry import remote, version_tags
    from jhub_docker.release import (
        commits,
        flow,
        gates,
        outlook,
        publish,
        version,
    )
    from jhub_docker.release import rebuild as rebuilding
    from jhub_docker.release import status as states
    from jhub_docker.release.record import keys
    from jhub_docker.release.record import verify as verifying


@task(
    default=True,
    positional=["image"],
    iterable=["push", "platform"],
    help={
        "image": "The image, by its folder's name.",
        "bump": "Which number of the version goes up: major, minor, patch, or auto, which follows "
        "from what changed (the default).",
        "push": "A registry to push to, HOST or HOST/PATH; can be given several times. Without "
        "it the release stays in this checkout until it is pushed by another call.",
        "platform": "A platform to make it for, such as linux/arm64; can be given several times "
        "(default: all it is declared for that can be built here). None that is named is left out.",
        "accept-unreached": "Release although some parts could not be checked for known "
        "vulnerabilities; its record says which.",
    },
)
def release(
    image: str,
    push: list[str],
    platform: list[str],
    bump: str = "auto",
    dry_run: bool = False,
    accept_unreached: bool = False,
    yes: bool = False,
) -> None:
    """Release one image: version, changelog, build, tests, records, push, verification."""
    version.check_bump(bump)
    signed = bool(push) and not dry_run
    signer = publish.Signer(keys.signing_key(), keys.trusted(ROOT)) if signed else None
    registries = remote.Remote()
    needs = () if dry_run else ("buildx", "disk")
    host.require(assume_yes=yes, set_up=not dry_run, needs=needs)
    request = outlook.Request(
        ROOT,
        registries,
        image,
        bump=bump,
        registries=tuple(push),
        signer=signer,
        assume_yes=yes,
        accept_unreached=accept_unreached,
        platforms=tuple(platform),
    )
    if dry_run:
        write(flow.plan(request, gates.signing(ROOT) if push else []))
    else:
        write(flow.outcome(request, flow.release(request)))


@task(iterable=["image"])
def status(image: list[str], json_: bool = False) -> None:
    """Say which images have to be released and why: what changed since, the next version."""
    now = states.read(ROOT / "packages")
    chosen = now.catalog.select(image)
    for spec in chosen:
        states.require_published(now.catalog, spec)
    found = [states.of(ROOT, spec.name, now) for spec in chosen]
    write(json.dumps(states.as_data(found), indent=2) if json_ else states.text(found))


@task()
def key() -> None:
    """Make the key pair that signs releases: the private one outside git, cosign.pub here."""
    private, public = keys.make_pair(ROOT)
    write(f"private key: {private}\npublic key:  {public}  (commit it)")


@task(
    positional=["image"],
    help={"image": "The image, as REGISTRY/REPOSITORY:TAG or with @sha256:… in place of the tag."},
)
def verify(image: str, key: str = "", json_: bool = False) -> None:
    """Check an image in a registry against its signed records: signatures, contents, labels."""
    folder = ROOT / ".dev"
    folder.mkdir(exist_ok=True)
    report = verifying.verify(
        remote.Remote(),
        references.Reference.parse_image(image),
        keys.trusted(ROOT, key),
        ledgers=lambda package: ledger.read(ROOT / "packages" / package),
        folder=folder,
    )
    write(json.dumps(report.to_json(), indent=2) if json_ else "\n".join(report.lines()))
    report.require()


@task(
    positional=["image"],
    help={
        "image": "A released image, as REGISTRY/REPOSITORY:TAG; or an image by its folder's "
        "name: what HEAD has of it is built twice.",
        "no-cache": "Build it and all it is built from on an empty cache.",
    },
)
def rebuild(image: str, key: str = "", no_cache: bool = False) -> None:
    """Build a released image again from its signed record, and compare digests and files."""
    if "/" in image:
        reference = references.Reference.parse_image(image)
        there, trust = remote.Remote(), keys.trusted(ROOT, key)
        released, was = rebuilding.find(there, reference, trust)
        rebuilding.require_commit(ROOT, was)
        host.require(needs={"buildx", "disk"})
        outcome = rebuilding.rebuild(ROOT, there, released, was, no_cache=no_cache)
    else:
        (spec,) = load(ROOT / "packages").select([image])
        host.require(needs={"buildx", "disk"})
        outcome = rebuilding.twice(ROOT, spec.name)
    if outcome.same:
        write(f"{image}: {outcome.after} again, the same")
    else:
        write("\n".join(outcome.differences))
        raise ActionError(f"{image} became {outcome.after}, not {outcome.before}")


@task(
    positional=["image", "version"],
    iterable=["push"],
    help={
        "image": "The image by its folder's name.",
        "version": "The release to take back.",
        "reason": "Why, for people who have it: goes into the ledger and the commit.",
        "push": "A registry whose moving tags are to leave it, with or without a path; can be "
        "given several times.",
    },
)
def yank(image: str, version: str, push: list[str], reason: str = "") -> None:
    """Take a release back: commit that in its ledger, and lead moving tags away from it."""
    (spec,) = load(ROOT / "packages").select([image])
    places = [publish.repository(spec, registry) for registry in push]
    if commits.yank(ROOT, spec, version, reason):
        write(f"{image} {version} is yanked, and that is committed")
    else:
        write(f"{image} {version} was yanked before")
    there, yanked = remote.Remote(), publish.yanked(ledger.read(spec.folder))
    for place in places:
        write("\n".join(version_tags.settle(there, place, yanked)))
