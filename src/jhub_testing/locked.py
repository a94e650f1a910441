"""A database of a platform that somebody else has for themselves, as a copy under way would."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from jhub_testing.platforms import Platform

LOCK = """
import sqlite3, sys
opened = sqlite3.connect("/srv/jupyterhub/jupyterhub.sqlite", timeout=60, isolation_level=None)
opened.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


@contextmanager
def database_locked(platform: Platform) -> Iterator[None]:
    """Nobody else reads or writes it meanwhile."""
    hub = platform.container("hub").name or ""
    command = ["docker", "exec", "--interactive", hub, "python", "-c", LOCK]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "locked\n"
        try:
            yield
        finally:
            holder.communicate("")
