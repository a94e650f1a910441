"""What the Nox sessions run of pytest's tests."""

import importlib.util
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nox.registry
import pytest

from jhub_testing import prepare

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def sessions() -> Any:
    """The noxfile as a module."""
    spec = importlib.util.spec_from_file_location("noxfile_under_test", ROOT / "noxfile.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "typed",
    [["integration/test_ldap.py"], ["-x", "tests/test_cache.py::b[x/y]", "-q"], ["tests/oci"]],
)
def test_files_that_are_named_run_alone(sessions: Any, typed: list[str]) -> None:
    assert ran(sessions, typed) == typed


@pytest.mark.parametrize(
    "typed", [[], ["-k", "integration", "-x"], ["--ignore=integration/test_ldap.py"], ["-k", "a/b"]]
)
def test_options_leave_the_sessions_own_tests(sessions: Any, typed: list[str]) -> None:
    assert ran(sessions, typed) == ["integration", *typed]


def test_a_ci_runs_every_session_but_those_that_are_asked_for(sessions: Any) -> None:
    run = (ROOT / ".ci/run").read_text().split()
    asked_for = {name for name, one in nox.registry.get().items() if not one.default}
    engine = {name for name, one in nox.registry.get().items() if "engine" in one.tags}
    fast = {name for name, one in nox.registry.get().items() if "fast" in one.tags}
    assert engine | fast | asked_for == set(nox.registry.get())
    assert engine <= set(run)
    assert "-t fast" in " ".join(run)


def ran(sessions: Any, typed: list[str]) -> list[str]:
    words: list[str] = []
    session = SimpleNamespace(
        name="integration", posargs=typed, env={}, run=lambda *given: words.extend(given)
    )
    sessions.pytest(session, tests="integration")
    assert words[0] == "pytest"
    return words[2:]


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        ("#!/bin/sh\necho 'refused' >&2; exit 1\n", "no cluster to install the chart on: refused"),
        ("", "the program kubectl is needed here"),
    ],
    ids=["away", "no-kubectl"],
)
def test_a_session_without_a_cluster_says_so(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    program: str,
    sentence: str,
) -> None:
    if program:
        (tmp_path / "kubectl").write_text(program)
        (tmp_path / "kubectl").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit) as ended:
        prepare.main(["--cluster"])
    assert ended.value.code == 1
    assert sentence in capsys.readouterr().err
