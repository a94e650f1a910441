"""What people and groups have used in a month, as the hub has kept it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jhub_docker import table
from jhub_docker.errors import failure
from jhub_docker.platform import chosen


def usage(root: Path, month: str = "") -> dict[str, Any]:
    """What there is of a month such as `2026-11`, empty for this one (UTC); asks the hub."""
    ended = chosen.read(root).in_hub("usage", *[month] * bool(month))
    if ended.code:
        raise failure(ended.code, f"the hub does not say what was used: {ended.tail(3)}")
    return dict(json.loads(ended.out))


FIGURES = ("servers", "hours", "CPU hours", "GB-hours")
HOURS = ("hours", "cpu_hours", "gb_hours")


def text(told: Mapping[str, Any]) -> str:
    """Tables of people and of groups."""
    parts = []
    for head, totals in (("person", told["people"]), ("group", told["groups"])):
        rows = [
            [one["name"], str(one["servers"]), *(f"{one[key]:.2f}" for key in HOURS)]
            for one in totals
        ]
        parts += [table.render((head, *FIGURES), rows, right=FIGURES)] * bool(rows)
    if not parts:
        return f"Nobody had a server in {told['month']}."
    return "\n\n".join([f"{told['month']} (UTC)", *parts])
