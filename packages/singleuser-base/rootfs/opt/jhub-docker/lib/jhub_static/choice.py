"""Which of the files that lie beside each other is sent, and for how long it is kept. Pure."""

from __future__ import annotations

import re

CODINGS = {"br": ".br", "gzip": ".gz"}
"""Endings by the name of the coding (RFC 9110, 8.4.1), the smaller first."""

YEAR = "public, max-age=31536000, immutable"

_HASHED = re.compile(r"(?:^|[.-])[0-9a-f]{16,}\.|-(?=[a-z]*[^a-z.])[\w-]{8}\.[a-z0-9]+$")
"""Names as webpack (JupyterLab) and Vite (marimo) make them. One of Vite's that has small letters
alone (1 of 1,500) cannot be told from a word, as in `favicon-notebook.ico`.
"""


def accepted(header: str) -> list[str]:
    """The codings of `CODINGS` that a request accepts, the smaller first."""
    wanted = {}
    for part in header.lower().split(","):
        name, _, weight = part.partition(";")
        wanted[name.strip()] = weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return [name for name in CODINGS if wanted.get(name, wanted.get("*", False))]


def is_hashed(name: str) -> bool:
    """Whether the content of a file of that name can never be another."""
    return bool(_HASHED.search(name))
