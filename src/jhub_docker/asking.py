"""Asks a person before something that cannot be taken back."""

import sys

from jhub_docker.errors import ActionError, UsageError


def confirm(warning: str, question: str, refused: str, *, assume_yes: bool = False) -> None:
    """Show the warning and ask. Raises UsageError where there is nobody to ask.

    A no raises ActionError with `refused`, which says what was not done.
    """
    if assume_yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{warning}\nThere is no terminal to ask at: say --yes to go on")
    print(warning, file=sys.stderr)
    if input(f"{question} [y/N] ").strip().lower() not in ("y", "yes"):
        raise ActionError(refused)
