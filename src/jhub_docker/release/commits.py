"""What a release writes into the checkout: two commits, in a work tree of their own, and a tag.

The first has the version and the changelog, and the image is built from it. The second records the
image's digest, which only the build can tell. Until both are on the branch the checkout is as it
was. One commit more takes a release back; the version stays in registries under its own tag, so
that who pinned it still gets it.
"""

import re
from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path

from jhub_docker.catalog import ImageSpec, ledger
from jhub_docker.catalog.ledger import Entry, Yanked
from jhub_docker.catalog.version import Version
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.release import changelog, history
from jhub_docker.release.candidate import Candidate, Workplace
from jhub_docker.release.status import Status


def prepare(place: Workplace, status: Status, version: Version) -> str:
    """Commit the version, in three places, and its section of the changelog; returns the commit."""
    folder = place.tree / "packages" / status.image
    pyproject, lock, log = (folder / name for name in ("pyproject.toml", "uv.lock", "CHANGELOG.md"))
    pyproject.write_text(with_version(pyproject.read_text("utf-8"), "[project]", version), "utf-8")
    if lock.exists():
        known = lock.read_text("utf-8")
        lock.write_text(
            with_version(known, f'[[package]]\nname = "{status.image}"', version), "utf-8"
        )
    text, day = log.read_text("utf-8"), datetime.now(UTC).date()
    written = changelog.unreleased(text)
    section = changelog.section(version, day, written, status.changes, status.commits)
    log.write_text(changelog.released(text, section), "utf-8")
    reason = status.proposal.reason if status.proposal else ""
    return _commit(place.tree, folder, f"Release {status.image} {version}", [reason])


def record(place: Workplace, candidate: Candidate, notes: Sequence[str]) -> str:
    """Commit the ledger's entry of what was tested, and the audit's notes; the commit."""
    folder = place.tree / "packages" / candidate.image
    dated = replace(candidate, date=datetime.now(UTC).date().isoformat())
    entry = Entry(**{one.name: getattr(dated, one.name) for one in fields(Entry)})
    ledger.write(folder, {candidate.version: entry, **ledger.read(folder)})
    subject = f"Record {candidate.image} {candidate.version}"
    return _commit(place.tree, folder, subject, [candidate.digest, *notes])


def land(place: Workplace, candidate: Candidate) -> None:
    """Tag the recorded release and fast-forward the branch to it, so that no branch lacks a tag.

    Raises ActionError when the branch has moved since the release began.
    """
    root = place.root
    if history.head(root) != candidate.start:
        raise ActionError(
            f"{history.branch(root) or 'HEAD'} has moved since {candidate.image} "
            f"{candidate.version} was begun; nothing was published. Run the release again"
        )
    what = f"{candidate.image} {candidate.version}"
    name = history.tag_name(candidate.image, candidate.version)
    history.git(root, "tag", "--force", "--annotate", "-m", what, name, candidate.recorded)
    history.git(root, "merge", "--quiet", "--ff-only", candidate.recorded)
    place.remove_tree()


def yank(root: Path, spec: ImageSpec, version: str, reason: str) -> bool:
    """Say in ledger and changelog that the version was yanked, and commit that alone.

    Returns whether there was anything to say: a version that was yanked before stays as it was.
    Raises UsageError for a version that was not released or a reason that says nothing, ActionError
    where nothing can be committed.
    """
    known, entries = Version.parse(version), ledger.read(spec.folder)
    if version not in entries:
        listed = ", ".join(entries) or "none"
        raise UsageError(f"{spec.name} {version} was not released; its releases are: {listed}")
    if entries[version].yanked:
        return False
    if not (reason := reason.strip()):
        raise UsageError('why it is yanked is missing; expected --reason "…"')
    log = spec.folder / "CHANGELOG.md"
    paths = [str(file) for file in (spec.folder / ledger.NAME, log) if file.exists()]
    for what, mend in history.cannot_commit(root).items():
        raise ActionError(f"{what}: {mend}")
    if changed := history.git(root, "status", "--porcelain", "--", *paths):
        raise ActionError(f"not committed yet: {changed}; commit that or take it back first")
    today = datetime.now(UTC).date().isoformat()
    ledger.write(
        spec.folder, entries | {version: replace(entries[version], yanked=Yanked(today, reason))}
    )
    if log.exists():
        log.write_text(changelog.with_yanked(log.read_text("utf-8"), known), "utf-8")
    message = f"Yank {spec.name} {version}\n\n{reason}"
    history.git(root, "commit", "--quiet", "--only", "--message", message, "--", *paths)
    return True


def with_version(text: str, table: str, version: Version) -> str:
    """`text`, in TOML, with this version in the table that begins with the lines `table`. Pure."""
    line = re.compile(rf'^({re.escape(table)}\n(?:(?!\[).*\n)*?version *= *")[^"]*', re.MULTILINE)
    changed, count = line.subn(rf"\g<1>{version}", text, count=1)
    if not count:
        raise UsageError(f'there is no line version = "…" below {table}')
    return changed


def _commit(tree: Path, folder: Path, subject: str, body: Sequence[str]) -> str:
    history.git(tree, "add", "--", str(folder))
    message = "\n\n".join([subject, "\n".join(line for line in body if line)]).strip()
    history.git(tree, "commit", "--quiet", "--message", message)
    return history.head(tree)
