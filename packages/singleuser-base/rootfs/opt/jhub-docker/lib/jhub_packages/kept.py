"""What comes with the image is not uninstalled: pip and uv would take away the entry that stands
for it in one's own environment, and say that it is gone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from jhub_packages.environment import Own, normal

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
FILES = ("-r", "--requirement", "--requirements")
SHOWN = 3


def complaint(given: Sequence[str], own: Own) -> str:
    """What to say of a command of pip's or uv's, if it uninstalls a package of the image that one
    has put nothing on top of; empty where it does not.
    """
    if "uninstall" not in given:
        return ""
    image = own.from_image()
    asked = given[given.index("uninstall") + 1 :]
    kept = [name for name in _names(asked) if normal(name) in image]
    if not kept:
        return ""
    more = f" and {len(kept) - SHOWN} more" if len(kept) > SHOWN else ""
    come, they = ("comes", "it") if len(kept) == 1 else ("come", "they")
    return (
        f"{', '.join(kept[:SHOWN])}{more} {come} with the image, so {they} cannot be uninstalled, "
        "and nothing was: `my-packages` lists what you added, `my-packages reset` removes all of "
        "that."
    )


def _names(given: Sequence[str]) -> Iterator[str]:
    """The packages that are meant: words, and lines of files of requirements."""
    words = iter(given)
    for word in words:
        option, _, file = word.partition("=")
        if option in FILES:
            yield from _in_file(Path(file or next(words, "")))
        elif found := _NAME.match(word):
            yield found[0]


def _in_file(path: Path) -> Iterator[str]:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return  # whoever is asked says so
    yield from (found[0] for line in lines if (found := _NAME.match(line.strip())))
