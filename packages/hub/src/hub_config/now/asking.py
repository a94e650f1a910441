"""`python -m hub_config now`: what goes on, asked of the hub that runs in this container.

Who may run a program there is the platform's operator, and has no account: a word that the hub
makes at each start, in a file of this container's memory, stands for one. Standard library only.
"""

import http.client
import json
import secrets
import sys
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from hub_config import health

KEY_FILE = Path("/tmp/now-key")  # noqa: S108  a tmpfs of the container's own
KEY_HEADER = "X-Now-Key"

SECONDS = 60.0
"""What the answer may take: the engine may be slow, and figures of CPU need two looks."""


def make_key() -> None:
    """A word for this run of the hub."""
    KEY_FILE.unlink(missing_ok=True)
    KEY_FILE.touch(mode=0o600)
    KEY_FILE.write_text(secrets.token_hex(32), encoding="ascii")


def key() -> str:
    """The word; empty where the hub was not started as its image does."""
    return KEY_FILE.read_text(encoding="ascii") if KEY_FILE.exists() else ""


def print_now(arguments: Sequence[str]) -> int:
    """Print the hub's answer, JSON, sorted by the column that `arguments` may name.

    0 for an answer, 1 where there is none, 2 for an unknown column.
    """
    query = {"twice": "yes", **dict(zip(("sort",), arguments, strict=False))}
    try:
        url = urlsplit(health.checked())
        path = url.path.removesuffix("health") + "api/now?" + urlencode(query)
        connection = http.client.HTTPConnection(url.netloc, timeout=SECONDS)
        connection.request("GET", path, headers={KEY_HEADER: key()})
        answer = connection.getresponse()
        told = answer.read().decode()
    except (OSError, http.client.HTTPException) as error:
        print(f"The hub does not answer: {error}", file=sys.stderr)
        return 1
    if answer.status == HTTPStatus.OK:
        print(told)
        return 0
    print(said(told) or f"The hub answers {answer.status}.", file=sys.stderr)
    return 2 if answer.status == HTTPStatus.BAD_REQUEST else 1


def said(text: str) -> str:
    """The message in an error of the hub's API; empty for anything else."""
    try:
        return str(json.loads(text)["message"])
    except (ValueError, LookupError, TypeError):
        return ""
