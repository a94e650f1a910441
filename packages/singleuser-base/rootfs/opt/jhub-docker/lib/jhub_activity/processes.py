"""The container's processes, and which of them mean that somebody's work is going on.

From `/proc` (proc_pid_stat(5)), so it holds for terminals of JupyterLab, VS Code and marimo alike.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

SHELLS = frozenset({"bash", "sh", "dash", "zsh", "fish", "ksh", "tcsh", "csh"})
"""They wait for the next command; what they run is a process of its own, or uses the CPU."""

WAITING = frozenset(
    {"less", "more", "man", "pager", "vi", "vim", "nvim", "nano", "emacs", "top", "htop", "ipython"}
    | {"tmux: client", "screen"}
)
"""Programs that do nothing but wait for the person in front of the terminal."""

STOPPED = frozenset("TtZX")
"""States of a process that does nothing until somebody does something to it, or is gone."""

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Process:
    """What `/proc/<pid>/stat` says.

    `session` is the pid of the session's leader, `terminal` the number of its terminal or 0, `cpu`
    the seconds it and its ended children computed.
    """

    pid: int
    name: str
    state: str
    session: int
    terminal: int
    cpu: float


def parse(stat: str) -> Process:
    """One process; its name may hold blanks and parentheses."""
    pid, _, rest = stat.partition(" (")
    name, _, rest = rest.rpartition(") ")
    fields = rest.split()
    ticks = sum(int(field) for field in fields[11:15])
    return Process(int(pid), name, fields[0], int(fields[3]), int(fields[4]), ticks / _TICKS)


def read_all(proc: Path = Path("/proc")) -> list[Process]:
    """All processes of the container; those that end meanwhile are left out."""
    return list(_read_all(proc))


def _read_all(proc: Path) -> Iterator[Process]:
    for entry in proc.iterdir():
        if entry.name.isdigit():
            try:
                yield parse((entry / "stat").read_text(errors="replace"))
            except (OSError, ValueError, IndexError):
                continue


def command(pid: int, proc: Path = Path("/proc")) -> list[str]:
    """The command line of a process; empty when it ended."""
    try:
        line = (proc / str(pid) / "cmdline").read_bytes()
    except OSError:
        return []
    return [part.decode(errors="replace") for part in line.split(b"\0") if part]


def jobs(processes: Iterable[Process]) -> list[Process]:
    """What runs in terminals, in the foreground or not, whether it uses the CPU or waits.

    A shell at its prompt is none, nor what is stopped or only waits for the person.
    """
    return [
        process
        for process in processes
        if process.terminal
        and process.state not in STOPPED
        and process.name not in SHELLS | WAITING
    ]


def is_prompt(command_line: Iterable[str]) -> bool:
    """Whether this is an interpreter waiting at its own prompt: `python`, without a program."""
    program, *arguments = [*command_line] or [""]
    name = program.rpartition("/")[2]
    if not name.startswith(("python", "ipython", "R", "julia", "node")):
        return False
    return all(argument.startswith("-") and argument not in ("-c", "-m") for argument in arguments)


def cpu_seconds(processes: Iterable[Process], without: int) -> float:
    """What all processes but `without` have computed so far."""
    return sum(process.cpu for process in processes if process.pid != without)
