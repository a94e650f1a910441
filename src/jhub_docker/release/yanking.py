"""Taking a release back: said in the ledger and the changelog; `version_tags` moves tags.

The version stays in registries under its own tag, so that who pinned it still gets it; `verify`
says that it was yanked.
"""

from dataclasses import replace
from datetime import date
from pathlib import Path

from jhub_docker.catalog import ImageSpec, ledger
from jhub_docker.catalog.ledger import Yanked
from jhub_docker.catalog.version import Version
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.release import changelog, history

_CHANGELOG = "CHANGELOG.md"


def mark(root: Path, spec: ImageSpec, version: str, reason: str, day: date) -> bool:
    """Say in ledger and changelog that the version was yanked, and commit that alone.

    Returns whether there was anything to say: a version that was yanked before stays as it was.
    Raises UsageError for a version that was not released or a reason that says nothing, ActionError
    where nothing can be committed.
    """
    version = str(Version.parse(version))
    entries = ledger.read(spec.folder)
    if version not in entries:
        listed = ", ".join(entries) or "none"
        raise UsageError(f"{spec.name} {version} was not released; its releases are: {listed}")
    if entries[version].yanked:
        return False
    if not reason.strip():
        raise UsageError('why it is yanked is missing; expected --reason "…"')
    files = [spec.folder / name for name in (ledger.NAME, _CHANGELOG)]
    paths = [str(file.relative_to(root)) for file in files if file.exists()]
    _require_committable(root, paths)
    entries[version] = replace(entries[version], yanked=Yanked(day.isoformat(), reason.strip()))
    ledger.write(spec.folder, entries)
    log = spec.folder / _CHANGELOG
    if log.exists():
        text = log.read_text(encoding="utf-8")
        log.write_text(changelog.with_yanked(text, Version.parse(version)), encoding="utf-8")
    message = f"Yank {spec.name} {version}\n\n{reason.strip()}"
    history.git(root, "commit", "--quiet", "--only", "--message", message, "--", *paths)
    return True


def _require_committable(root: Path, paths: list[str]) -> None:
    for what, mend in history.cannot_commit(root).items():
        raise ActionError(f"{what}: {mend}")
    if changed := history.git(root, "status", "--porcelain", "--", *paths):
        raise ActionError(f"not committed yet: {changed}; commit that or take it back first")
