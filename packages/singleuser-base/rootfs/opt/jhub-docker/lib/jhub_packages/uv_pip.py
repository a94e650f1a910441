"""`uv pip` without an environment of its own works on one's own packages; all else is uv's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

UV = "/usr/local/lib/uv/uv"
ELSEWHERE = ("-p", "--python", "-t", "--target", "--prefix")
"""Options that say which environment is meant."""
HERE = {"--system", "--user"}


def arguments(
    given: Sequence[str], environment: Mapping[str, str], cwd: Path, own: Path
) -> list[str] | None:
    """What to give to uv so that it works on `own`; None when another environment is meant.

    As uv looks for it: an option, an activated environment, a `.venv` in this folder or one above.
    `--system`, which in a notebook means "here", is ours too, and pip's `--user` with it.
    """
    if any(option.partition("=")[0] in ELSEWHERE for option in given):
        return None
    active = environment.get("VIRTUAL_ENV") or environment.get("CONDA_PREFIX")
    system = not HERE.isdisjoint(given)
    if not system:
        if active and Path(active) != own:
            return None
        if not active and any((folder / ".venv").exists() for folder in (cwd, *cwd.parents)):
            return None
    rest = [option for option in given if option not in HERE]
    command = next((at for at, option in enumerate(rest) if option == "pip"), None)
    if command is None or command + 1 >= len(rest) or rest[command + 1] not in CHANGES:
        return None
    return [*rest[: command + 2], "--python", str(own / "bin" / "python"), *rest[command + 2 :]]


CHANGES = ("install", "uninstall", "list", "freeze", "show", "check", "tree", "sync")
"""Commands of `uv pip` that work on an environment."""
