"""Looks at the hub's files, inside its container: sent there as text, so standard library only, but
for what a hub has that has its records in PostgreSQL.

Whatever hub runs there can be asked, also an older one. Reads, and prints what it saw as JSON.
"""

import json
import os
import sqlite3
import stat
import sys
import time
from contextlib import closing
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

WORDS = 64
"""Hexadecimal digits of a secret."""


def look(data: Path, proxy: Path) -> dict[str, Any]:
    """What there is to see of data volume and secrets."""
    named = [data / "secrets/cookie_secret", data / "secrets/crypt_key", proxy / "token"]
    inner = [path for one in ("secrets", "group-secrets") for path in (data / one).rglob("*")]
    url = os.environ.get("JHUB_DB_URL", "")
    others = [data, data / "secrets", *inner]
    return {
        "engine": space(Path("/")),
        "data": space(data),
        "older": [
            {"path": str(path), "days": (time.time() - path.stat().st_mtime) / 86400}
            for path in (data / "secrets").glob("*.older")
        ],
        "database": postgres(url) if url else database(data / "jupyterhub.sqlite"),
        "secrets": [
            *(seen(path, secret(path)) for path in named),
            *(seen(path) for path in others if path not in named and path.exists()),
        ],
    }


def space(path: Path) -> dict[str, int]:
    """Room on the file system of `path`."""
    told = os.statvfs(path)
    free = told.f_bavail * told.f_frsize
    return {"room": free, "inodes": told.f_files, "free_inodes": told.f_favail}


def database(path: Path) -> str:
    """`ok`, or what is wrong with it."""
    if not path.exists():
        return f"{path} is not there"
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=10)) as opened:
            said = opened.execute("PRAGMA quick_check(5)").fetchall()
    except sqlite3.Error as error:
        return f"{path}: {error}"
    lines = "; ".join(str(row[0]) for row in said)
    return lines if lines == "ok" else f"{path}: {lines}"


def postgres(url: str) -> str:
    """`ok`, or why PostgreSQL cannot be used."""
    hub = import_module("hub_config.postgres")
    os.environ.setdefault("PGPASSFILE", str(hub.PASSWORD_FILE))
    try:
        hub.first(url, "SELECT 1")
    except hub.DatabaseError as error:
        return str(error)
    return "ok"


def secret(path: Path) -> str:
    """What is wrong with a secret; empty for nothing. What is in it is never told."""
    try:
        text = path.read_text("ascii").strip()
        well = len(text) == WORDS and len(bytes.fromhex(text)) * 2 == WORDS
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    except ValueError:
        well = False
    return "" if well else f"holds no secret of {WORDS} hexadecimal digits"


def seen(path: Path, wrong: str = "") -> dict[str, Any]:
    """A file or folder with its mode, None where it is not there."""
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else None
    return {"path": str(path), "mode": mode, "wrong": wrong}


if __name__ == "__main__":
    hub = {"jupyterhub": version("jupyterhub")}
    print(json.dumps(hub | look(Path(sys.argv[1]), Path(sys.argv[2]))))
