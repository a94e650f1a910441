"""What the documentation shows: its pages with their commands, links and paths.

For the tests that compare it with what exists. It reads Markdown as far as this project writes it
(fenced blocks, code spans, inline links, tables) and judges nothing.
"""

import re
import shlex
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"^`([\w.-]+)`\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`]+)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
_COMMAND = re.compile(r"(?:[A-Z_0-9]+=\S+ +)*\./dev +\S.*")
_PATH = re.compile(r"[\w.*<>-]+(/[\w.*<>-]*)*")
_SUFFIXES = (".lock", ".md", ".py", ".sh", ".toml", ".txt", ".yaml", ".yml")


@dataclass(frozen=True)
class Page:
    """One Markdown file; `name` is its path in the checkout."""

    name: str
    text: str

    @cached_property
    def prose(self) -> str:
        """The text without its fenced blocks."""
        return _FENCE.sub("", self.text)

    @property
    def spans(self) -> list[str]:
        """The code spans outside of fenced blocks, each on one line."""
        return [" ".join(span.split()) for span in _SPAN.findall(self.prose)]

    @property
    def commands(self) -> list[str]:
        """The `./dev …` commands shown in fenced blocks and code spans, without comments and
        where their output goes."""
        lines = [line for _, block in _FENCE.findall(self.text) for line in block.splitlines()]
        found = (_COMMAND.fullmatch(line.strip()) for line in [*lines, *self.spans])
        bare = (match.group().split("  #")[0].split(" # ")[0] for match in found if match)
        return [command.split(" > ")[0].strip() for command in bare]

    @property
    def files(self) -> dict[str, str]:
        """The files shown in full: a line with nothing but a name, and a block right below it."""
        return dict(_FILE.findall(self.text))

    @property
    def links(self) -> list[str]:
        """The targets of inline links, those to other sites left out."""
        # A regular expression in a code span can look like a link.
        prose = _SPAN.sub("code", self.prose)
        return [link for link in _LINK.findall(prose) if "://" not in link]

    @property
    def anchors(self) -> set[str]:
        """The fragments that links to this page's headings can have, as GitHub makes them."""
        words = (
            re.sub(r"[^\w\- ]", "", heading.lower()) for heading in _HEADING.findall(self.prose)
        )
        return {word.strip().replace(" ", "-") for word in words}

    @property
    def paths(self) -> list[str]:
        """The code spans that look like a relative path or a file's name; `<x>` as `*`."""
        return [
            re.sub(r"<[^>]*>", "*", span).removeprefix("./")
            for span in self.spans
            if _PATH.fullmatch(span) and ("/" in span or span.endswith(_SUFFIXES))
        ]

    def rows(self) -> list[list[str]]:
        """The cells of every table row, without the spaces around them."""
        lines = [line.strip() for line in self.prose.splitlines() if line.startswith("|")]
        return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def arguments(command: str) -> list[str]:
    """What follows `./dev` in a command as `Page.commands` gives it."""
    words = shlex.split(command)
    return words[words.index("./dev") + 1 :]


def tracked(root: Path) -> list[str]:
    """The files git knows or would take up."""
    listing = subprocess.run(
        ["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=True,
    )
    return [line for line in listing.stdout.splitlines() if (root / line).is_file()]


def pages(root: Path) -> list[Page]:
    """Every Markdown file of the checkout."""
    names = [name for name in tracked(root) if name.endswith(".md")]
    return [Page(name, (root / name).read_text(encoding="utf-8")) for name in names]
