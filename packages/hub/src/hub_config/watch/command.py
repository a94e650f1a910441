"""`python -m hub_config audit …`: what `invoke audit-log` and the operator's tasks run, also while
the hub is down. It reads and writes the files alone; whoever writes waits for whoever is at it.

    audit show [--user NAME] [--what KIND] [--since TIME] [--until TIME] [--tail N]
    audit verify [--noted NUMBER:HASH]
    audit write WHAT [--on NAME] [--who WHO] [--result RESULT] [--more JSON]
"""

import argparse
import json
import os
import sys
from collections import deque
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from hub_config.audit import chain, journal
from hub_config.audit.chain import Link
from hub_config.audit.journal import Journal
from hub_config.watch import filters, kinds
from hub_config.watch.filters import Wanted


def main(arguments: Sequence[str], folder: Path) -> int:
    """Run one of them; returns the exit code: 0 done, 1 broken or not written, 2 wrong usage."""
    try:
        options = _parser().parse_args(arguments)
        match options.command:
            case "show":
                return _show(folder, options)
            case "verify":
                return _verify(folder, _noted(options.noted))
            case _:
                more = json.loads(options.more)
                return write(
                    folder,
                    options.what,
                    on=options.on,
                    who=options.who,
                    result=options.result,
                    **more,
                )
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"The audit log cannot be read: {error.strerror}", file=sys.stderr)
        return 1


def write(folder: Path, what: str, *, who: str = "", on: str = "", **more: object) -> int:
    """Write one entry; returns the exit code, 1 with a sentence when it cannot be written.

    It is of whoever called the task, by the name that the task says their machine knows them by.
    """
    who = who or f"operator {os.environ.get('OPERATOR', '')}".strip()
    log, more = Journal(folder), {key: value for key, value in more.items() if value}
    try:
        log.append([{**log.entry(what), "who": who, "on": on, "from": "this machine", **more}])
    except OSError as error:
        print(f"The audit log cannot be written: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="audit")
    commands = parser.add_subparsers(dest="command", required=True)
    show = commands.add_parser("show")
    for name in ("user", "what", "since", "until"):
        show.add_argument(f"--{name}", default="")
    show.add_argument("--tail", type=int, default=0)
    commands.add_parser("verify").add_argument("--noted", default="")
    one = commands.add_parser("write")
    one.add_argument("what")
    one.add_argument("--on", default="")
    one.add_argument("--who", default="")
    one.add_argument("--result", default="ok")
    one.add_argument("--more", default="{}")
    return parser


def _show(folder: Path, options: argparse.Namespace) -> int:
    """Print what is wanted as lines of JSON, the oldest first; ValueError for what is nobody's or
    nothing's name."""
    area, dot, _ = options.what.strip().partition(".")
    if not any(known == area if dot else known.startswith(area) for known in kinds.AREAS):
        known = ", ".join(sorted(kinds.AREAS))
        raise ValueError(f"{options.what!r} is no kind of entry; their names begin with: {known}.")
    wish = filters.wanted(options.user, options.what, options.since, options.until)
    entries = filters.found(folder, wish)
    newest = deque(islice(entries, options.tail) if options.tail else entries)
    if not newest and wish.person and not any(filters.found(folder, Wanted(wish.person))):
        raise ValueError(f"nobody is called {wish.person!r} in any entry of the audit log.")
    for entry in reversed(newest):
        print(json.dumps(entry, ensure_ascii=False))
    return 0


def _noted(text: str) -> Link | None:
    if not text:
        return None
    number, _, digest = text.partition(":")
    if not number.isdecimal() or len(digest) != len(chain.START.hash):
        raise ValueError(f"{text!r} is not what an earlier verification said: NUMBER:HASH.")
    return Link(int(number), digest)


def _verify(folder: Path, noted: Link | None) -> int:
    """Print what came of it as JSON."""
    with Journal(folder).alone():
        verdict = chain.verify(journal.lines(folder), noted)
    told = {"entries": verdict.lines, "last": str(verdict.last), "broken": verdict.broken}
    print(json.dumps(told))
    return 1 if verdict.broken else 0
