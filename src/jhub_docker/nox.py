"""Call Nox for a verification. Tasks may call Nox; Nox never calls a task."""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from jhub_docker.errors import ActionError


def run(root: Path, sessions: Iterable[str]) -> None:
    """Run the named Nox sessions, raising ActionError when one of them fails."""
    command = [sys.executable, "-m", "nox", "--noxfile", str(root / "noxfile.py"), "--sessions"]
    result = subprocess.run([*command, *sessions], cwd=root, check=False)
    if result.returncode:
        raise ActionError("some tests failed; Nox's report above says which")
