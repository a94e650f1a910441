"""Build contexts: the files an image is built from, read, hashed, and laid out for BuildKit.

A file is in a context when the checkout has it and `.dockerignore` lets it through. What is hashed
is what BuildKit gets: contents, links as links, and of the mode the executable bit, as git keeps no
more. What differs from clone to clone (umask, owner, times, line endings) is the same in all
contexts, so the build id is too. A folder without files is in none, as in git.
"""

import hashlib
import os
import posixpath
import shutil
import stat
import tempfile
import time
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath

from jhub_docker.build import checkout
from jhub_docker.build.checkout import LINK, REPOSITORY, Checkout
from jhub_docker.build.ignore import Ignore
from jhub_docker.catalog import ImageSpec
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.oci.canonical import LATEST

FOLDER = Path(".dev/contexts")
"""Where contexts are laid out while they are built, below the checkout."""

LONGEST_BUILD = 24 * 3600
"""After so many seconds what is laid out is nobody's any more."""

_RULES = ".dockerignore"
"""What says which files are left out."""

_OTHERS = (_RULES, "Dockerfile.dockerignore")
"""In no context: BuildKit would obey them once more."""


@dataclass(frozen=True)
class File:
    """One file as BuildKit gets it: `kind` is `644`, `755` or `link`."""

    kind: str
    content: bytes

    @cached_property
    def sha256(self) -> str:
        """That of its content."""
        return _sha256(self.content)


@dataclass(frozen=True)
class Context:
    """What a package is built from: its files by their path below the folder, with slashes."""

    files: Mapping[str, File]

    @cached_property
    def hashes(self) -> dict[str, str]:
        """One hash for each file, of all that BuildKit gets of it."""
        return {
            path: _sha256(f"{file.kind} {file.sha256}".encode())
            for path, file in self.files.items()
        }


def read(specs: Iterable[ImageSpec]) -> dict[str, Context]:
    """The contexts of packages of one catalog, by name.

    Raises UsageError for what cannot be part of one, ActionError for what cannot be read.
    """
    folders = {spec.name: spec.folder for spec in specs}
    if not folders:
        return {}
    packages = next(iter(folders.values())).parent
    found = checkout.read(packages, [folder.name for folder in folders.values()])
    return {name: _context(folder, found) for name, folder in folders.items()}


def _context(folder: Path, found: Checkout) -> Context:
    ignore = _rules(folder, found)
    files: dict[str, File] = {}
    for path, mode in sorted(found.files[folder.name].items()):
        # BuildKit needs the Dockerfile whatever is said of it; the rules are obeyed here.
        if path != "Dockerfile" and (path in _OTHERS or ignore.leaves_out(path.rstrip("/"))):
            continue
        if (shown := os.fsencode(path).decode(errors="backslashreplace")) != path:
            raise UsageError(
                f"{folder.name}: the name {shown} is no UTF-8, and not all machines and builders "
                "can hold it; rename it, or leave it out in .dockerignore"
            )
        if mode == REPOSITORY or path.endswith("/"):
            raise UsageError(
                f"{folder.name}: {path} is a git repository inside this one, whose files git does "
                "not list; remove its .git, or leave it out in .dockerignore"
            )
        try:
            if any((folder / above).is_symlink() for above in PurePosixPath(path).parents[:-1]):
                continue  # git knows a folder where a link is now, and a link has no files
            file = _read(folder / path, link=mode == LINK and not found.links)
        except OSError as error:
            raise ActionError(
                f"{folder.name}: {path} cannot be read ({error.strerror}); mend its permissions or "
                "leave it out in .dockerignore"
            ) from None
        if file is None:
            continue
        if file.kind == "link":
            _require_inside(folder.name, path, file.content)
        elif mode and not found.modes:
            file = replace(file, kind=mode[-3:])
        if file.kind != "link" and f"{folder.name}/{path}" not in found.kept:
            file = replace(file, content=_unix_lines(file.content))
        files[path] = file
    _require_distinct(folder.name, files)
    return Context(files)


