"""Which files the packages have: what git lists, or without git what the folders hold.

Git lists what is tracked, and what is not tracked and not ignored: an editor's swap file and
`__pycache__` are in no image. It is asked once for all packages.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import NoReturn

from jhub_docker import process
from jhub_docker.errors import ActionError, UsageError

LINK, REPOSITORY = "120000", "160000"
"""Modes of git's index: a symbolic link, and a repository inside this one."""


@dataclass(frozen=True)
class Checkout:
    """The files below `packages/`: by package, each path with git's mode, empty where it has none.

    `modes` says whether the executable bits of the files can be believed, and `links` whether links
    are links: on a file system that cannot hold them git keeps both in its index alone.
    """

    files: Mapping[str, Mapping[str, str]]
    modes: bool = True
    links: bool = True


def read(packages: Path, names: list[str]) -> Checkout:
    """The files of the named packages.

    Raises ActionError where git or a folder cannot be read, UsageError for a repository of its own.
    """
    said = _git(packages, "ls-files", "-cost", "--exclude-standard", "-z", "--", *names)
    listed: dict[str, dict[str, str]] = {name: {} for name in names}
    for entry in (said or "").split("\0"):
        status, path = entry[:1], entry[2:]
        mode = ""
        if status and status != "?":  # `H 100644 <object> 0<tab><path>`
            mode, path = path[:6], path.partition("\t")[2]
        name, slash, inside = path.partition("/")
        if inside:
            listed[name][inside] = mode
        elif slash or mode == REPOSITORY:
            raise UsageError(
                f"{packages.name}/{name} is a git repository of its own, whose files git does not "
                "list from here; remove its .git, or copy its files into this repository"
            )
    bits = ("config", "--type=bool", "--get-regexp", r"^core\.(filemode|symlinks)$")
    told = ((_git(packages, *bits) or "") if said else "").splitlines()
    off = {key for key, value in dict(map(str.split, told)).items() if value == "false"}
    files = {name: found or _walk(packages / name) for name, found in listed.items()}
    return Checkout(files, "core.filemode" not in off, "core.symlinks" not in off)


def kept_as_they_are(folder: Path, paths: list[str]) -> set[str]:
    """Those of the files whose line endings git leaves alone, by all its `.gitattributes`.

    Without git those of the checkout and of the folder are read, for their plain patterns.
    """
    if not paths:
        return set()
    asked = "\0".join(paths)
    # Not those of a person or a machine: other clones would not have them.
    shared = ("-c", f"core.attributesFile={os.devnull}", "check-attr", "--stdin", "-z")
    said = _git(folder, *shared, "text", "eol", given=asked)
    if said is None:
        return {path for path in paths if _plainly_kept(folder, path)}
    words = said.split("\0")
    answers = zip(words[::3], words[1::3], words[2::3], strict=False)
    kept = {("text", "unset"), ("eol", "crlf")}
    return {path for path, attribute, value in answers if (attribute, value) in kept}


def _plainly_kept(folder: Path, path: str) -> bool:
    kept, answer = {"-text", "binary", "eol=crlf"}, False
    for place in (folder.parents[1], folder):
        file = place / ".gitattributes"
        for line in file.read_text(encoding="utf-8").splitlines() if file.is_file() else ():
            pattern, *attributes = line.split() or [""]
            if fnmatch(path, pattern) or fnmatch(path.rpartition("/")[2], pattern):
                answer = bool(kept & set(attributes))
    return answer


def _git(folder: Path, *arguments: str, given: str = "") -> str | None:
    """What git prints; None outside a checkout, without git, and where it has nothing to say."""
    # A hook's GIT_DIR would lead elsewhere. The owner does not matter to who builds from here.
    environment: dict[str, str | None] = {k: None for k in os.environ if k.startswith("GIT_")}
    try:
        ended = process.run(
            "git", "--literal-pathspecs", "-c", "safe.directory=*", "-C", folder, *arguments,
            environment={**environment, "LC_ALL": "C", "GIT_ATTR_NOSYSTEM": "1"}, given=given,
        )  # fmt: skip
    except process.MissingProgramError:
        return None
    said = ended.err.strip()
    if "not a git repository" in said or (ended.code == 1 and not said):
        return None
    if ended.code or "could not open directory" in said:  # git goes on without the folder
        raise ActionError(f"git cannot list the files of {folder}: {said}")
    return os.fsdecode(ended.raw)


def _walk(folder: Path) -> dict[str, str]:
    """All files of a folder that git does not know, but those it would ignore by their name."""
    ignore = folder.parents[1] / ".gitignore"
    lines = ignore.read_text(encoding="utf-8").splitlines() if ignore.is_file() else []
    patterns = [line.strip().rstrip("/") for line in lines if line.strip() and line[0] not in "#!"]

    def ignored(name: str) -> bool:
        return any(fnmatch(name, pattern) for pattern in patterns)

    found = {}
    for place, folders, names in os.walk(folder, onerror=_unreadable):
        links = [name for name in folders if Path(place, name).is_symlink()]
        folders[:] = [name for name in folders if not ignored(name)]
        for name in (*names, *links):
            if not ignored(name):
                found[Path(place, name).relative_to(folder).as_posix()] = ""
    return found


def _unreadable(error: OSError) -> NoReturn:
    raise ActionError(f"{error.filename} cannot be read ({error.strerror}); mend its permissions")
