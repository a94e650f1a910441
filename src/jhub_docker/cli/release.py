"""Releasing one image, which images have to be released, and the key that signs releases.

Modules that only a release needs are imported in the task's body: every other task would wait for
them too.
"""

import json

from jhub_docker import host
from jhub_docker.cli.task import ROOT, task, write
from jhub_docker.errors import UsageError


@task(
    default=True,
    positional=["image"],
    iterable=["push", "platform"],
    help={
        "image": "The image, by its folder's name.",
        "bump": "Which number of the version goes up: major, minor, patch, or auto, which follows "
        "from what changed (the default).",
        "dry-run": "Only say what the release would be, and what is against it.",
        "push": "A registry to push to, HOST or HOST/PATH; can be given several times. Without "
        "it the release stays in this checkout until it is pushed by another call.",
        "platform": "A platform to make it for, such as linux/arm64; can be given several times "
        "(default: all it is declared for that can be built here). None that is named is left out.",
        "accept-unreached": "Release although some parts could not be checked for known "
        "vulnerabilities; its record says which.",
        "yes": "Do not ask before the release is begun.",
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
    from jhub_docker.registry.remote import Remote  # noqa: PLC0415
    from jhub_docker.release import flow, gates, outlook  # noqa: PLC0415
    from jhub_docker.release.publish import Signer  # noqa: PLC0415
    from jhub_docker.release.record import keys  # noqa: PLC0415
    from jhub_docker.release.version import check_bump  # noqa: PLC0415

    check_bump(bump)
    signer, unsigned = None, []
    if push:
        unsigned = gates.signing(ROOT)
    if push and not dry_run:
        if unsigned:
            raise UsageError(gates.told(unsigned, image))
        trust = keys.trusted(ROOT)
        signer = Signer(keys.signing_key(), trust)
    remote = Remote.from_environment()
    if dry_run:
        host.require(set_up=False, needs=())
    else:
        host.require(assume_yes=yes, needs={"buildx", "disk"})
    request = outlook.Request(
        ROOT,
        remote,
        image,
        bump=bump,
        registries=tuple(push),
        signer=signer,
        assume_yes=yes,
        accept_unreached=accept_unreached,
        platforms=tuple(platform),
    )
    if dry_run:
        write(flow.plan(request, unsigned))
    else:
        write(flow.outcome(image, flow.release(request)))


@task(iterable=["image"])
def status(image: list[str], json_: bool = False) -> None:
    """Say which images have to be released and why: what changed since, the next version."""
    from jhub_docker.release import artifact, status  # noqa: PLC0415

    resolve = artifact.resolver()
    now = status.read(ROOT / "packages", resolve)
    chosen = now.catalog.select(image)
    for spec in chosen:
        status.require_published(now.catalog, spec)
    found = [status.of(ROOT, spec.name, now, resolve) for spec in chosen]
    write(json.dumps(status.as_data(found), indent=2) if json_ else status.text(found))


@task()
def key() -> None:
    """Make the key pair that signs releases: the private one outside git, cosign.pub here."""
    from jhub_docker.registry.access import Access  # noqa: PLC0415
    from jhub_docker.release.record import keys  # noqa: PLC0415
    from jhub_docker.release.record.cosign import Cosign  # noqa: PLC0415

    private, public = keys.make_pair(ROOT, Cosign(Access()).make_key_pair)
    write(f"private key: {private}\npublic key:  {public}  (commit it)")
