"""`python -m jhub_testing.durations`: how long sessions and their slowest tests took.

Reads the JUnit records that the Nox sessions leave in `.dev/durations/`, keeps all of it as
`.dev/durations.json` and prints the slowest. It judges nothing.
"""

import json
import sys
from pathlib import Path
from xml.etree import ElementTree

from jhub_docker.table import render

SLOWEST = 10


def read(folder: Path) -> list[dict[str, str | float]]:
    """Every test with its session and seconds, fixtures included, the slowest first."""
    found: list[dict[str, str | float]] = []
    for file in sorted(folder.glob("*.xml")):
        for case in ElementTree.parse(file).iter("testcase"):  # noqa: S314 - pytest wrote it
            found.append(
                {
                    "session": file.stem,
                    "test": f"{case.get('classname')}::{case.get('name')}",
                    "seconds": round(float(case.get("time", "0")), 2),
                }
            )
    return sorted(found, key=lambda one: -float(one["seconds"]))


def shown(tests: list[dict[str, str | float]]) -> str:
    """Tests and seconds of each session, then the slowest tests."""
    sessions: dict[str, tuple[int, float]] = {}
    for one in tests:
        count, seconds = sessions.get(str(one["session"]), (0, 0.0))
        sessions[str(one["session"])] = (count + 1, seconds + float(one["seconds"]))
    rows = [(name, str(count), f"{took:.0f}") for name, (count, took) in sessions.items()]
    slowest = [(f"{one['seconds']:.1f}", str(one["test"])) for one in tests[:SLOWEST]]
    return "\n\n".join(
        (
            render(("session", "tests", "seconds"), rows, right=("tests", "seconds")),
            render(("seconds", "slowest tests"), slowest, right=("seconds",)),
        )
    )


def main(root: Path) -> int:
    """Write and print them; returns the exit code."""
    tests = read(root / ".dev" / "durations")
    if not tests:
        print("no session has left a record in .dev/durations: run ./dev nox", file=sys.stderr)
        return 1
    (root / ".dev" / "durations.json").write_text(json.dumps(tests, indent=1), encoding="utf-8")
    print(shown(tests))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path.cwd()))
