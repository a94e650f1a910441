"""What exists is in the documentation: variables, settings, images, rooms, dependencies."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from jhub_docker.build import bake, bases
from jhub_docker.catalog import load
from jhub_testing import documents
from jhub_testing.documents import Page

ROOT = Path(__file__).parents[2]
PAGES = {page.name: page for page in documents.pages(ROOT)}
README, ARCHITECTURE = PAGES["README.md"], PAGES["ARCHITECTURE.md"]
SETTINGS, HUB = PAGES["docs/settings.md"], PAGES["packages/hub/README.md"]
CATALOG = load(ROOT / "packages")
SOURCES = sorted((ROOT / "src").rglob("*.py"))
IN_CONTAINERS = {"peers", "seed"}
"""Folders of the library whose files run in test containers, not on the maintainer's machine."""


def in_tables(page: Page) -> set[str]:
    """The code spans in the first column of the page's tables."""
    return {span for row in page.rows() for span in re.findall(r"`([^`]+)`", row[0])}


PLATFORMS = {
    name
    for page in ("packages/hub/README.md", "docs/tls.md", "docs/backup.md")
    for name in in_tables(PAGES[page])
}
"""What describes the variables of a platform."""


def settings() -> set[str]:
    """The hub's settings, read from their declarations: its dependencies are not here."""
    names = set()
    for source in (ROOT / "packages/hub/src/hub_config/settings").glob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            match node:
                case ast.AnnAssign(
                    target=ast.Name(id=name),
                    value=ast.Call(func=ast.Name(id="setting" | "enforced"), keywords=given),
                ) if "table" not in {keyword.arg for keyword in given}:
                    names.add(f"JHUB_{name.upper()}")
    return names


def read_from_environment(tree: ast.AST) -> Iterator[str]:
    """Names in `environ["X"]`, `environ.get("X")` and the same of `environment`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript):
            mapping, key = node.value, node.slice
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            if node.func.attr != "get":
                continue
            mapping, key = node.func.value, node.args[0]
        else:
            continue
        named = getattr(mapping, "attr", getattr(mapping, "id", ""))
        if named in ("environ", "environment") and isinstance(key, ast.Constant):
            yield str(key.value)


def tool_variables() -> set[str]:
    """The variables that the library and ./dev read."""
    found = {*bake.PROXY_VARIABLES, "DOCKER_CONTEXT"}  # docker and its builds read them
    for source in SOURCES:
        if IN_CONTAINERS & set(source.parts):
            continue
        text = source.read_text()
        found |= set(read_from_environment(ast.parse(text)))
        found |= set(re.findall(r"\bJHUB_[A-Z0-9_]*[A-Z0-9]\b", text))
    found |= set(re.findall(r"\$\{([A-Z_]+):-", (ROOT / "dev").read_text()))
    return found | {name for spec in CATALOG.specs.values() if (name := bases.variable(spec))}


def compose_variables() -> set[str]:
    files = "".join(file.read_text() for file in ROOT.glob("compose*.yaml"))
    return set(re.findall(r"\$\{(JHUB_[A-Z_]+)", files))


def test_every_setting_is_described_where_it_belongs() -> None:
    assert "JHUB_IDLE_TIMEOUT" in settings()
    assert not settings() - in_tables(HUB), "settings that packages/hub/README.md does not describe"
    assert not compose_variables() - PLATFORMS, "variables of compose.yaml that no table describes"


def test_every_variable_of_the_tool_is_described() -> None:
    assert {"JHUB_DOCKER_LANE", "DOCKER_HOST", "PIP_CERT"} <= tool_variables()
    missing = tool_variables() - in_tables(SETTINGS) - PLATFORMS
    assert not missing, "variables that no table describes"


def test_every_described_variable_is_read() -> None:
    read = tool_variables() | settings() | compose_variables()
    described = {
        name
        for name in in_tables(SETTINGS) | PLATFORMS
        if re.fullmatch(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+", name)
    }
    code = "\n".join(source.read_text() for source in SOURCES)
    unread = {name for name in described - read if f'"{name}"' not in code}
    assert not unread, "described variables that nothing reads"


def test_the_readmes_table_of_images_says_what_they_declare() -> None:
    """A new folder need not be in it: the form and `invoke images` list those there are."""
    rows = [row for row in README.rows() if re.match(r"\[`[^`]+`\]\(packages/", row[0])]
    declared = [
        [f"[`{one.repository}`](packages/{one.name})", f"`{one.probe}`", ", ".join(one.profiles)]
        for one in CATALOG.published
    ]
    assert rows
    assert [row for first, _, *rest in rows if (row := [first, *rest]) not in declared] == []


def test_every_package_that_others_stand_on_is_in_the_picture() -> None:
    parents = {parent for spec in CATALOG.specs.values() for parent in spec.parents}
    missing = {name for name in parents if name not in ARCHITECTURE.text}
    assert not missing, "packages that ARCHITECTURE.md does not show"


def test_every_room_is_in_the_map() -> None:
    library = ROOT / "src" / "jhub_docker"
    modules = {path.name for path in library.glob("*.py") if path.name != "__init__.py"}
    modules |= {f"{path.parent.relative_to(library)}/" for path in library.glob("*/__init__.py")}
    assert not modules - in_tables(ARCHITECTURE), "modules that ARCHITECTURE.md does not describe"


@pytest.mark.parametrize("project", [".", "packages/hub"])
def test_every_dependency_earns_its_place(project: str) -> None:
    declared = tomllib.loads((ROOT / project / "pyproject.toml").read_text())
    lists = [declared["project"]["dependencies"]]
    lists += declared["dependency-groups"].values() if project == "." else []
    items = [item for list_ in lists for item in list_ if isinstance(item, str)]
    names = {re.split(r"[<>=!~;\[ ]", item)[0] for item in items}
    folder = "" if project == "." else f"{project}/"
    missing = names - in_tables(PAGES[f"{folder}ARCHITECTURE.md"])
    assert not missing, "dependencies that ARCHITECTURE.md does not justify"
