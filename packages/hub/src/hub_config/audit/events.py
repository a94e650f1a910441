"""Where the hub tells what was done: `tell`, from anywhere. A thread writes it down.

Nothing waits for the disk, and a disk that is full keeps nobody from logging in: what could not be
written yet is kept in memory, up to a limit, and tried again; the hub's log and the page Audit say
so. A hub that is killed loses what it was told in the last moment.
"""

import logging
import threading
import time
from collections import deque
from typing import Any

from hub_config import tracing
from hub_config.audit import chain
from hub_config.audit.journal import Entry, Journal, stamp, utc_now

MOST_WAITING = 20_000
"""Entries kept in memory while they cannot be written."""

AGAIN = 5.0
"""Seconds until what could not be written is tried again."""

WINDOW = 60.0
"""Seconds within which the same refusal is counted instead of being written again: whoever guesses
passwords must not be able to fill the log."""

EACH, ALL = 10, 100
"""Different refusals within that time that are told one by one, of one visitor and of all unknown
ones: whoever makes up one after another must not push out what was there. `EACH` is also how often
somebody may do the same to oneself until that is counted, too."""

NOBODY = "somebody"
"""Who did what was done without a log-in; no user has this name."""

OTHERS = "audit.others"
"""What an entry is called that counts refusals which are not told one by one."""

log = logging.getLogger(__name__)


