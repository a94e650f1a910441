"""The tags of releases: versions, which stay, and moving tags, which follow the newest.

`1.2.0` stays for ever what it was. `1.2` is the newest 1.2.x, `1` the newest 1.x, `latest` the
newest of all; so a hot fix 1.1.3 after 1.2.0 moves `1.1` alone, and a pre-release moves none.
"""

from collections.abc import Collection, Iterable

from jhub_docker.catalog.version import Version
from jhub_docker.errors import ActionError
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import Remote


def moving_tags(published: Iterable[str], yanked: Collection[str] = ()) -> dict[str, str]:
    """The moving tags there should be, each with the version it stands for (pure).

    `published` may hold other tags too: `1.2` is a moving tag, `2026` anything, and a pre-release
    nobody's newest. Yanked versions count for nothing.
    """
    result: dict[str, str] = {}
    for version in Version.among(published):  # the oldest first, so the newest has the last word
        if str(version) not in yanked:
            for name in (f"{version.major}.{version.minor}", f"{version.major}", "latest"):
                result[name] = str(version)
    return result


def require_free(remote: Remote, image: Reference, version: str) -> None:
    """Raise ActionError where something else than this image has the version already."""
    held = remote.resolve(image.tagged(version))
    if held and held.digest != image.digest:
        raise ActionError(
            f"{image.tagged(version)} is published already, as {held.digest}, and a version is "
            "never overwritten: release it as another one (--bump)"
        )


def publish_tags(
    remote: Remote, image: Reference, version: str, yanked: Collection[str] = ()
) -> list[str]:
    """Give the image its version as a tag, and the moving tags whose newest it is.

    `image` is a digest that is in the registry. Returns the tags that were written; none when all
    were there, so a release that was cut can be run again. Raises ActionError when another digest
    has the version, UsageError for what is no version.
    """
    wanted = [str(Version.parse(version))]
    require_free(remote, image, version)
    moving = moving_tags([*remote.tags(image), version], yanked)
    wanted += sorted(name for name, newest in moving.items() if newest == version)
    return _point(remote, image, wanted)


def settle(remote: Remote, repository: Reference, yanked: Collection[str]) -> list[str]:
    """Let every moving tag follow the newest version that is left, after one was yanked.

    Returns what became of them, in words. One whose every version was yanked stays where it is,
    since registries have no way to remove a tag alone.
    """
    tags, lines = remote.tags(repository), []
    wanted, before = moving_tags(tags, yanked), moving_tags(tags)
    for name, newest in sorted(wanted.items()):
        found = remote.resolve(repository.tagged(newest))
        if found and _point(remote, repository.at(found.digest), [name]):
            lines.append(f"{repository}: {name} is {newest} now")
    held = sorted({*before} & {*tags} - {*wanted})
    if stuck := ", ".join(f"{name} ({before[name]})" for name in held):
        lines.append(
            f"{repository}: no other version is left for {stuck}, and registries cannot "
            "take a tag away alone: release a version that mends it, or delete the image with the "
            "registry's own means"
        )
    return lines or [f"{repository}: its moving tags are where they should be"]


def _point(remote: Remote, image: Reference, names: Iterable[str]) -> list[str]:
    written = []
    for name in names:
        held = remote.resolve(image.tagged(name))
        if held is None or held.digest != image.digest:
            remote.tag(image, name)
            written.append(name)
    return written
