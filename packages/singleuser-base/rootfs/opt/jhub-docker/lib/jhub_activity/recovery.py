"""Keeps marimo notebooks that nobody gave a name to: they are in memory only, and end with it.

What has a name, marimo, JupyterLab and VS Code save by themselves.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

NAME = re.compile(r"unnamed-[\w-]+\.py")
_UNSAFE = re.compile(r"[^\w-]")


def folder() -> Path:
    """Where they are kept, in the home."""
    return Path(os.environ.get("HOME", "/home/nebula"), "recovered")


def cells(script: str) -> list[str]:
    """The cells of a script as marimo exports it; empty ones are left out."""
    _, *parts = re.split(r"^# %%[^\n]*\n", script, flags=re.MULTILINE)
    return [cell for part in parts if (cell := part.strip("\n")).strip()]


def notebook(found: list[str]) -> str:
    """A marimo notebook of these cells. Each is kept as text, so that code which cannot be parsed
    stays as it is; marimo makes ordinary cells of them when it saves.
    """
    stored = (f'app._unparsable_cell({cell!r}, name="_")\n' for cell in found)
    return "\n".join(["import marimo\n\napp = marimo.App()\n", *stored])


class Recovery:
    """The notebooks kept by this server, by their sessions."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: dict[str, str] = {}

    def keep(self, sessions: Mapping[str, str | None]) -> None:
        """Write what is new, and take away what has been saved under a name meanwhile."""
        for session, script in sessions.items():
            path = self._folder / f"unnamed-{_UNSAFE.sub('_', session)}.py"
            if script is None:
                if self._kept.pop(session, None) is not None:
                    path.unlink(missing_ok=True)
                    with suppress(OSError):
                        self._folder.rmdir()  # when it is empty
            elif self._kept.get(session) != script and (found := cells(script)):
                self._folder.mkdir(exist_ok=True)
                # What was kept before stays whole where the home is full.
                half = path.with_suffix(".half")
                half.write_text(notebook(found), "utf-8")
                half.replace(path)
                self._kept[session] = script


def earlier(folder: Path, since: float) -> list[str]:
    """The names of notebooks kept by servers that ended, none of them written after `since`."""
    if not folder.is_dir():
        return []
    found = (one for one in folder.iterdir() if NAME.fullmatch(one.name))
    return sorted(one.name for one in found if one.stat().st_mtime < since)
