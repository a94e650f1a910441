"""Whoever runs a platform: calls the tasks from a shell, with the platform's variables set."""

import os
import signal
import subprocess
import sys

from jhub_testing.platforms import Platform


class Operator:
    """Calls the tasks as a person does, with the platform's names in the environment."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    def invoke(
        self, *arguments: str, given: str = "", **variables: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run one task with `given` to read; its output and exit code are in the result."""
        return subprocess.run(
            [sys.executable, "-m", "invoke", *arguments],
            cwd=self.platform.root,
            env={**self.platform.environment, **variables},
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )


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
