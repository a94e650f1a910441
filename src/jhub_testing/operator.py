"""Whoever runs a platform: calls the tasks from a shell, with the platform's variables set."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from jhub_testing.platforms import Platform

ROOT = Path(__file__).parents[2]


def invoke(
    *words: str,
    cwd: Path = ROOT,
    given: str = "",
    environment: Mapping[str, str] | None = None,
    **variables: str,
) -> "subprocess.CompletedProcess[str]":
    """Run a task with `given` to read, and `variables` beside the environment that there is."""
    return subprocess.run(
        [sys.executable, "-m", "invoke", *words],
        cwd=cwd,
        env={**(os.environ if environment is None else environment), **variables},
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )


class Operator:
    """Calls the tasks as a person does, with the platform's names in the environment."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    def invoke(
        self, *arguments: str, given: str = "", **variables: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run one task with `given` to read; its output and exit code are in the result."""
        environment = {**self.platform.environment, **variables}
        return invoke(*arguments, cwd=self.platform.root, given=given, environment=environment)


def begun(platform: Platform, *words: str, **variables: str) -> "subprocess.Popen[str]":
    """Start a task in a process group of its own, as a terminal does."""
    return subprocess.Popen(
        [sys.executable, "-m", "invoke", *words],
        cwd=platform.root,
        env={**platform.environment, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def killed_at(platform: Platform, words: str, *task: str) -> None:
    """Start a task, and kill it when it says these words."""
    said = []
    with begun(platform, *task) as started:
        assert started.stderr
        for line in started.stderr:
            said.append(line)
            if words in line:
                os.killpg(started.pid, signal.SIGKILL)
                return
    raise AssertionError(f"it never said {words!r}:\n{''.join(said)}")
