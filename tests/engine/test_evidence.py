"""Evidence is written by real test sessions of a small image, and only by whole ones."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jhub_docker.catalog.identity import LABEL
from jhub_docker.release import evidence
from jhub_testing.resources import Engine

BUILD_ID = "c0ffee" + "0" * 58
SETTINGS = """
[tool.pytest.ini_options]
addopts = ["--import-mode=importlib", "-p", "jhub_testing.plugin"]
"""
PACKAGE = """
[project]
name = "small"
version = "1.0.0"
description = "An image."
[tool.jhub-docker]
base = "debian"
image = "{repository}"
"""
TESTS = """
import os
def test_one(): assert not os.environ.get("FAILS")
def test_two():
    if os.environ.get("INTERRUPTED"): raise KeyboardInterrupt
"""

Session = Callable[..., str]


@pytest.fixture
def repository(engine: Engine, base: str) -> Iterator[str]:
    """An image with a build id, under its tags; and `derived`, made from it by somebody."""
    name = f"local/{engine.name('evidence')}"
    labels = {**engine.labels, f"{LABEL}.package": "small", f"{LABEL}.build-id": BUILD_ID}
    container = engine.client.containers.create(base, labels=engine.labels)
    container.commit(name, "latest", changes=[f'LABEL {k}="{v}"' for k, v in labels.items()])
    engine.client.images.get(f"{name}:latest").tag(name, BUILD_ID[:12])
    derived = engine.client.containers.create(f"{name}:latest", labels=engine.labels)
    derived.commit(name, "derived", changes=["ENV CHANGED=1"])
    yield name
    for tag in ("latest", "derived", BUILD_ID[:12]):
        engine.client.images.remove(f"{name}:{tag}", force=True)


@pytest.fixture
def session(tmp_path: Path, repository: str) -> Session:
    """Runs pytest in a checkout of its own with the image; returns the last line it wrote."""
    package, tests = tmp_path / "packages/small", tmp_path / "integration"
    package.mkdir(parents=True)
    tests.mkdir()
    (tmp_path / "pyproject.toml").write_text(SETTINGS)
    (package / "Dockerfile").write_text("FROM base\n")
    (package / "pyproject.toml").write_text(PACKAGE.format(repository=repository))
    (tests / "test_small.py").write_text(TESTS)

    def run(*arguments: str, **variables: str) -> str:
        result = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "integration", *arguments],
            cwd=tmp_path,
            env={**os.environ, "JHUB_TEST_TAG": "latest", **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        return next(line for line in result.stdout.splitlines() if "evidence for" in line)

    return run


@pytest.mark.parametrize("processes", [[], ["--numprocesses=2"]])
def test_a_whole_suite_that_passed_is_evidence(
    session: Session, tmp_path: Path, processes: list[str]
) -> None:
    said = session(*processes)
    assert said == f"evidence for a release: the tests passed for small {BUILD_ID[:12]}"
    assert evidence.missing(tmp_path, {"small": BUILD_ID}) == []
    assert (tmp_path / ".test-logs/engine.lock").exists(), "its tests take no turns"


@pytest.mark.parametrize(
    ("arguments", "variables", "said"),
    [
        (["-k", "one"], {}, "-k leaves tests out"),
        (["-k", "one", "--numprocesses=2"], {}, "-k leaves tests out"),
        ([], {"FAILS": "1"}, "not all tests passed"),
        (["--numprocesses=2"], {"FAILS": "1"}, "not all tests passed"),
        ([], {"INTERRUPTED": "1"}, "not all tests passed"),
        ([], {"JHUB_TEST_TAG": "derived"}, "is not the image with the build id it claims"),
    ],
)
def test_anything_less_is_none(
    session: Session,
    tmp_path: Path,
    arguments: list[str],
    variables: dict[str, str],
    said: str,
) -> None:
    assert said in session(*arguments, **variables)
    assert not (tmp_path / evidence.FOLDER).exists()
