"""What can be done with releases that exist: verify, rebuild, compare, take back.

Modules that only these need are imported in the tasks' bodies: every other task would wait for
them too.
"""

import json

from jhub_docker import host
from jhub_docker.catalog import load
from jhub_docker.cli.task import ROOT, task, write
from jhub_docker.errors import ActionError


@task(
    positional=["image"],
    help={"image": "The image, as REGISTRY/REPOSITORY:TAG or with @sha256:… in place of the tag."},
)
def verify(image: str, key: str = "", json_: bool = False) -> None:
    """Check an image in a registry against its signed records: signatures, contents, labels."""
    from jhub_docker.catalog import ledger  # noqa: PLC0415
    from jhub_docker.registry.reference import Reference  # noqa: PLC0415
    from jhub_docker.registry.remote import Remote  # noqa: PLC0415
    from jhub_docker.release.record import keys  # noqa: PLC0415
    from jhub_docker.release.record.verify import verify as verify_image  # noqa: PLC0415

    reference = Reference.parse_image(image)
    trust = keys.trusted(ROOT, key)
    folder = ROOT / ".dev"
    folder.mkdir(exist_ok=True)
    report = verify_image(
        Remote.from_environment(),
        reference,
        trust,
        ledgers=lambda package: ledger.read(ROOT / "packages" / package),
        folder=folder,
    )
    write(json.dumps(report.to_json(), indent=2) if json_ else "\n".join(report.lines()))
    report.require()


@task(
    positional=["image", "before", "after"],
    help={
        "image": "An image by its folder's name, or where it is: REGISTRY/REPOSITORY.",
        "before": "The older version; in a registry any tag, or sha256:….",
        "after": "The newer version, likewise.",
    },
)
def diff(image: str, before: str, after: str, key: str = "", json_: bool = False) -> None:
    """Compare the packages of two releases: what changed, and what grew."""
    from jhub_docker.registry.reference import Reference  # noqa: PLC0415
    from jhub_docker.registry.remote import Remote  # noqa: PLC0415
    from jhub_docker.release import difference  # noqa: PLC0415
    from jhub_docker.release.record import keys  # noqa: PLC0415

    if "/" in image:
        names = [f"{image}{'@' if ':' in one else ':'}{one}" for one in (before, after)]
        references = [Reference.parse(one) for one in names]
        trust, remote = keys.trusted(ROOT, key), Remote.from_environment()
        pair = [difference.of_reference(remote, one, trust) for one in references]
    else:
        (spec,) = load(ROOT / "packages").select([image])
        pair = difference.of_releases(ROOT, spec.name, (before, after))
    found = difference.compare(*pair)
    write(json.dumps(found, indent=2) if json_ else difference.text(found))


@task(
    positional=["image"],
    help={
        "image": "A released image, as REGISTRY/REPOSITORY:TAG; or an image by its folder's "
        "name: what HEAD has of it is built twice.",
        "no-cache": "Build it and all it is built from on an empty cache.",
    },
)
def rebuild(image: str, key: str = "", no_cache: bool = False, json_: bool = False) -> None:
    """Build a released image again from its signed record, and compare digests and files."""
    from jhub_docker.registry.reference import Reference  # noqa: PLC0415
    from jhub_docker.registry.remote import Remote  # noqa: PLC0415
    from jhub_docker.release import rebuild, rebuild_report  # noqa: PLC0415
    from jhub_docker.release.record import keys  # noqa: PLC0415

    if "/" in image:
        reference, trust = Reference.parse_image(image), keys.trusted(ROOT, key)
        remote = Remote.from_environment()
        released = rebuild.find(remote, reference, trust)
        rebuild.require_commit(ROOT, released.recorded)
        host.require(needs={"buildx", "disk"})
        outcome = rebuild.rebuild(ROOT, remote, released, no_cache=no_cache)
    else:
        (spec,) = load(ROOT / "packages").select([image])
        host.require(needs={"buildx", "disk"})
        outcome = rebuild.twice(ROOT, spec.name)
    if json_:
        write(json.dumps(rebuild_report.as_data(image, outcome), indent=2))
    else:
        write(rebuild_report.text(image, outcome))
    if not outcome.same:
        raise ActionError(f"{image} did not become the same image again")


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
    from datetime import UTC, datetime  # noqa: PLC0415

    from jhub_docker.catalog import ledger  # noqa: PLC0415
    from jhub_docker.registry.remote import Remote  # noqa: PLC0415
    from jhub_docker.release import publish, yanking  # noqa: PLC0415

    (spec,) = load(ROOT / "packages").select([image])
    places = [publish.repository(spec, registry) for registry in push]
    if yanking.mark(ROOT, spec, version, reason, datetime.now(UTC).date()):
        write(f"{image} {version} is yanked, and that is committed")
    else:
        write(f"{image} {version} was yanked before")
    remote = Remote.from_environment()
    yanked = publish.yanked(ledger.read(spec.folder))
    for place in places:
        write("\n".join(yanking.settle(remote, place, yanked)))
