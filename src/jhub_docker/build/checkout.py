"""Which files the packages have: what git lists.

That is what is tracked, and what is not tracked and not ignored: an editor's swap file and
`__pycache__` are in no image. It is asked once for all packages.
"""

import os
import tempfile
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path

from jhub_docker import process
from jhub_docker.errors import ActionError, UsageError

LINK, REPOSITORY = "120000", "160000"
"""Modes of git's index: a symbolic link, and a repository inside this one."""


@dataclass(frozen=True)
class Checkout:
    """The files below `packages/`: by package, each path with git's mode, empty where it has none.

    `kept` are those, with their package, whose line endings git leaves alone. `modes` says whether
    the executable bits of the files can be believed, and `links` whether links are links: on a file
    system that cannot hold them git keeps both in its index alone.
    """

    files: Mapping[str, Mapping[str, str]]
    kept: Set[str] = frozenset()
    modes: bool = True
    links: bool = True


def read(packages: Path, names: list[str]) -> Checkout:
    """The files of the named packages.

    Raises ActionError where git or a folder cannot be read, UsageError for a repository of its own.
    """
    # Without the attributes of a person or a machine: other clones would not have them.
    shared = ("-c", f"core.attributesFile={os.devnull}", "ls-files", "-cost", "--exclude-standard")
    said = _git(packages, *shared, "--eol", "-z", "--", *names)
    listed: dict[str, dict[str, str]] = {name: {} for name in names}
    kept = set()
    for entry in said.split("\0"):
        status, about, mode = entry[:1], entry[2:], ""
        if status and status != "?":  # `H 100644 <object> 0<tab>`, before what all have
            mode, about = about[:6], about.partition("\t")[2]
        endings, _, path = about.partition("\t")  # `i/lf w/crlf attr/text=auto eol=lf<tab><path>`
        name, slash, inside = path.partition("/")
        if inside:
            listed[name][inside] = mode
            if endings.rstrip().endswith(("attr/-text", "eol=crlf")):
                kept.add(path)
        elif slash or mode == REPOSITORY:
            raise UsageError(
                f"{packages.name}/{name} is a git repository of its own, whose files git does not "
                "list from here; remove its .git, or copy its files into this repository"
            )
    bits = ("config", "--type=bool", "--get-regexp", r"^core\.(filemode|symlinks)$")
    told = dict(map(str.split, _git(packages, *bits).splitlines()))
    believed = (told.get(f"core.{k}") != "false" for k in ("filemode", "symlinks"))
    return Checkout(listed, kept, *believed)


def _git(packages: Path, *arguments: str) -> str:
    """What git prints. Where there is no repository, such as in a source archive, an empty one
    stands in for it: git then lists the files as those that it does not know yet.
    """
    # A hook's GIT_DIR would lead elsewhere. The owner does not matter to who builds from here.
    environment: dict[str, str | None] = {k: None for k in os.environ if k.startswith("GIT_")}
    environment |= {"LC_ALL": "C", "GIT_ATTR_NOSYSTEM": "1"}

    def ask(*options: str) -> process.Ended:
        git = ("git", "--literal-pathspecs", "-c", "safe.directory=*", "-C", packages)
        return process.run(*git, *options, *arguments, environment=environment)

    ended = ask()
    if "not a git repository" in ended.err:
        with tempfile.TemporaryDirectory() as empty:
            process.checked("git", "init", "--quiet", "--bare", empty, environment=environment)
            environment |= {"GIT_DIR": empty, "GIT_WORK_TREE": str(packages.parent.resolve())}
            ended = ask("-c", f"core.excludesFile={os.devnull}")
    said = ended.err.strip()
    # git goes on without a folder that it cannot open; 1 without a word is an empty answer.
    if "could not open directory" in said or ended.code > 1 or (ended.code and said):
        raise ActionError(f"git cannot list the files of {packages}: {said}")
    return os.fsdecode(ended.raw)
