"""The pytest plugin: options, fixtures, and what a failing test tells of its containers.

`pytest -p jhub_testing.plugin --image uv-lab` runs the tests of that image and of all bases
it stands on, each against that image. Nothing here touches an engine until a test asks for one.
"""

import os
from collections.abc import Generator, Iterator
from functools import cache
from pathlib import Path

import pytest

from jhub_docker.catalog import Catalog
from jhub_docker.catalog import packages as catalogs
from jhub_docker.errors import UsageError
from jhub_testing.recording import Recorder, is_whole
from jhub_testing.resources import Engine
from jhub_testing.subject import Subject, from_catalog
from jhub_testing.turns import Turns

pytest.register_assert_rewrite("jhub_testing.contract")

TURNS = pytest.StashKey[Turns]()

ON_THE_ENGINE = ("integration", "packages", "tests/engine")
"""Where tests are that use it."""

SHOWN_LINES = 60
"""Lines of each container's log that the report of a failing test shows; the files have all."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--image NAME`."""
    parser.addoption(
        "--image",
        metavar="NAME",
        help="the package whose image is tested; without paths, its tests and its bases' tests run",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Without paths, `--image` chooses them: a child image inherits its parents' tests.

    What builds of tests note of their checkouts is not noted in anybody's home.
    """
    os.environ.setdefault("XDG_STATE_HOME", str(config.rootpath / ".dev" / "state"))
    name = config.getoption("--image")
    if name and config.args_source is not pytest.Config.ArgsSource.ARGS:
        folders = [spec.folder / "tests" for spec in _catalog(config.rootpath).lineage(name)]
        config.args = [str(path) for path in folders if path.is_dir()]
    elif is_whole(config):
        config.pluginmanager.register(Recorder(config.rootpath, _catalog(config.rootpath)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Begin no test on the engine while one of another process, or session, restarts it."""
    place = f"{item.path.relative_to(item.config.rootpath).as_posix()}/"
    if not place.startswith(tuple(f"{one}/" for one in ON_THE_ENGINE)):
        return (yield)
    with _turns(item.config).beside_others():
        return (yield)


def _turns(config: pytest.Config) -> Turns:
    if TURNS not in config.stash:
        config.stash[TURNS] = Turns.of(config.rootpath)
    return config.stash[TURNS]


@pytest.fixture(scope="session")
def turns(pytestconfig: pytest.Config) -> Turns:
    """For a test that has to be alone on the engine."""
    return _turns(pytestconfig)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out a package's own unit tests when its image is tested: they need its environment."""
    return True if config.getoption("--image") and collection_path.name == "unit" else None


@cache
def _catalog(root: Path) -> Catalog:
    try:
        return catalogs.load(root / "packages")
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None


@pytest.fixture(scope="session")
def catalog(pytestconfig: pytest.Config) -> Catalog:
    """All image packages of this checkout."""
    return _catalog(pytestconfig.rootpath)


@pytest.fixture(scope="session")
def engine(pytestconfig: pytest.Config) -> Iterator[Engine]:
    """The Docker Engine; left-overs of killed sessions are removed first, ours at the end."""
    with Engine(pytestconfig.rootpath / ".test-logs") as engine:
        yield engine


@pytest.fixture(scope="session")
def subjects(
    engine: Engine, catalog: Catalog, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Subject]:
    """The images under test by name, so that their servers are shared."""
    files = tmp_path_factory.mktemp("subjects")
    files.chmod(0o755)
    return {
        spec.name: from_catalog(engine, catalog, spec.name, files)
        for spec in catalog.specs.values()
    }


@pytest.fixture(scope="module")
def subject(request: pytest.FixtureRequest, subjects: dict[str, Subject]) -> Subject:
    """The image under test: `--image`, or the package the test file is in."""
    name = request.config.getoption("--image") or request.path.parents[1].name
    if name not in subjects:
        raise pytest.UsageError(f"there is no image {name!r}; known: {', '.join(subjects)}")
    return subjects[name]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attach the logs of the running containers to the report of a test that failed."""
    report: pytest.TestReport = yield
    for engine in Engine.entered if report.failed else ():
        for name, container in dict(engine.running).items():
            engine.keep_log(container)
            log = engine.logs / f"{name}.log"
            if log.exists():
                lines = log.read_text(errors="replace").splitlines()[-SHOWN_LINES:]
                report.sections.append((f"log of {name} (all: {log})", "\n".join(lines)))
    return report
