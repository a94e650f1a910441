"""Invoke as this project wants it: one grammar for all tasks, one sentence for what goes wrong.

Whoever types `invoke` runs Invoke's own program, which loads `tasks.py`; from there on it is ours
(`take_over`). Wrong usage ends with 2, also where Invoke would end with 1 or in a traceback.
"""

import difflib
import io
import os
import re
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from inspect import Signature, signature
from itertools import count
from types import FrameType
from typing import Any

import invoke.main
from invoke.exceptions import Exit, ParseError
from invoke.parser.argument import Argument
from invoke.parser.context import ParserContext
from invoke.program import Program
from invoke.tasks import Task

from jhub_docker.errors import UsageError, foreseeable

LETTERS = {"dry-run": "n"} | {
    flag: flag[0]
    for flag in (
        *("base", "follow", "image", "json", "key", "only", "platform", "runs", "service"),
        *("tail", "upgrade", "yes"),
    )
}
"""The flags that have a letter; a letter is one flag's, whatever the task."""

MEANINGS = {
    "at": "A backup by its name in backup.list, or how its time begins (default: the newest).",
    "base": "Public bases or stand-ins: pull, standin, or auto (pull where possible; the default).",
    "dry-run": "Only say what would be done, and change nothing.",
    "hub": "Only the hub: database, secrets, settings.",
    "image": "An image by its folder's name; can be given several times (default: all).",
    "json": "Write it as JSON.",
    "key": "The public key to trust (default: cosign.pub of this checkout).",
    "key-file": "A file with the repository's key, on an engine that does not have it yet.",
    "of": "The platform that was backed up (default: this one).",
    "to": "The repository: a folder, s3:https://HOST/BUCKET or rest:https://HOST/PATH (default: "
    "JHUB_BACKUP_TO).",
    "yes": "Do not ask before an engine is set up, or something is replaced, deleted, published.",
}
"""What flags mean to which a task says nothing else."""


class Terminated(KeyboardInterrupt):
    """SIGTERM came, which by itself would end the process in the middle of anything."""


def be_interruptible() -> None:
    """Have both raise KeyboardInterrupt from here on, all but the second that comes: who starts a
    task may hand on what the terminal has sent here too, and impatience leaves things.
    """
    came = count(1)

    def interrupt(number: int, _frame: FrameType | None) -> None:
        if next(came) != 2:
            raise Terminated if number == signal.SIGTERM else KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)


class OurTask(Task[Any]):
    """A task whose flags have the letters of the table above and no others."""

    def argspec(self, body: Callable[..., Any]) -> Signature:
        """The parameters: none of them is Invoke's context, which no task of ours has a use for."""
        return signature(body)

    def __call__(self, _context: Any, *arguments: Any, **options: Any) -> Any:
        """Run it."""
        return self.body(*arguments, **options)

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        """The flags. Invoke uses their help up, and asks more than once."""
        kept = dict(self.help)
        try:
            return super().get_arguments(ignore_unknown_help)
        finally:
            self.help = kept

    def arg_opts(self, name: str, default: Any, taken_names: set[str]) -> dict[str, Any]:
        """What Invoke is told about one parameter."""
        self.auto_shortflags = False
        options: dict[str, Any] = super().arg_opts(name, default, taken_names)
        flag = options["names"][0].strip("-")
        if letter := LETTERS.get(flag):
            options["names"].append(letter)
        options.setdefault("help", MEANINGS.get(flag))
        return options


class OurProgram(Program):
    """Invoke's program with this project's grammar, from the tasks' arguments on."""

    def parse_tasks(self) -> None:
        """Parse the tasks and their arguments."""
        contexts = {
            str(name): context
            for context in self.collection.to_contexts()
            for name in (context.name, *context.aliases)
        }
        words = self.core.unparsed
        with _reported(contexts):
            if task := asked_for_help(words, contexts):
                # Whatever else is there or missing: positionals would swallow the flag.
                self.core[0].args.help.value = task
                words = []
            self.core.unparsed = with_images(words, contexts)
            super().parse_tasks()

    def parse_cleanup(self) -> None:
        """Show lists and help where they were asked for."""
        with _reported():
            super().parse_cleanup()

    def execute(self) -> None:
        """Run the tasks."""
        with _reported():
            be_interruptible()
            super().execute()


