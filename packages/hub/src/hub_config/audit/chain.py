"""Lines that hold each other: each has the hash of the one before it. Pure.

So a line that was changed, taken out or put in is found. What a chain alone cannot show is that its
newest lines were cut off, or that all of it was made anew: for that `verify` takes the last number
and hash that somebody noted elsewhere.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Record = dict[str, Any]

REMOVED = "audit.removed"
"""What an entry is called that names the last line of a file whose time is over."""

LONGEST = 500
"""Characters of one value that are kept."""

LINE = 16_384
"""Characters of a whole line; what is beyond the usual parts is left out of a longer one."""

USUAL = ("at", "what", "who", "on", "result", "from", "request")
"""The parts that every line has, or nearly."""

MOST = 50
"""Values of a list, or of an object, that are kept."""


@dataclass(frozen=True)
class Link:
    """What the next line refers to: the number and hash of the line before it."""

    number: int
    hash: str

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"


START = Link(0, "0" * 64)
"""Before the first line."""


def line(entry: Mapping[str, Any], after: Link) -> tuple[str, Link]:
    """The line of `entry`, and what the next one refers to."""
    kept = shortened(entry)
    if len(json.dumps(kept)) > LINE:
        kept = {name: kept[name] for name in USUAL if name in kept} | {"left_out": "too long"}
    record: Record = {"n": after.number + 1, **kept, "prev": after.hash}
    record["hash"] = digest(record)
    return json.dumps(record, ensure_ascii=False), link(record)


def digest(record: Mapping[str, Any]) -> str:
    """SHA-256 over everything in it but the hash itself."""
    rest = {key: value for key, value in record.items() if key != "hash"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def link(record: Mapping[str, Any]) -> Link:
    """What the line after `record` refers to."""
    return Link(record["n"], record["hash"])


def shortened(value: Any, depth: int = 3) -> Any:
    """`value` as it is kept: a line has to end somewhere, and to be safe to print."""
    if isinstance(value, str):
        text = "".join(one if one.isprintable() else "\ufffd" for one in value[:LONGEST])
        return text if len(value) <= LONGEST else f"{text}… ({len(value)} characters)"
    if isinstance(value, Mapping) and depth:
        return {
            shortened(str(key)): shortened(one, depth - 1)
            for key, one in list(value.items())[:MOST]
        }
    if isinstance(value, list | tuple) and depth:
        rest = [f"… and {len(value) - MOST} more"] if len(value) > MOST else []
        return [*(shortened(one, depth - 1) for one in value[:MOST]), *rest]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has none, and who reads the line elsewhere would drop it
    return value if isinstance(value, int | float | None) else "…"


def parsed(text: str) -> Record | None:
    """The record of a line, None for what is none; its hash may be wrong."""
    try:
        record = json.loads(text)
    except ValueError:
        return None
    known = isinstance(record, dict) and isinstance(record.get("n"), int)
    return record if known and isinstance(record.get("hash"), str) else None


@dataclass(frozen=True)
class Verdict:
    """What came of looking at all lines; `broken` says the first thing that is wrong."""

    lines: int
    last: Link
    broken: str = ""


def verify(lines: Iterable[tuple[str, str]], noted: Link | None = None) -> Verdict:
    """Look at all lines in order, each with the words for where it is.

    `noted` is one that somebody has noted before and that has to be in it.
    """
    began: tuple[str, Link] | None = None
    before, count, removed, seen = START, 0, set[Link](), noted is None
    for where, text in lines:
        record = parsed(text)
        if record is None:
            return Verdict(count, before, f"{where} is no entry")
        if record["hash"] != digest(record):
            return Verdict(count, before, f"{where} (number {record['n']}) was changed")
        after = Link(record["n"] - 1, str(record.get("prev")))
        if began is None:
            began = where, after
        elif after != before:
            return Verdict(
                count,
                before,
                f"{where} (number {record['n']}) does not follow number {before.number}: something "
                "between them was taken out, put in or put elsewhere",
            )
        if record.get("what") == REMOVED:
            removed.add(Link(record.get("last", 0), record.get("last_hash", "")))
        before, count = link(record), count + 1
        seen = seen or before == noted
    # Whatever was removed in time is named by a later entry, so the first line follows one of it.
    if began and began[1] != START and began[1] not in removed:
        return Verdict(
            count, before, f"{began[0]} is not the first line: those before it are missing"
        )
    if not seen:
        return Verdict(count, before, f"number {noted and noted.number} is not as it was noted")
    return Verdict(count, before)
