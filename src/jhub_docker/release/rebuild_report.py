"""What people and programs read of two builds compared. It compares nothing."""

import re
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from jhub_docker.oci.comparison import TIME
from jhub_docker.release.rebuild import Outcome

KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("what Debian's package tools wrote", re.compile(r"var/(lib/(dpkg|apt)|cache/(apt|debconf))/")),
    ("logs and caches of the build", re.compile(r"(var/(log|cache)|tmp|root/\.cache)/")),
    ("accounts (shadow has the day)", re.compile(r"etc/(passwd|group|g?shadow|sub[ug]id)-?$")),
    ("code that Node compiled and kept", re.compile(r"opt/code-server/compile-cache/")),
    ("bytecode of Python", re.compile(r".*\.py[co]$")),
    ("what Python's installer wrote", re.compile(r".*\.(dist|egg)-info/")),
    ("Python packages", re.compile(r".*/(site|dist)-packages/")),
    ("Node packages", re.compile(r".*/node_modules/")),
)
"""What a path says about why it can differ; the first that fits."""


def explained(files: Iterable[str]) -> dict[str, list[str]]:
    """The differences by their kind, in words. Pure."""
    found: dict[str, list[str]] = {}
    for one in files:
        path, _, what = one.rpartition(": ")
        kind = next((name for name, pattern in KINDS if pattern.match(path)), "other files")
        kind = "only their time" if what == TIME else kind
        found.setdefault(kind, []).append(one)
    return found


def text(what: str, outcome: Outcome, most: int = 10) -> str:
    """Whether both are the same, and if not, each difference; `most` paths of a kind."""
    notes = [f"note: {note}" for note in outcome.notes]
    if outcome.same:
        return "\n".join([f"{what}: {outcome.after} again, the same", *notes])
    lines = [f"{what}: {outcome.after}, not {outcome.before}", *notes]
    if outcome.packages:
        lines.append("packages:")
        lines += [f"  {one}" for one in outcome.packages]
    if outcome.configuration:
        lines.append("configuration:")
        lines += [f"  {one}" for one in outcome.configuration]
    for layer in outcome.layers:
        made_by = " ".join(layer.made_by.split())[:80]
        lines.append(f"layer {layer.number}, {layer.before or 'none'} and {layer.after or 'none'}")
        lines.append(f"  made by {made_by}")
        if not layer.files:
            lines.append("  the same files, packed in another way")
        for kind, files in explained(layer.files).items():
            lines.append(f"  {kind}: {len(files)}")
            lines += [f"    {one}" for one in files[:most]]
            if len(files) > most:
                lines.append(f"    and {len(files) - most} more; --json lists all")
    return "\n".join(lines)


def as_data(what: str, outcome: Outcome) -> dict[str, Any]:
    """The same for programs, by the names that are used here."""
    return {"image": what, "same": outcome.same, **asdict(outcome)}