def _rules(folder: Path, found: Checkout) -> Ignore:
    """What leaves files out; raises UsageError for a link, which no builder reads alike."""
    file = _read(folder / _RULES)
    if file is None:
        return Ignore("")
    if file.kind == "link" or found.files[folder.name].get(_RULES) == LINK:
        raise UsageError(
            f"{folder.name}: {_RULES} is a link, which not all builders follow; put the file "
            "itself there"
        )
    return Ignore(os.fsdecode(file.content), f"{folder.name}/{_RULES}")


def _read(file: Path, *, link: bool = False) -> File | None:
    """A file as BuildKit gets it; None for what is gone, or is neither file nor link.

    With `link` it is one that the file system could not hold: git wrote its target into a file.
    """
    try:
        mode = file.lstat().st_mode
        if stat.S_ISLNK(mode):
            return File("link", os.fsencode(file.readlink()))
        if not stat.S_ISREG(mode):
            return None
        content = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None  # removed, and git has not been told yet
    return File("link" if link else "755" if mode & stat.S_IXUSR else "644", content)


def _unix_lines(content: bytes) -> bytes:
    """The content as git's `text=auto eol=lf` keeps it: what is text ends its lines with LF."""
    unix = content.replace(b"\r\n", b"\n") if b"\r\n" in content else content
    return content if b"\r" in unix or b"\0" in unix else unix


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _require_inside(package: str, path: str, target: bytes) -> None:
    """A relative link must not lead out of the folder: there is nothing there for BuildKit."""
    leads_to = posixpath.normpath(posixpath.join(posixpath.dirname(path), os.fsdecode(target)))
    if leads_to.split("/")[0] == "..":
        raise UsageError(
            f"{package}: the link {path} leads to {os.fsdecode(target)}, outside the package, "
            "where no build looks; copy the file, or begin the link with / for a place in the image"
        )


def _require_distinct(package: str, paths: Iterable[str]) -> None:
    """Paths that some file systems take for one would be other contexts there."""
    seen: dict[str, str] = {}
    for path in paths:
        for part in (path, *(one.as_posix() for one in Path(path).parents)):
            other = seen.setdefault(unicodedata.normalize("NFC", part).casefold(), part)
            if other != part:
                raise UsageError(
                    f"{package}: {other} and {part} differ in case only, and macOS and Windows "
                    "hold but one of them; rename one"
                )


@contextmanager
def laid_out(root: Path, contexts: Mapping[str, Context]) -> Iterator[dict[str, Path]]:
    """Folders with exactly these contexts, by name, for as long as they are needed.

    Builds at the same time have folders of their own; what a killed one left is removed by those
    of the next day.
    """
    (root / FOLDER).mkdir(parents=True, exist_ok=True)
    for left in (root / FOLDER).iterdir():
        with suppress(FileNotFoundError):
            if time.time() - left.stat().st_mtime > LONGEST_BUILD:
                shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=root / FOLDER) as place:
        places = {name: Path(place, name) for name in contexts}
        for name, context in contexts.items():
            _lay_out(context, places[name])
        yield places


def _lay_out(context: Context, place: Path) -> None:
    for path, file in context.files.items():
        target = place / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.kind == "link":
            target.symlink_to(os.fsdecode(file.content))
        else:
            target.write_bytes(file.content)
            target.chmod(int(file.kind, 8))
        _date(target, file.sha256)
    for folder, _, _ in os.walk(place):
        Path(folder).chmod(0o755)
        _date(Path(folder))


def _date(path: Path, sha256: str = "0") -> None:
    """Give a file or folder its time: the same second for all, in whatever checkout.

    BuildKit asks a client for a file anew only where size or time differ from what it has, so the
    nanoseconds follow from the content; layers do not hold them. A folder's time it never compares
    (fsutil, sameFile), so one may be that of a build; releases bring it to the same second.
    """
    moment = LATEST * 10**9 + int(sha256[:12], 16) % 10**9
    os.utime(path, ns=(moment, moment), follow_symlinks=False)
