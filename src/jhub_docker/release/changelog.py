"""A package's CHANGELOG.md, in the form of Keep a Changelog 1.1.0: read, and one section written.

What people are to know stands under `[Unreleased]`, written by hand; a release adds what the locks
and git know. Pure.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date

from jhub_docker.catalog.version import Version
from jhub_docker.errors import UsageError
from jhub_docker.locks.refresh import Change

KINDS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
"""In the order in which Keep a Changelog lists them."""

_UNRELEASED = re.compile(r"^## \[Unreleased\][ \t]*\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


def unreleased(text: str) -> dict[str, str]:
    """What stands under `[Unreleased]`: the entries of each kind, as they are written.

    Raises UsageError where there is no such section, or something in it is under no kind.
    """
    before, *parts = re.split(r"^### +(.+?)[ \t]*\n", _section(text)[1], flags=re.MULTILINE)
    unknown = sorted(set(parts[::2]) - set(KINDS))
    if before.strip() or unknown:
        what = f"### {unknown[0]}" if unknown else before.strip().splitlines()[0]
        raise UsageError(
            f"the changelog's section [Unreleased] holds {what!r}; expected entries under "
            f"{', '.join(f'### {kind}' for kind in KINDS)}"
        )
    entries = {kind: body.strip() for kind, body in zip(parts[::2], parts[1::2], strict=True)}
    return {kind: body for kind, body in entries.items() if body}


def package_entries(changes: Iterable[Change]) -> dict[str, list[str]]:
    """The changed packages as entries of a kind; direct and indirect ones are told apart."""
    entries: dict[str, list[str]] = {}
    for change in changes:
        kind, versions = "Changed", f"{change.before} -> {change.after}"
        if change.before is None or change.after is None:
            kind = "Added" if change.before is None else "Removed"
            versions = change.after or change.before or ""
        text = f"- {change.package} {versions}".rstrip() + ("" if change.direct else " (indirect)")
        entries.setdefault(kind, []).append(text)
    return entries


def section(
    version: Version,
    day: date,
    written: Mapping[str, str],
    changes: Iterable[Change] = (),
    commits: Iterable[str] = (),
) -> str:
    """The section of a release: what was written by hand, the packages, then the commits."""
    packages = package_entries(changes)
    lines = [f"## [{version}] - {day.isoformat()}", ""]
    for kind in KINDS:
        body = "\n".join(filter(None, [written.get(kind, ""), *packages.get(kind, [])]))
        if body:
            lines += [f"### {kind}", body, ""]
    listed = ["`{}` {}".format(*commit.split(" ", 1)) for commit in commits]
    if listed:
        lines += ["Commits:", "", *(f"* {line}" for line in listed), ""]
    return "\n".join(lines)


def released(text: str, new: str) -> str:
    """The changelog with `[Unreleased]` emptied and the section `new` below it."""
    match = _section(text)
    rest = text[match.end() :]
    return f"{text[: match.start()]}## [Unreleased]\n\n{new}" + (f"\n{rest}" if rest else "")


def _section(text: str) -> re.Match[str]:
    if match := _UNRELEASED.search(text):
        return match
    raise UsageError("the changelog has no section ## [Unreleased]")


def with_yanked(text: str, version: Version) -> str:
    """The changelog with the version's heading marked as Keep a Changelog 1.1.0 marks it."""
    heading = re.compile(
        rf"^(## \[{re.escape(str(version))}\] - \d{{4}}-\d\d-\d\d)[ \t]*$", re.MULTILINE
    )
    return heading.sub(r"\1 [YANKED]", text, count=1)
