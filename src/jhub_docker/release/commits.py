"""What a release writes into the checkout: two commits, in a work tree of their own, and a tag.

The first has the version and the changelog, and the image is built from it. The second records the
image's digest, which only the build can tell. Until both are on the branch the checkout is as it
was.
"""

import re
from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path

from jhub_docker.catalog import ledger
from jhub_docker.catalog.ledger import Entry
from jhub_docker.catalog.version import Version
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.locks import uv_lock
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
        lock.write_text(with_version(known, locked(known), version), "utf-8")
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


def with_version(text: str, table: str, version: Version) -> str:
    """`text`, in TOML, with this version in the table that begins with the lines `table`. Pure."""
    line = re.compile(rf'^({re.escape(table)}\n(?:(?!\[).*\n)*?version *= *")[^"]*', re.MULTILINE)
    changed, count = line.subn(rf"\g<1>{version}", text, count=1)
    if not count:
        raise UsageError(f'there is no line version = "…" below {table}')
    return changed


def locked(lock: str) -> str:
    """How the table of the project itself, the package from no index, begins in a uv.lock. Pure."""
    project = uv_lock.parse(lock).project
    if project is None:
        raise UsageError("uv.lock does not name its own project; refresh it with ./dev invoke lock")
    return f'[[package]]\nname = "{project["name"]}"'


def _commit(tree: Path, folder: Path, subject: str, body: Sequence[str]) -> str:
    history.git(tree, "add", "--", str(folder))
    message = "\n\n".join([subject, "\n".join(line for line in body if line)]).strip()
    history.git(tree, "commit", "--quiet", "--message", message)
    return history.head(tree)
