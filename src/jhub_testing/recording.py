"""Keeps evidence of integration tests that passed, for a release (`release/evidence.py`)."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from docker.errors import DockerException, ImageNotFound

from jhub_docker import engine
from jhub_docker.catalog import Catalog
from jhub_docker.catalog.identity import LABEL, short
from jhub_docker.errors import ActionError, JhubDockerError
from jhub_docker.nox import TEST_TAG
from jhub_docker.release import evidence
from jhub_docker.release.evidence import INTEGRATION
from jhub_testing.turns import Turns

_NARROWING = {
    "keyword": "-k",
    "markexpr": "-m",
    "deselect": "--deselect",
    "ignore": "--ignore",
    "ignore_glob": "--ignore-glob",
    "lf": "--last-failed",
    "stepwise": "--stepwise",
    "collectonly": "--collect-only",
    "setuponly": "--setup-only",
    "setupplan": "--setup-plan",
}
"""pytest's names of the options that leave tests out, or do not run them."""


_SEEN = "jhub-docker evidence"
"""Key of what a worker of pytest-xdist tells its controller."""


@dataclass(frozen=True)
class Run:
    """A test session as pytest saw it. `narrowed` are the options that leave tests out."""

    exit_status: int
    collected: int
    passed: int
    skipped: tuple[str, ...] = ()
    deselected: int = 0
    narrowed: tuple[str, ...] = ()


def refusal(run: Run) -> str | None:
    """Why a session is no evidence for its suite; None when it is. Pure."""
    if run.narrowed:
        return f"{', '.join(run.narrowed)} leaves tests out"
    if run.deselected:
        return f"{run.deselected} tests were deselected"
    if run.exit_status != pytest.ExitCode.OK:
        empty = run.exit_status == pytest.ExitCode.NO_TESTS_COLLECTED
        return "there were no tests" if empty else "not all tests passed"
    if run.passed + len(run.skipped) != run.collected or not run.passed:
        return f"{run.passed} of {run.collected} tests passed"
    return None


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def is_whole(config: pytest.Config) -> bool:
    """Whether a session is of the integration tests, and of all of them."""
    whole = config.rootpath / INTEGRATION
    given = [(config.invocation_params.dir / argument).resolve() for argument in config.args]
    return given == [whole]


def build_ids(catalog: Catalog, names: Sequence[str], tag: str) -> dict[str, str]:
    """The build ids of the images with this tag.

    Raises ActionError for an image that is not the one the engine keeps under the build id it
    claims: one derived from it inherits its labels.
    """
    client = engine.client()
    found = {}
    for name in names:
        repository = catalog[name].repository
        try:
            image = client.images.get(f"{repository}:{tag}")
            build_id = image.labels.get(f"{LABEL}.build-id", "")
            own = client.images.get(f"{repository}:{short(build_id) or 'none'}")
        except ImageNotFound as error:
            raise ActionError(f"{repository}:{tag}: {error.explanation}") from None
        if own.id != image.id or image.labels.get(f"{LABEL}.package") != name:
            raise ActionError(f"{repository}:{tag} is not the image with the build id it claims")
        found[name] = build_id
    return found


class Recorder:
    """Follows one session and writes its evidence, or says why it is none.

    With pytest-xdist the workers collect and run, and tell the controller what they left out; it
    sees every test's outcome and writes.
    """

    def __init__(self, root: Path, catalog: Catalog) -> None:
        """Its images are tested as JHUB_TEST_TAG says."""
        self._root, self._catalog = root, catalog
        self._collected = self._deselected = 0
        self._passed: set[str] = set()
        self._skipped: set[str] = set()
        self._before: Mapping[str, str] | str = {}
        self._told = ""

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Count what `-k` and the like left out."""
        self._deselected += len(items)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A module may skip itself as a whole."""
        if report.skipped:
            self._skipped.add(report.nodeid)
            self._collected += 1

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """See which images are about to be tested."""
        if not _is_worker(session.config):
            self._before = self._identify()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Count what was found."""
        self._collected += len(session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take over what a worker saw; all of them collect the same."""
        collected, deselected, skipped = node.workeroutput[_SEEN]
        self._collected = max(self._collected, collected)
        self._deselected = max(self._deselected, deselected)
        self._skipped.update(skipped)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note each test's outcome; what was expected to fail has not passed."""
        if report.when == "call" and report.passed and not hasattr(report, "wasxfail"):
            self._passed.add(report.nodeid)
        elif report.skipped and not hasattr(report, "wasxfail"):
            self._skipped.add(report.nodeid)

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write the evidence where everything fits."""
        if _is_worker(session.config):
            seen = [self._collected, self._deselected, sorted(self._skipped)]
            session.config.workeroutput[_SEEN] = seen  # type: ignore[attr-defined]
            return
        options = session.config.option
        run = Run(
            exit_status=int(exitstatus),
            collected=self._collected,
            passed=len(self._passed),
            skipped=tuple(sorted(self._skipped)),
            deselected=self._deselected,
            narrowed=tuple(
                flag for name, flag in _NARROWING.items() if getattr(options, name, None)
            ),
        )
        reason = refusal(run)
        if reason is None and (self._before != (after := self._identify())):
            reason = f"the images changed meanwhile ({self._before} -> {after})"
        if reason is None and isinstance(self._before, str):
            reason = self._before
        if reason is not None or isinstance(self._before, str):
            self._told = f"no evidence for a release: {reason}"
            return
        evidence.write(self._root, self._before)
        listed = ", ".join(f"{name} {short(one)}" for name, one in self._before.items())
        self._told = f"evidence for a release: the tests passed for {listed}"

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what was recorded, or why nothing was."""
        if self._told:
            terminalreporter.write_line(self._told)

    def _identify(self) -> Mapping[str, str] | str:
        """The build ids, or why they cannot be told."""
        tag = os.environ.get(TEST_TAG, "latest")
        names = [spec.name for spec in self._catalog.published]
        try:
            with Turns.of(self._root).beside_others():
                return build_ids(self._catalog, names, tag)
        except (JhubDockerError, DockerException) as error:
            return str(error)
