"""What is locked: `uv.lock` and `package-lock.json` read, refreshed, compared, judged."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from jhub_docker.errors import UsageError

Lock = TypeVar("Lock")


@dataclass
class Packages:
    """What is pinned: version by name, and which of that is asked for directly."""

    versions: dict[str, str] = field(default_factory=dict)
    direct: set[str] = field(default_factory=set)


def read(file: Path, tool: str, parse: Callable[[str], Lock]) -> Lock:
    """What a lock's text means; of one that is not there, what an empty text means.

    Raises UsageError for what is no lock.
    """
    try:
        return parse(file.read_text(encoding="utf-8") if file.exists() else "")
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{file} is not a lock that {tool} wrote ({error}); remove it and make it anew with "
            "./dev invoke lock"
        ) from None
