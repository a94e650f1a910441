"""The two commits of a release, made in its own work tree: what it is built from, what it became.

The first has the version and the changelog, and the image is built from it. The second records the
image's digest, which only the build can tell. Until both are on the branch the checkout is as it
was.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from jhub_docker.catalog import ledger
from jhub_docker.catalog.ledger import Entry
from jhub_docker.catalog.version import Version
from jhub_docker.release import changelog, history, source
from jhub_docker.release.candidate import Candidate, Workplace
from jhub_docker.release.status import Status


def prepare(place: Workplace, status: Status, version: Version) -> str:
    """Commit the version, in three places, and its section of the changelog; returns the commit."""
    folder = place.tree / "packages" / status.image
    pyproject, lock, log = (folder / name for name in ("pyproject.toml", "uv.lock", "CHANGELOG.md"))
    _rewrite(pyproject, source.with_version(_text(pyproject), version))
    if lock.exists():
        _rewrite(lock, source.with_locked_version(_text(lock), version))
    text = _text(log)
    section = changelog.section(
        version,
        datetime.now(UTC).date(),
        changelog.unreleased(text),
        status.changes,
        status.commits,
    )
    _rewrite(log, changelog.released(text, section))
    reason = status.proposal.reason if status.proposal else ""
    return _commit(place.tree, folder, f"Release {status.image} {version}", [reason])


def record(place: Workplace, candidate: Candidate) -> str:
    """Commit the ledger's entry of what was built, judged and tested; returns the commit."""
    folder = place.tree / "packages" / candidate.image
    entry = Entry(
        commit=candidate.commit,
        date=datetime.now(UTC).date().isoformat(),
        build_id=candidate.build_id,
        digest=candidate.digest,
        platforms=candidate.platforms,
        left_out=candidate.left_out,
        size=candidate.size,
        compressed=candidate.compressed,
        layers=candidate.layers,
    )
    ledger.write(folder, {candidate.version: entry, **ledger.read(folder)})
    subject = f"Record {candidate.image} {candidate.version}"
    return _commit(place.tree, folder, subject, [candidate.digest, *candidate.notes])


def _commit(tree: Path, folder: Path, subject: str, body: Sequence[str]) -> str:
    history.git(tree, "add", "--", str(folder))
    message = "\n\n".join([subject, "\n".join(line for line in body if line)]).strip()
    history.git(tree, "commit", "--quiet", "--message", message)
    return history.head(tree)


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def _rewrite(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
