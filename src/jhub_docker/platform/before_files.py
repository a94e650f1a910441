"""What of the hub's files is kept before an upgrade, and how it comes back: run in a container that
has both volumes, sent there as text, so standard library only.

    keep ABOUT  copy database, config.toml and config.d; ABOUT becomes `before.json`
    back        put database and config.toml back; what is replaced stays as `newer…`
    again       the same for one that was interrupted; nothing once all is back, for a hub may have
                run
    lost        print as JSON what going back would lose

Where the records are in PostgreSQL the hub has kept a copy of them in the file that is named, and
moves what was put back there itself.

Everything gets its name when it is complete, so that one that was killed is done again.
"""

import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

DATABASE, POSTGRES = "jupyterhub.sqlite", "postgres.sqlite"
SPARE = 50_000_000
"""Bytes that have to be free beside three copies: ours, JupyterHub's own, one to go back."""

DONE = "is-back"
"""File in the volume that says that all is put back."""

CHANGES = {
    "members of groups": "SELECT g.name, u.name FROM user_group_map m "
    "JOIN groups g ON g.id = m.group_id JOIN users u ON u.id = m.user_id",
    "admins": "SELECT name FROM users WHERE admin",
    "second factors": "SELECT account, sealed FROM platform_second_factors WHERE confirmed",
    "whose home is which": "SELECT volume, user_id FROM platform_home_volumes",
}
"""What else somebody may have changed, each by what it is now and was then."""


def keep(data: Path, before: Path, name: str, about: str) -> None:
    """Keep what there is in place of what was kept for an earlier upgrade."""
    new, old = before / "new", before / "old"
    for folder in (new, old):
        shutil.rmtree(folder, ignore_errors=True)
    new.mkdir(mode=0o700)
    if (data / name).exists():
        needed = 3 * (data / name).stat().st_size + SPARE
        free = shutil.disk_usage(data).free
        if free < needed:
            sys.exit(
                f"{needed / 1e6:.0f} MB are needed on the disk of the hub's data, to copy its "
                f"database, and {free / 1e6:.0f} MB are free: make room there"
            )
        copy(data / name, new / DATABASE)
    if (data / "config.toml").is_file():
        shutil.copy2(data / "config.toml", new)
    if (data / "config.d").is_dir():
        shutil.copytree(data / "config.d", new / "config.d")
    (new / "before.json").write_text(about, "utf-8")
    os.sync()
    with suppress(FileNotFoundError):
        (before / "kept").rename(old)
    new.rename(before / "kept")
    shutil.rmtree(old, ignore_errors=True)
    _forget(before)


def _forget(before: Path) -> None:
    """Forget how an earlier one went back."""
    for one in (before / DONE, *before.glob("newer*")):
        one.unlink(missing_ok=True)


def copy(source: Path, target: Path) -> None:
    """A sound copy, while others write to it. Exits for a damaged database."""
    try:
        with (
            closing(sqlite3.connect(f"{source.as_uri()}?mode=rw", uri=True, timeout=60)) as now,
            closing(sqlite3.connect(target)) as then,
        ):
            now.backup(then)
            (said,) = then.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        said = str(error)
    if said != "ok":
        sys.exit(f"the hub's database cannot be copied: {said}")


def back(data: Path, before: Path, name: str) -> None:
    """Put back what was kept; the hub is stopped."""
    _forget(before)
    again(data, before, name)


def again(data: Path, before: Path, name: str) -> None:
    """Put back what of it is not back yet."""
    kept = before / "kept"
    if (before / DONE).exists():
        return
    if not kept.is_dir():
        sys.exit("nothing was kept")
    newer = before / f"newer.{DATABASE}"
    if (kept / DATABASE).exists():
        if (data / name).exists() and not newer.exists():
            shutil.copy2(data / name, unfinished := before / "unfinished")
            unfinished.rename(newer)
        shutil.copy2(kept / DATABASE, fresh := data / f".{DATABASE}.before")
        os.sync()
        # First the journals of the newer one: SQLite would play them back into the older.
        for end in ("-journal", "-wal", "-shm"):
            (data / f"{DATABASE}{end}").unlink(missing_ok=True)
        fresh.rename(data / DATABASE)
    settings, then = data / "config.toml", kept / "config.toml"
    if text(settings) != text(then):
        if settings.exists() and not (aside := before / "newer.config.toml").exists():
            shutil.copy2(settings, aside)
        settings.unlink(missing_ok=True)
        if then.exists():
            shutil.copy2(then, settings)
    (before / DONE).touch()
    os.sync()


def lost(data: Path, before: Path, name: str) -> dict[str, Any]:
    """What came since: accounts, passwords, what else people and admins changed."""
    kept = before / "kept"
    about = json.loads((kept / "before.json").read_text("utf-8"))  # older ones have .env in it
    then, now = people(kept / DATABASE), people(data / name)
    return {
        **{one: about[one] for one in ("time", "images")},
        "made": sorted(now.keys() - then.keys()),
        "deleted": sorted(then.keys() - now.keys()),
        "passwords": sorted(name for name in now.keys() & then.keys() if now[name] != then[name]),
        "other": [
            what
            for what, query in CHANGES.items()
            if rows(kept / DATABASE, query) != rows(data / name, query)
        ]
        + ["config.toml"] * (text(data / "config.toml") != text(kept / "config.toml")),
    }


def people(database: Path) -> dict[str, Any]:
    """Everybody the hub knows, with what their password is known by."""
    found = {str(name): None for (name,) in rows(database, "SELECT name FROM users")}
    return found | dict(rows(database, "SELECT username, password FROM users_info"))


def rows(database: Path, query: str) -> list[Any]:
    """What a query finds; nothing where there is no such table, or no database."""
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as opened:
            return sorted(opened.execute(query).fetchall(), key=repr)
    except sqlite3.Error:
        return []


def text(file: Path) -> str:
    """What is in a file; nothing of one that is not there."""
    return file.read_text("utf-8") if file.is_file() else ""


if __name__ == "__main__":
    do: dict[str, Callable[..., Any]] = {"keep": keep, "back": back, "again": again, "lost": lost}
    what, volume, own, *given = sys.argv[1:]
    os.umask(0o077)
    try:
        print(json.dumps(do[what](Path(volume), Path(own), *given)))
    except OSError as error:
        sys.exit(str(error))
