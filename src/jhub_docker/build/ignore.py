"""What a `.dockerignore` leaves out, for patterns that all builders read alike. Pure.

A pattern holds for what it matches and for all below; the last one that holds counts. `*` and `?`
stay in their folder, `**` stands for any folders. What BuildKit knows besides, such as classes of
characters, is refused. `tests/engine/test_contexts.py` compares with a real build.
"""

import posixpath
import re

from jhub_docker.errors import UsageError


class Ignore:
    """The patterns of one file; raises UsageError for one that is not known here."""

    def __init__(self, text: str, place: str = ".dockerignore") -> None:
        """`place` is how messages call the file."""
        self._patterns: list[tuple[bool, re.Pattern[str]]] = []
        for line in text.removeprefix("\ufeff").split("\n"):
            pattern = line.strip()
            if pattern and not line.startswith("#"):
                parts = posixpath.normpath(pattern.removeprefix("!").strip()).strip("/").split("/")
                odd = any("**" in part and part != "**" for part in parts) or parts == ["."]
                if odd or re.search(r"[\[\]\\]", pattern):
                    raise UsageError(
                        f"{place}: the pattern {pattern!r} cannot be read; expected a path, in "
                        "which * and ? stand for any of its signs and ** for any folders"
                    )
                self._patterns.append((pattern.startswith("!"), _compile(parts)))

    def leaves_out(self, path: str) -> bool:
        """Whether the file at a path below the context, with slashes, is left out."""
        holding = (back for back, regex in reversed(self._patterns) if regex.fullmatch(path))
        return not next(holding, True)


def _compile(parts: list[str]) -> re.Pattern[str]:
    signs = {"*": "[^/]*", "?": "[^/]"}
    *folders, last = ("".join(signs.get(sign, re.escape(sign)) for sign in one) for one in parts)
    above = "".join("(.*/)?" if one == "[^/]*" * 2 else f"{one}/" for one in folders)
    return re.compile(above + (".*" if last == "[^/]*" * 2 else f"{last}(/.*)?"), re.DOTALL)
