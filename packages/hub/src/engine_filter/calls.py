"""What rules get and give: a call, what the engine knows, what is passed on, how one says no."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from engine_filter.policy import Policy


class Refused(Exception):  # noqa: N818  it is an answer, not a fault of this program
    """A call the hub does not need; the message names the rule. Answered with 403."""


class MissingError(Exception):
    """The engine has no such object; answered with 404 and the engine's own message."""


Record = Mapping[str, Any]
"""What the engine says about one object, as its inspect calls answer."""


Kind = Literal["containers", "images", "networks", "volumes", "nodes", "services"]


class Engine(Protocol):
    """Looks objects up. Each call raises MissingError when there is no such object."""

    async def info(self) -> Record:
        """GET /info."""

    async def one(self, kind: Kind, name: str) -> Record:
        """GET /{kind}/{name}; what containers and images are is below `/json`."""


@dataclass(frozen=True)
class Call:
    """One request of the hub, in plain form; `name` is the object its path names."""

    path: str
    name: str
    query: dict[str, str]
    body: dict[str, Any]
    policy: Policy
    engine: Engine


@dataclass(frozen=True)
class Forward:
    """Pass this on to the engine; `body` None means none."""

    path: str
    query: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] | None = None
    endless: bool = False
    """Whether the answer may go on for as long as the caller listens."""
    headers: tuple[str, ...] = ()
    """Headers of the hub's request that go on to the engine; all others end here."""


@dataclass(frozen=True)
class Answer:
    """Answer with what the engine told the rule already."""

    record: Record
