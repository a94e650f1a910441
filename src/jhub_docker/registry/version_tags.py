"""The tags of releases: versions, which stay, and moving tags, which follow the newest.

`1.2.0` stays for ever what it was. `1.2` is the newest 1.2.x, `1` the newest 1.x, `latest` the
newest of all; so a hot fix 1.1.3 after 1.2.0 moves `1.1` alone, and a pre-release moves none.
"""

from collections.abc import Collection, Iterable
from contextlib import suppress

from jhub_docker.catalog.version import Version
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import Remote


def versions(tags: Iterable[str]) -> list[Version]:
    """Those of the tags that are versions of releases, the oldest first: `1.2` is a moving tag,
    `2026` anything, and a pre-release nobody's newest.
    """
    found = []
    for tag in tags:
        with suppress(UsageError):
            found.append(Version.parse(tag))
    return sorted(found)


def moving_tags(published: Iterable[str], yanked: Collection[str] = ()) -> dict[str, str]:
    """The moving tags there should be, each with the version it stands for (pure).

    `published` may hold other tags too. Yanked versions count for nothing.
    """
    result: dict[str, str] = {}
    for version in versions(published):  # the oldest first, so the newest has the last word
        if str(version) not in yanked:
            for name in (f"{version.major}.{version.minor}", f"{version.major}", "latest"):
                result[name] = str(version)
    return result


def publish_tags(
    remote: Remote, image: Reference, version: str, yanked: Collection[str] = ()
) -> list[str]:
    """Give the image its version as a tag, and the moving tags whose newest it is.

    `image` is a digest that is in the registry. Returns the tags that were written; none when all
    were there, so a release that was cut can be run again. Raises ActionError when another digest
    has the version, UsageError for what is no version.
    """
    wanted = [str(Version.parse(version))]
    held = remote.resolve(image.tagged(version))
    if held and held.digest != image.digest:
        raise ActionError(
            f"{image.tagged(version)} is published already, as {held.digest}, and a version is "
            f"never overwritten: release {image.digest} as a new version"
        )
    moving = moving_tags([*remote.tags(image), version], yanked)
    wanted += sorted(name for name, newest in moving.items() if newest == version)
    return _point(remote, image, wanted)


def settle_moving_tags(
    remote: Remote, repository: Reference, yanked: Collection[str] = ()
) -> tuple[dict[str, str], dict[str, str]]:
    """Let every moving tag follow the newest version that is left, after one was yanked.

    Returns the tags that were written, and those that stay where they are since all their versions
    are yanked and registries have no way to remove a tag alone; each with its version.
    """
    tags, moved = remote.tags(repository), {}
    wanted, before = moving_tags(tags, yanked), moving_tags(tags)
    for name, newest in sorted(wanted.items()):
        found = remote.resolve(repository.tagged(newest))
        if found and _point(remote, repository.at(found.digest), [name]):
            moved[name] = newest
    return moved, {name: before[name] for name in sorted({*before} & {*tags} - {*wanted})}


def _point(remote: Remote, image: Reference, names: Iterable[str]) -> list[str]:
    written = []
    for name in names:
        held = remote.resolve(image.tagged(name))
        if held is None or held.digest != image.digest:
            remote.tag(image, name)
            written.append(name)
    return written
