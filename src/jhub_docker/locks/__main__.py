"""Check every lock file, for the Nox session of that name: `python -m jhub_docker.locks`."""

import sys
from pathlib import Path

from jhub_docker.catalog import load
from jhub_docker.errors import UsageError, or_exit
from jhub_docker.locks import refresh


def main(root: Path) -> int:
    """Check the lock files of all packages and of the tools; returns the exit code."""
    with or_exit():
        catalog = load(root / "packages")
        refresh.require_current(catalog.specs.values())
        refresh.require_agreement(catalog)
        if not refresh.is_current(root):
            raise UsageError("out of date: uv.lock; refresh with ./dev uv lock")
        refresh.require_installable(catalog.specs.values())
    specs = [spec for spec in catalog.specs.values() if spec.has_lock]
    platforms = ", ".join(sorted({one for spec in specs for one in spec.platforms}))
    print(f"{len(specs) + 1} lock files are current and can be installed on {platforms}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path.cwd()))
