"""Asks a person before something is done: the one place that does.

One policy. `--yes` says it beforehand, and a person at a terminal is asked. Where there is no
terminal, what deletes or publishes is refused, since nobody can take it back; what only adds to the
machine, such as an engine, is said and done, so that one command is enough on a fresh one.
"""

import getpass
import sys

from jhub_docker.errors import ActionError, UsageError
from jhub_docker.progress import say


def confirm(
    warning: str,
    question: str = "Go on?",
    refused: str = "nothing was changed",
    *,
    assume_yes: bool = False,
    adds: bool = False,
) -> None:
    """Say the warning and ask. A no raises ActionError with `refused`: what was not done.

    `adds` is for what takes nothing away; anything else raises UsageError without a terminal.
    """
    attended = sys.stdin is not None and sys.stdin.isatty()
    if assume_yes or attended or adds:
        say(warning)
    if assume_yes:
        return
    if not attended:
        if not adds:
            raise UsageError(f"{warning}\nThere is no terminal to ask at: say --yes to go on")
        say("There is no terminal to ask at, so it is done.")
        return
    try:
        answer = input(f"{question} [y/N] ")
    except EOFError:
        answer = ""
    if answer.strip().lower() not in ("y", "yes"):
        raise ActionError(refused)


def told_secret(question: str) -> str:
    """A secret from standard input; at a terminal it is asked for and not shown."""
    if sys.stdin is not None and sys.stdin.isatty():
        return getpass.getpass(question)
    return sys.stdin.read() if sys.stdin is not None else ""