class Recorder:
    """Takes entries and writes them in the order in which they came."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.trouble = ""
        """Why nothing can be written now; empty when all is well."""
        self._waiting: deque[Entry] = deque()
        self._lost = 0
        self._repeated: dict[tuple[str, ...], tuple[float, Entry, int]] = {}
        self._news = threading.Condition()
        self._ended = False
        self._writing = False
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
        self._thread.start()

    def take(self, entry: dict[str, Any]) -> None:
        """Have it written down soon."""
        with self._news:
            if (_refused(entry) or entry["on"] == entry["who"]) and self._counted(entry):
                return
            if len(self._waiting) >= MOST_WAITING:
                self._lost += 1
                return
            self._waiting.append(entry)
            self._news.notify_all()

    def _counted(self, entry: dict[str, Any]) -> bool:
        """Whether it is a repetition, which is counted until its minute is over."""
        kept: Entry = entry
        # Of who is known and did something to themselves it is one thing from wherever.
        key = _key(kept if _refused(kept) else {**kept, "from": ""})
        if _refused(entry) and key not in self._repeated:
            kept = self._bounded(entry)
            key = _key(kept)
        if key in self._repeated:
            until, _, times = self._repeated[key]
            self._repeated[key] = until, kept, times + 1
            return times >= 0
        times = 0 if _refused(entry) else 1 - EACH
        self._repeated[key] = time.monotonic() + WINDOW, kept, times
        self._news.notify_all()
        return False

    def _bounded(self, entry: Entry) -> Entry:
        """What a refusal that is not there yet is counted as: itself while there are few."""
        told: list[Entry] = [one for _, one, _ in self._repeated.values() if _refused(one)]
        who, address = _visitor(entry)
        bare = {"at": entry["at"], "what": OTHERS, "who": who, "on": "", "result": "refused"}
        theirs = {**bare, "from": address}
        full = who == NOBODY and sum(one["who"] == NOBODY for one in told) >= ALL
        if not full and sum(_visitor(one) == (who, address) for one in told) < EACH:
            return entry
        return theirs if not full or _key(theirs) in self._repeated else bare

    def _over(self, *, all_of_them: bool = False) -> list[Entry]:
        """Repetitions whose minute is over, each as one entry."""
        now = time.monotonic()
        over = [key for key, (until, *_) in self._repeated.items() if all_of_them or until <= now]
        found = [self._repeated.pop(key) for key in over]
        return [{**entry, "times": times} for _, entry, times in found if times > 0]

    def flush(self, seconds: float = 3.0) -> None:
        """Return when everything that was told is written, or after `seconds`."""
        with self._news:
            self._waiting.extend(self._over(all_of_them=True))
            self._news.notify_all()
            self._news.wait_for(lambda: not self._waiting and not self._writing, seconds)

    def close(self) -> None:
        """Write what waits and end."""
        self.flush()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def _run(self) -> None:
        while True:
            with self._news:
                if not self._waiting and not self._ended:
                    pause = min((until for until, *_ in self._repeated.values()), default=None)
                    wait = None if pause is None else max(0.05, pause - time.monotonic())
                    self._news.wait(wait)
                self._waiting.extend(self._over())
                if not self._waiting and self._ended:
                    return
                if not self._waiting:
                    continue
                batch, self._writing = list(self._waiting), True
                told, lost = len(batch), self._lost
                if lost:
                    batch.append(self.journal.entry("audit.lost", entries=lost))
            done = self._write(batch)
            with self._news:
                self._writing = False
                if done:
                    for _ in range(told):
                        self._waiting.popleft()
                    self._lost -= lost
                self._news.notify_all()
                if not done:
                    self._news.wait_for(lambda: self._ended, AGAIN)
                    if self._ended:
                        return

    def _write(self, batch: list[Entry]) -> bool:
        try:
            try:
                healed = self.journal.append(batch)
            except (ValueError, TypeError, RecursionError):
                log.exception("Entries of the audit log are cut down to what can be written")
                healed = self.journal.append([_bare(one) for one in batch])
        except OSError as error:
            why = error.strerror or str(error)
            if self.trouble != why:
                log.error("The audit log cannot be written, entries are kept in memory: %s", why)
            self.trouble = why
            return False
        if self.trouble:
            log.warning("The audit log can be written again")
            self.trouble = ""
        if healed:
            log.warning("Audit log: %s", healed)
        return True


def _refused(entry: Entry) -> bool:
    """Whether nothing was done, or by somebody unknown: anybody can have that told."""
    return bool(entry["result"] != "ok" or entry["who"] == NOBODY)


def _bare(entry: Entry) -> Entry:
    """What can be written of any entry."""
    return {name: str(entry[name]) for name in chain.USUAL if name in entry}


def _visitor(entry: Entry) -> tuple[str, str]:
    """Somebody unknown is an address, whoever is known is one person from all of them."""
    who = str(entry["who"])
    return who, str(entry.get("from", "")) if who == NOBODY else ""


def _key(entry: Entry) -> tuple[str, ...]:
    return tuple(str(entry.get(name)) for name in ("what", "who", "from", "on", "result"))


_recorder: Recorder | None = None


def begin(journal: Journal) -> Recorder:
    """From now on what is told is written to `journal`."""
    global _recorder  # noqa: PLW0603  one log for the whole process
    _recorder = Recorder(journal)
    return _recorder


def recorder() -> Recorder | None:
    """What writes; None where nothing is written."""
    return _recorder


def tell(what: str, *, on: str = "", who: str = "", result: str = "ok", **more: Any) -> None:
    """Something was done: `what` to `on`, a person or a thing; by `who`, or by whose request it is.

    Nothing of it may be a secret. `more` is what else is worth knowing.
    """
    if _recorder is not None:
        _recorder.take(made(what, on=on, who=who, result=result, **more))


def made(what: str, *, on: str, who: str, result: str, **more: Any) -> dict[str, Any]:
    """The entry of it."""
    visit = tracing.current.get()
    mine = visit if visit is not None and (visit.open or tracing.cause.get()) else None
    by = who or tracing.cause.get() or (mine.who if mine else "hub")
    rest = {key: value for key, value in more.items() if value not in ("", None)}
    entry = {"at": stamp(utc_now()), "what": what, "who": by, "on": on, "result": result, **rest}
    if mine is not None:
        entry |= {"from": mine.address, "request": mine.id}
    return entry


def note(**more: Any) -> None:
    """Have the entry of the request that is being answered say this, too."""
    if (visit := tracing.current.get()) is not None:
        visit.more.update(more)


def asks(who: str) -> None:
    """Have the entry of the request that is being answered say who asked, who has no session."""
    if (visit := tracing.current.get()) is not None:
        visit.who = who
