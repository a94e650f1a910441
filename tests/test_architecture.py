"""The rooms of the library know only what lies below them (ARCHITECTURE.md, "Rooms")."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"

FLOORS = (
    {"errors", "progress", "table"},
    {"asking", "process"},
    {"catalog", "nox"},
    {"locks", "oci"},
    {"engine"},
    {"host"},
    {"registry"},
    {"build"},
    {"platform", "release"},
    {"backup", "kubernetes"},
    {"secrets"},
    {"clean", "doctor"},
    {"cli"},
)
"""From the ground up; two rooms on one floor do not know each other."""

INSIDE = {"release.record": "release", "release.audit": "release"}
"""Rooms inside another that know nothing of the one around them."""


def imports(room: str, source: Path) -> Iterator[str]:
    """The modules that a room's files import, as dotted names."""
    place = source / "jhub_docker" / room.replace(".", "/")
    for file in [place.with_suffix(".py")] if not place.is_dir() else place.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def upward(source: Path, floors: tuple[set[str], ...] = FLOORS) -> list[str]:
    """Every import from the same floor or a higher one, as `room -> module`."""
    wrong = []
    for height, floor in enumerate(floors):
        for room in sorted(floor):
            below = {name for lower in floors[:height] for name in lower} | {room}
            for module in imports(room, source):
                first, _, rest = module.partition(".")
                if (room, first) == ("cli", "jhub_bench"):
                    continue  # `invoke bench` names the benchmarks there are
                if first.startswith("jhub_") and not (
                    first == "jhub_docker" and rest.split(".")[0] in below
                ):
                    wrong.append(f"{room} -> {module}")
    return wrong


def test_no_arrow_goes_up() -> None:
    assert upward(SOURCE) == []


def test_every_room_has_a_floor() -> None:
    rooms = {p.stem for p in (SOURCE / "jhub_docker").iterdir() if not p.name.startswith("__")}
    assert rooms == {room for floor in FLOORS for room in floor}


@pytest.mark.parametrize("room", INSIDE)
def test_inner_rooms_do_not_know_the_one_around_them(room: str) -> None:
    inner = tuple(f"jhub_docker.{one}" for one in INSIDE)
    around = f"jhub_docker.{INSIDE[room]}."
    assert [
        module
        for module in imports(room, SOURCE)
        if module.startswith(around) and not module.startswith(inner)
    ] == []


def test_an_arrow_up_is_seen(tmp_path: Path) -> None:
    for room, text in {"low": "from jhub_docker.high import x\n", "high": ""}.items():
        (tmp_path / "jhub_docker").mkdir(exist_ok=True)
        (tmp_path / "jhub_docker" / f"{room}.py").write_text(text)
    assert upward(tmp_path, ({"low"}, {"high"})) == ["low -> jhub_docker.high.x"]


ALONE = {"process.py": r"^(import|from) subprocess\b", "asking.py": r"(?<![\w.])input\("}
"""What one module alone does for all of the library: running programs, asking a person."""


@pytest.mark.parametrize("module", ALONE)
def test_one_module_runs_programs_and_one_asks(module: str) -> None:
    library = SOURCE / "jhub_docker"
    found = {
        str(file.relative_to(library))
        for file in library.rglob("*.py")
        if re.search(ALONE[module], file.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert found == {module}
