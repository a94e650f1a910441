"""Call Nox for a verification. Tasks may call Nox; Nox never calls a task."""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from jhub_docker import process
from jhub_docker.errors import ActionError

TEST_TAG = "JHUB_TEST_TAG"
"""Environment variable: the tag of the images to test. With it nothing is built for the tests."""


def run(root: Path, sessions: Iterable[str], environment: Mapping[str, str] | None = None) -> None:
    """Run the named Nox sessions, with these variables in their environment."""
    command = [sys.executable, "-m", "nox", "--noxfile", str(root / "noxfile.py"), "--sessions"]
    if process.show(*command, *sessions, cwd=root, environment=environment):
        raise ActionError("some tests failed; Nox's report above says which")
