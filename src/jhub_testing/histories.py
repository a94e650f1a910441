"""What people did and were answered, and what must be true of it afterwards, as Jepsen's checkers
do it: pure functions over a history, each a list of sentences that is empty when all is well.

Who does these things, and what goes wrong meanwhile, is in `integration/drills/`.
"""

import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

Files = Mapping[str, str]
"""What is in somebody's folder: the text of each file."""


class Outcome(Enum):
    """How something ended for who did it."""

    DONE = "done"
    REFUSED = "refused"
    """There was an answer, which was not that it is done."""
    UNANSWERED = "unanswered"
    """It may be done or not: the connection broke, or nobody had the patience."""


@dataclass(frozen=True)
class Event:
    """One thing that one person did: `what` in a word or two, between two moments in seconds.

    `value` is what was written or read, in the file `file`; `told` is what an answer said in words.
    """

    person: str
    what: str
    begun: float
    ended: float
    outcome: Outcome
    file: str = ""
    value: str = ""
    told: str = ""


@dataclass(frozen=True)
class Answer:
    """What somebody got: whether it is done, and what was said. None as `done`: no answer."""

    done: bool | None
    told: str = ""
    value: str = ""


class History:
    """All events in the order in which they ended; many threads write it."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._lock = threading.Lock()

    def record(
        self, person: str, what: str, act: Callable[[], Answer], file: str = "", value: str = ""
    ) -> Event:
        """Do it, and write down how it went."""
        begun = now()
        answer = act()
        outcome = {True: Outcome.DONE, False: Outcome.REFUSED, None: Outcome.UNANSWERED}
        event = Event(
            person,
            what,
            begun,
            now(),
            outcome[answer.done],
            file,
            value or answer.value,
            answer.told,
        )
        with self._lock:
            self._events.append(event)
        return event

    def since(self, moment: float = 0.0) -> tuple[Event, ...]:
        """What was begun after a moment."""
        with self._lock:
            return tuple(event for event in self._events if event.begun >= moment)


def now() -> float:
    """The clock of all histories: it knows no hour that is put off."""
    return time.monotonic()


WRITE, READ = "write", "read"


def lost_writes(history: Iterable[Event], found: Mapping[str, Files]) -> list[str]:
    """Every write that was acknowledged is there: the last one of each file, or one that was tried
    after it. One that nobody answered may come at any later time, also after that.
    """
    wrong = []
    for (person, file), writes in _writes(history).items():
        done = [place for place, one in enumerate(writes) if one.outcome is Outcome.DONE]
        if not done:
            continue
        last = writes[done[-1]]
        late = (one for one in writes if one.outcome is Outcome.UNANSWERED)
        possible = {one.value for one in (*writes[done[-1] :], *late)}
        there = found.get(person, {}).get(file)
        if there is None:
            wrong.append(f"{person}'s {file} is gone, which was acknowledged: {last.value!r}")
        elif there not in possible:
            wrong.append(f"{person}'s {file} is {there!r}, but {last.value!r} was acknowledged")
    return wrong


def _writes(history: Iterable[Event]) -> dict[tuple[str, str], list[Event]]:
    writes: dict[tuple[str, str], list[Event]] = {}
    for event in sorted(history, key=lambda one: one.begun):
        if event.what == WRITE:
            writes.setdefault((event.person, event.file), []).append(event)
    return writes


def strangers(history: Iterable[Event], found: Mapping[str, Files]) -> list[str]:
    """Nobody is given somebody else's home: all they read there and all that is there begins with
    their own name.
    """
    read = [(event.person, event.file, event.value) for event in history if event.what == READ]
    there = [(who, file, text) for who, files in found.items() for file, text in files.items()]
    return [
        f"{person} has somebody else's {file}: {text!r}"
        for person, file, text in (*read, *there)
        if text and not text.startswith(f"{person} ")
    ]


@dataclass(frozen=True)
class Running:
    """A server's container: its person, its limits in the engine, the owner of what it mounts."""

    name: str
    user: str
    memory: int
    cpus: float
    homes: tuple[str, ...] = ()


def unkept_promises(promised: Sequence[Mapping[str, Any]], running: Iterable[Running]) -> list[str]:
    """What the hub takes for admitted is what runs, with that memory and those CPUs."""
    admitted = {one["container"]: (one["memory"], one["cpus"]) for one in promised}
    there = {one.name: (one.memory, one.cpus) for one in running}
    return [
        *(f"{name} is promised and does not run" for name in admitted.keys() - there),
        *(f"{name} runs and is not promised" for name in there.keys() - admitted),
        *(
            f"{name} has {there[name]}, promised are {admitted[name]}"
            for name in sorted(admitted.keys() & there)
            if there[name] != admitted[name]
        ),
    ]


def foreign_homes(running: Iterable[Running]) -> list[str]:
    """Every server has mounted its own person's home and nobody else's."""
    return [
        f"{one.name} of {one.user} has the homes of {', '.join(one.homes) or 'nobody'}"
        for one in running
        if set(one.homes) != {one.user}
    ]


def unnamed_failures(history: Iterable[Event]) -> list[str]:
    """Whoever was refused something was told why in words. What nobody answered has none: there the
    browser speaks.
    """
    return [
        f"{one.person} was told {one.told[:300]!r} about: {one.what}"
        for one in history
        if one.outcome is Outcome.REFUSED and not sentence(one.told)
    ]


_WORD = re.compile(r"[^\W\d_]{2,}")
_INSIDE = re.compile(r"Traceback|^\s*at .*:\d+:\d+", re.MULTILINE)


def sentence(told: str) -> str:
    """The first line that a person can make something of; empty when none is one."""
    if _INSIDE.search(told):
        return ""
    lines = (" ".join(line.split()) for line in told.splitlines())
    return next((line for line in lines if len(_WORD.findall(line)) >= ENOUGH), "")


ENOUGH = 5
"""Words below which it is a status ("Service Unavailable") and no sentence."""


def sayings(history: Iterable[Event]) -> list[str]:
    """What people were told when they were refused, the most frequent first; names left out."""
    counted: dict[str, int] = {}
    for one in history:
        if one.outcome is Outcome.REFUSED and (said := sentence(one.told)):
            said = re.sub(rf"\b{re.escape(one.person)}\b", "NAME", said)
            counted[said] = counted.get(said, 0) + 1
    return sorted(counted, key=lambda said: -counted[said])
