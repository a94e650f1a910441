"""Who may import whom: rooms of `hub_config` from the bottom up; an arrow upwards is a fault."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "hub_config"

ROOMS = (
    # What imports nothing, or only what is left of it.
    *(
        "errors",
        "variables",
        "groups",
        "names",
        "settings",
        "health",
        "migrations",
        "store",
        "first_start",
        "database",
    ),
    "branding",
    # Where servers run, and what they are.
    *("networks", "runtime", "sharing", "lifetimes", "spawning", "reconcile", "keeper", "login"),
    # What puts it all together.
    *("concerns", "config_d", "containers", "__main__"),
)


def arrows() -> Iterator[tuple[str, str, str]]:
    """Importing room, imported room, and where."""
    for path in SOURCE.rglob("*.py"):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Import(names=names):
                    imported = [one.name for one in names]
                case ast.ImportFrom(module=str(module), names=names):
                    imported = [f"{module}.{one.name}" for one in names]
                case _:
                    continue
            for name in imported:
                package, _, rest = name.partition(".")
                to = rest.partition(".")[0]
                if package == "hub_config" and to != parts[0]:
                    yield parts[0], to, f"{'/'.join(parts)} imports {name}"


def test_every_room_has_its_place() -> None:
    there = {path.relative_to(SOURCE).with_suffix("").parts[0] for path in SOURCE.rglob("*.py")}
    assert there - {"__init__"} <= set(ROOMS)


def test_no_arrow_points_upwards() -> None:
    upwards = [(at, to, where) for at, to, where in arrows() if ROOMS.index(to) > ROOMS.index(at)]
    assert not [where for _, _, where in upwards]


def test_the_filter_and_the_guard_hold_nothing_of_jupyterhub() -> None:
    modules = "engine_filter.__main__, hub_config.__main__, hub_config.networks.firewall.guard"
    script = f"import sys, {modules}; print(sorted({{'jupyterhub', 'tornado'}} & set(sys.modules)))"
    told = subprocess.check_output([sys.executable, "-c", script], text=True)
    assert told.strip() == "[]"
