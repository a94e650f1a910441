"""What people read of releases: tables and lists. It finds nothing out."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from jhub_docker import table
from jhub_docker.build.reasons import not_known
from jhub_docker.catalog import Catalog, identity
from jhub_docker.errors import UsageError
from jhub_docker.release import changelog
from jhub_docker.release.candidate import Candidate
from jhub_docker.release.status import Status, affected


def status(statuses: Sequence[Status]) -> str:
    """Where each image stands, then what several images share and that changed."""
    rows = [
        (
            one.image,
            str(one.last or ""),
            identity.short(one.build_id),
            "; ".join(f"{cause.package}: {_some(cause.inputs)}" for cause in one.causes),
            str(one.proposal.version) if one.proposal else "",
            _because(one),
        )
        for one in statuses
    ]
    columns = ("image", "last", "build id", "changed since", "next", "because")
    lines = [table.render(columns, rows)]
    for package, (inputs, images) in affected(statuses).items():
        lines.append(
            f"{package} changed ({_some(inputs)}): what is built from it has to be released: "
            + ", ".join(images)
        )
    return "\n".join(lines)


def _because(one: Status) -> str:
    """Why there is a next version or none, and what nobody knows yet."""
    reason = one.proposal.reason if one.proposal else "" if one.unknown else "nothing changed"
    missing = not_known(one.unknown) if one.unknown else ""
    return "; ".join(part for part in (reason, missing) if part)


def outline(catalog: Catalog, status: Status, registries: Sequence[str]) -> str:
    """What a release would be: version, why, its section of the changelog, where it goes."""
    assert status.proposal is not None  # noqa: S101 - there is something to release
    log = catalog[status.image].folder / "CHANGELOG.md"
    try:
        written = changelog.unreleased(log.read_text(encoding="utf-8"))
    except (UsageError, FileNotFoundError):  # a gate says it
        written = {}
    day = datetime.now(UTC).date()
    section = changelog.section(
        status.proposal.version, day, written, status.changes, status.commits
    )
    lines = [
        f"{status.image} {status.last or 'never released'} -> {status.proposal.version}"
        f" ({status.proposal.reason}), build id {identity.short(status.build_id)}",
        *(f"  {cause.package}: {_some(cause.inputs)}" for cause in status.causes),
        "",
        section,
        f"To: {', '.join(registries)}" if registries else "To no registry (--push names one).",
    ]
    return "\n".join(lines)


def outcome(image: str, made: Candidate | None) -> str:
    """What became of a release, and what is left for the maintainer to do."""
    if made is None:
        return f"{image}: nothing changed since the last release, so there is nothing to release"
    tag = f"{made.image}-v{made.version}"
    lines = [
        f"{made.image} {made.version} is {made.digest} for {', '.join(made.platforms)}",
        *(f"NOT for {platform}: {why}" for platform, why in made.left_out.items()),
        f"commit {made.commit[:12]}, tag {tag}: git push --follow-tags",
        *(f"in {registry}" for registry in made.published),
    ]
    if not made.registries:
        lines.append(f"in no registry yet: ./dev invoke release {image} --push REGISTRY")
    return "\n".join(lines)


def as_data(statuses: Iterable[Status]) -> list[dict[str, Any]]:
    """The same for programs."""
    return [
        {
            "image": one.image,
            "build_id": one.build_id or None,
            "last": str(one.last) if one.last else None,
            "changed": {cause.package: list(cause.inputs) for cause in one.causes},
            "packages": [str(change) for change in one.changes],
            "commits": [f"{commit.short} {commit.subject}" for commit in one.commits],
            "next": str(one.proposal.version) if one.proposal else None,
            "because": one.proposal.reason if one.proposal else None,
            "not_known": list(one.unknown),
        }
        for one in statuses
    ]


def _some(names: Sequence[str], most: int = 6) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
