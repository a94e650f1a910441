"""What the documentation shows exists: its commands can be typed, its links and paths lead on."""

import fnmatch
import importlib.util
import re
import subprocess
import tomllib
from pathlib import Path, PurePosixPath

import pytest
from invoke.collection import Collection
from invoke.exceptions import ParseError
from invoke.loader import FilesystemLoader
from invoke.parser import Parser
from invoke.program import Program

from jhub_docker.catalog import load
from jhub_testing import documents
from jhub_testing.documents import Page

ROOT = Path(__file__).parents[2]
PAGES = documents.pages(ROOT)
OURS = [page for page in PAGES if "/" not in page.name]
EXAMPLES = {
    tomllib.loads(page.files["pyproject.toml"])["project"]["name"]
    for page in PAGES
    if "pyproject.toml" in page.files
}
COMMANDS = sorted({command for page in PAGES for command in page.commands})
FILES = documents.tracked(ROOT)
CATALOG = load(ROOT / "packages")
TASKS = Collection.from_module(FilesystemLoader(start=str(ROOT)).load("tasks")[0])
NAMES = {name for task, aliases in TASKS.task_names.items() for name in (task, *aliases)}


def dev(*words: str) -> str:
    """Run ./dev with a command that only tells; returns what it says."""
    result = subprocess.run(
        [str(ROOT / "dev"), *words], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, f"./dev {' '.join(words)}: {result.stdout}{result.stderr}"
    return result.stdout


def check_invoke(words: list[str]) -> None:
    """Invoke's own parser knows the task and its flags, and the catalog the images.

    An image with a slash is in a registry, one in capitals stands for any, and one may be the
    example of a page that shows its pyproject.toml.
    """
    parser = Parser(initial=Program().initial_context, contexts=TASKS.to_contexts())
    try:
        contexts = parser.parse_argv(words)
    except ParseError as error:
        pytest.fail(str(error))
    for context in contexts[1:]:
        if "image" in context.args:
            named = context.args["image"].value or ()
            names = [named] if isinstance(named, str) else named
            known = {name for name in names if "/" in name or name.isupper()} | EXAMPLES
            CATALOG.select(name for name in names if name not in known)
    if len(contexts) == 1:
        dev("invoke", *words)


def check_nox(words: list[str]) -> None:
    """Nox lists with these options, so it knows the sessions and tags."""
    own = words[: words.index("--")] if "--" in words else words
    listing = dev("nox", *own, *([] if "-l" in own else ["-l"]))
    assert re.search(r"^\* ", listing, re.MULTILINE), f"no session is chosen:\n{listing}"


def check_uv(words: list[str]) -> None:
    known = dev("uv", "help", "--no-pager", words[0])
    for flag in words[1:]:
        assert flag in known, f"`uv {words[0]}` has no {flag}"


def check_python(words: list[str]) -> None:
    assert words[0] == "-m", "only modules are run"
    assert importlib.util.find_spec(words[1]) is not None, f"there is no module {words[1]}"


CHECKS = {"invoke": check_invoke, "nox": check_nox, "uv": check_uv, "python": check_python}


@pytest.mark.parametrize("command", COMMANDS)
def test_command_can_be_typed(command: str) -> None:
    program, *words = documents.arguments(command)
    assert program in CHECKS, f"{program} is no command of the tool environment known here"
    CHECKS[program](words)


WORKFLOW = (ROOT / ".github/workflows/ci.yml").read_text().replace("${{ matrix.image }}", "uv-lab")
RUN = {found.strip() for found in re.findall(r'(\./dev (?:"[^"]*"|[^#\n)"])*)', WORKFLOW)}


@pytest.mark.parametrize("command", sorted(RUN))
def test_what_the_workflow_runs_can_be_typed(command: str) -> None:
    program, *words = documents.arguments(command)
    CHECKS[program](words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Page) -> None:
    by_name = {other.name: other for other in PAGES}
    for link in page.links:
        path, _, anchor = link.partition("#")
        target = (ROOT / page.name).parent / path if path else ROOT / page.name
        assert target.exists(), f"{page.name} links to {path}, which does not exist"
        if anchor:
            other = by_name[target.resolve().relative_to(ROOT).as_posix()]
            assert anchor in other.anchors, f"{page.name}: {other.name} has no heading #{anchor}"


@pytest.mark.parametrize("page", OURS, ids=lambda page: page.name)
def test_paths_exist(page: Page) -> None:
    """A path may be given from any folder on; what git ignores is made by running."""
    ignored = {line.strip("/\n") for line in (ROOT / ".gitignore").open()}
    images = {spec.repository for spec in CATALOG.specs.values()}
    folders = {str(folder) for name in FILES for folder in PurePosixPath(name).parents}
    known = ["/" + name for name in [*FILES, *folders]]
    for path in page.paths:
        if path.split("/")[0] in ignored or path in images:
            continue
        pattern = f"*/{path.rstrip('/')}"
        assert fnmatch.filter(known, pattern), f"{page.name} names {path}, which does not exist"


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("src/")])
def test_tasks_named_in_messages_exist(name: str) -> None:
    for task in re.findall(r"\./dev invoke ([a-z][a-z.]*[a-z])", (ROOT / name).read_text()):
        assert task in NAMES, f"{name} tells people to run ./dev invoke {task}"
