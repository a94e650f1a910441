"""What a `.dockerignore` leaves out, read as BuildKit reads it.

The rules are those of github.com/moby/patternmatcher (ignorefile.ReadAll, Pattern.compile and
MatchesUsingParentResults), oddities included: `**foo` is an ending, and what matches a folder holds
for all below it. docker-py's reading differs, below folders that are left out above all.
`tests/engine/test_contexts.py` compares with a real build. Pure.
"""

import posixpath
import re
from collections.abc import Callable

from jhub_docker.errors import UsageError

_Match = Callable[[str], bool]


class Ignore:
    """The patterns of one file; raises UsageError for one that BuildKit would refuse."""

    def __init__(self, text: str, place: str = ".dockerignore") -> None:
        """`place` is how messages call the file."""
        self._patterns: list[tuple[bool, _Match]] = []
        for line in text.removeprefix("\ufeff").split("\n"):
            pattern = line.strip()
            if not pattern or line.startswith("#"):
                continue
            brings_back = pattern.startswith("!")
            try:
                match = _compile(_clean(pattern.removeprefix("!").strip()))
            except re.error:
                raise UsageError(
                    f"{place}: the pattern {pattern!r} cannot be read; correct its brackets and "
                    "backslashes"
                ) from None
            self._patterns.append((brings_back, match))
        self._folders: dict[str, list[bool]] = {"": [False] * len(self._patterns)}

    def leaves_out(self, path: str) -> bool:
        """Whether the file at a path below the context, with slashes, is left out."""
        return self._judge(path)[0]

    def _judge(self, path: str) -> tuple[bool, list[bool]]:
        """Whether a path is left out, and which patterns hold for it and all below it."""
        folder = posixpath.dirname(path)
        if folder not in self._folders:
            self._folders[folder] = self._judge(folder)[1]
        out, holding = False, list(self._folders[folder])
        for position, (brings_back, match) in enumerate(self._patterns):
            if not holding[position] and brings_back == out:
                holding[position] = match(path)
            if holding[position]:
                out = not brings_back
        return out, holding


def _clean(pattern: str) -> str:
    if not pattern:
        raise re.error("`!` alone")
    cleaned = posixpath.normpath(pattern)
    return cleaned.lstrip("/") or cleaned


def _compile(pattern: str) -> _Match:
    kind, regex = "exact", ""
    parts = re.findall(r"\*\*/?|\\.|.", pattern, re.DOTALL)
    for position, part in enumerate(parts):
        if part.startswith("**"):
            if position + 1 < len(parts):
                kind, regex = "regex", f"{regex}(.*/)?"
            else:
                kind = "prefix" if kind == "exact" else "regex"
                regex += ".*"
            if position == 0:
                kind = "suffix"
        elif part in ("*", "?", "[", "]") or part.startswith("\\"):
            kind, regex = "regex", regex + {"*": "[^/]*", "?": "[^/]"}.get(part, part)
        else:
            regex += f"\\{part}" if part in ".+()|{}$" else part
    compiled = re.compile(regex)
    if kind == "prefix":
        return lambda path: path.startswith(pattern[:-2])
    if kind == "suffix":
        ending = pattern[2:]
        return lambda path: path.endswith(ending) or f"/{path}" == ending
    if kind == "regex":
        return lambda path: compiled.fullmatch(path) is not None
    return lambda path: path == pattern
