"""Whoever runs a platform: calls the tasks from a shell, with the platform's variables set."""

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
