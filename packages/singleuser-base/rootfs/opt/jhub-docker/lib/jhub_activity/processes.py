"""The container's processes, and which of them mean that somebody's work is going on.

From `/proc` (proc_pid_stat(5)), so it holds for terminals of JupyterLab, VS Code and marimo alike.
"""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SHELLS = frozenset({"bash", "sh", "dash", "zsh", "fish", "ksh", "tcsh", "csh"})
"""They wait for the next command; what they run is a process of its own, or uses the CPU."""

WAITING = frozenset(
    {"less", "more", "man", "pager", "vi", "vim", "nvim", "nano", "emacs", "top", "htop", "ipython"}
    | {"tmux: client", "screen"}
)
"""Programs that do nothing but wait for the person in front of the terminal."""

AGENTS = frozenset({"ssh-agent", "gpg-agent", "dirmngr", "keyboxd", "dbus-daemon", "tmux: server"})
"""They serve others, in the background, for ever."""

HELPERS = ("multiprocessing", "loky", "jedi", "debugpy", "chrom", "/opt/code-server/")
"""In command lines of what programs start for themselves and leave waiting. When such a process
works, it computes, or what started it waits for it.
"""

STOPPED = frozenset("TtZX")
"""States of a process that does nothing until somebody does something to it, or is gone."""

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Process:
    """What `/proc/<pid>/stat` says.

    `session` is the pid of the session's leader, `terminal` the number of its terminal or 0, `cpu`
    the seconds it and its ended children computed, `parent` the pid of who started it.
    """

    pid: int
    name: str
    state: str
    session: int
    terminal: int
    cpu: float
    parent: int = 1


def parse(stat: str) -> Process:
    """One process; its name may hold blanks and parentheses."""
    pid, _, rest = stat.partition(" (")
    name, _, rest = rest.rpartition(") ")
    fields = rest.split()
    ticks = sum(int(field) for field in fields[11:15])
    session, terminal, parent = int(fields[3]), int(fields[4]), int(fields[1])
    return Process(int(pid), name, fields[0], session, terminal, ticks / _TICKS, parent)


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


def left_running(
    processes: Iterable[Process], server: int, kernels: Container[int]
) -> Iterator[Process]:
    """What somebody left running without a terminal (`nohup`, `&`, `subprocess.Popen`): it has
    outlived what started it, or a notebook's kernel (pids `kernels`) has.

    What the server (pid `server`) and its editors start else is theirs. Who has no parent in the
    container was sent in from outside, as the health check is.
    """
    by_pid = {process.pid: process for process in processes}
    for process in by_pid.values():
        if (
            process.terminal
            or process.pid in kernels
            or process.state in STOPPED
            or process.name in SHELLS | WAITING | AGENTS
        ):
            continue
        above = process
        while above.pid != server and above.pid not in kernels and above.parent in by_pid:
            if above.parent == 1:
                break
            above = by_pid[above.parent]
        if above.pid in kernels or (above.pid != server and above.parent == 1):
            yield process


def is_helper(command_line: Iterable[str]) -> bool:
    """Whether a program started this for itself."""
    return any(part in " ".join(command_line) for part in HELPERS)


def listens(pid: int, proc: Path = Path("/proc")) -> bool:
    """Whether a process serves others on a TCP port; False where that cannot be seen."""
    listening = set()
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (proc / "net" / table).read_text("ascii").splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A":
                    listening.add(f"socket:[{fields[9]}]")
    with suppress(OSError):
        return any(_target(entry) in listening for entry in (proc / str(pid) / "fd").iterdir())
    return False


def _target(entry: Path) -> str:
    try:
        return str(entry.readlink())
    except OSError:
        return ""


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