def take_over() -> None:
    """Have the program that loaded the tasks go on as ours; without one this does nothing.

    Its console script cannot be replaced, and so `invoke` means the same with and without `./dev`.
    """
    invoke.main.program.__class__ = OurProgram
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # for a terminal whose encoding has no …


@contextmanager
def _reported(tasks: Iterable[str] = ()) -> Iterator[None]:
    """Turn what can be foreseen into a sentence and an exit code; a bug keeps its traceback.

    The nearest of the `tasks` is proposed where a word is none, the task's nearest flag where that
    has no such one.
    """
    try:
        yield
    except ParseError as error:
        lacks = error.context.missing_positional_args if error.context else ()
        means = ", ".join(f"'{one.name}' ({str(one.help).rstrip('.')})" for one in lacks)
        said = _in_our_words(str(error), means)
        word = re.search(r"no task or flag '(.*?)'", said)
        of_task = [*error.context.flags, *error.context.inverse_flags] if error.context else []
        there = of_task if word and word[1].startswith("-") else list(tasks)
        near = difflib.get_close_matches(word[1], there, n=1) if word else []
        meant = f"; did you mean {near[0]!r}?" if near else ""
        raise Exit(f"error: {said}{meant}", code=2) from None
    except Exit as error:
        if error.message:  # Invoke's own, for a collection that there is not
            raise Exit(f"error: {_in_our_words(error.message)}", code=2) from None
        raise
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise Exit(code=1) from None
    except Terminated:
        raise Exit("terminated", code=143) from None
    except KeyboardInterrupt:
        raise Exit("interrupted", code=130) from None
    except Exception as error:
        if (known := foreseeable(error)) is None:
            raise
        raise Exit(f"error: {known}", code=known.exit_code) from None


def _in_our_words(said: str, lacks: str = "") -> str:
    """What Invoke says of wrong usage, as a sentence with what to do; `lacks` is what it lacks."""
    for pattern, words in (
        (r"No idea what (.*) is!", r"there is no task or flag \1"),
        (r"Sub-collection (.*) not found!", r"there are no tasks below \1"),
        (r"(\w+)\.\1\b", r"\1"),
        (r"'(.*)' did not receive required positional arguments: .*", r"\1 needs "),
    ):
        said = re.sub(pattern, words, said)
    return f"{said}{lacks}; `./dev invoke --list` shows the tasks, `--help` behind one its flags"


def asked_for_help(words: Sequence[str], contexts: Mapping[str, ParserContext]) -> str:
    """The task whose help is asked for: by `--help` behind it, or `-h` right behind its name."""
    for index, word in enumerate(words):
        asked = [name for name in words[:index] if name in contexts]
        if asked and (word == "--help" or (word == "-h" and words[index - 1] in contexts)):
            return asked[-1]
    return ""


def with_images(words: Sequence[str], contexts: Mapping[str, ParserContext]) -> list[str]:
    """The words with `--image` or `--service` before each that can only be one: `build uv-lab`.

    Invoke's own positionals are required and of one value, which these are not. Values are
    looked at on the way, since Invoke takes a list's missing one for an empty list and ends in a
    traceback where one is no number: raises UsageError.
    """
    found = []
    flags: Mapping[str, Argument] = {}
    name, awaits, takes = "", None, ""
    for word in words:
        if awaits:
            if word.partition("=")[0] in flags:
                break
            _require_number(name, awaits, word)
            awaits = None
        elif word.startswith("-"):
            name, equals, value = word.partition("=")
            flag = flags[name] if name in flags else None  # noqa: SIM401 - `get` knows no letters
            if flag and flag.takes_value and equals:
                _require_number(name, flag, value)
            elif flag and flag.takes_value:
                awaits = flag
            elif flag and equals:
                raise UsageError(f"{name} takes no value")
        elif word in contexts:
            flags = contexts[word].flags
            several = "--image" in flags and flags["--image"].kind is list
            takes = "--image" if several else "--service" * ("--service" in flags)
        elif takes:
            found.append(takes)
        found.append(word)
    if awaits:
        raise UsageError(f"{name} needs a value; `--help` behind the task says which")
    return found


def _require_number(name: str, flag: Argument, value: str) -> None:
    if flag.kind is int and not value.isdecimal():
        raise UsageError(f"{name} is {value!r}; expected a whole number from 0")
