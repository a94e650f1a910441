"""Simulated people: each works in a browser of their own, and what they are answered is kept.

They log in, start servers, write files and read them back through the contents API, have a second
server now and then, and stop. They have less patience than tests: after a while they try again.
"""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from itertools import cycle
from random import Random
from typing import Any

import requests
from bs4 import BeautifulSoup
from requests.adapters import HTTPAdapter

from jhub_testing.histories import READ, WRITE, Answer, Event, History, Outcome, now
from jhub_testing.person import Person
from jhub_testing.waiting import wait_until

PROFILE = "uv-marimo-small"
FOLDER = "drill"
IMPATIENCE = 20
"""Seconds after which a person gives a page up and tries again."""

FILES = 20
"""Files that each person writes over and over."""

THINKS = {Outcome.DONE: 0.1, Outcome.REFUSED: 1.0, Outcome.UNANSWERED: 1.0}
"""Seconds before somebody does the next thing, by how the last one ended."""

ACTS = {"write": 120, "read": 40, "look": 20, "log in": 4, "stop": 1, "second": 1}
"""What a person does, and how often in comparison."""

SECOND = "second"

WANTS = (("second", "write"), ("log in", "look"), ("read", "write"))
"""What is tried while something is broken, each by another person: what may fail is not left to
chance."""


class _Impatient(HTTPAdapter):
    """Waits no longer than a person does."""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        return super().send(request, **{**options, "timeout": IMPATIENCE})


def words(answer: requests.Response) -> str:
    """What an answer says to a person: a page's text, or the message of an API."""
    if "json" in answer.headers.get("Content-Type", ""):
        said = answer.json()
        return str(said.get("message", "")) if isinstance(said, dict) else ""
    page = BeautifulSoup(answer.text, "html.parser")
    for unseen in page.select("script, style, noscript, h1, [hidden], .hidden"):
        unseen.decompose()
    return (page.find("main") or page.body or page).get_text("\n", strip=True)


def asked(send: Callable[[], requests.Response]) -> Answer:
    """Ask once; nobody's answer is one, too."""
    try:
        answer = send()
        return Answer(answer.ok, "" if answer.ok else words(answer))
    except requests.RequestException as error:
        return Answer(None, type(error).__name__)


class Worker:
    """One of them; each `turn` is one thing done, chosen by the seed."""

    def __init__(self, url: str, name: str, history: History, seed: int) -> None:
        self.person, self.history = Person(url, name), history
        self.name, self.random = name, Random(f"{seed} {name}")  # noqa: S311 - no secret
        self._count, self._inside = 0, True
        self.wants: deque[str] = deque()

    def sign_up(self) -> None:
        """Get an account and a server, with patience: nothing has gone wrong yet."""
        self.person.join().choose(PROFILE)
        path = f"api/contents/{FOLDER}"
        made = self.person.server.put(path, json={"type": "directory"})
        assert made.ok, made.text
        self.person.session.mount("http://", _Impatient())

    def record(self, what: str, act: Callable[[], Answer], **more: str) -> Event:
        """Do something, and keep it."""
        return self.history.record(self.name, what, act, **more)

    def has_tried(self) -> bool:
        """Whether all is tried that was wanted, or nothing can be: one is not let in."""
        return not (self.wants and self._inside)

    def turn(self) -> Outcome:
        """Do one thing, and what a person does next when it went wrong."""
        if not self._inside:
            return self.recover()
        (act,) = self.random.choices(list(ACTS), list(ACTS.values()))
        if self.wants:
            act = self.wants.popleft()
        done = {
            "write": self.write,
            "read": self.read,
            "look": lambda: self.record("look", lambda: asked(lambda: self._hub("home"))),
            "log in": lambda: self.record("log in", self._log_in),
            "stop": lambda: self.record("stop", self._end),
            "second": self.second,
        }[act]()
        return done.outcome if done.outcome is Outcome.DONE else self.recover()

    def recover(self) -> Outcome:
        """See to it that one is logged in and has a server: what people do after a failure."""
        looked = self.record("look", lambda: asked(lambda: self._hub("home")))
        if looked.outcome is Outcome.DONE and not self._has_cookie():
            looked = self.record("log in", self._log_in)
        if looked.outcome is Outcome.DONE:
            looked = self.start()
        if looked.outcome is Outcome.DONE:
            looked = self.record("visit", self._visit)
            self._inside = looked.outcome is Outcome.DONE
        return looked.outcome

    def write(self) -> Event:
        """Write over one of one's files."""
        self._count += 1
        file, text = f"{self._count % FILES}.txt", f"{self.name} {self._count}"
        body = {"type": "file", "format": "text", "content": text}
        path = f"api/contents/{FOLDER}/{file}"
        act = lambda: asked(lambda: self.person.server.put(path, json=body))  # noqa: E731
        return self.record(WRITE, act, file=file, value=text)

    def read(self) -> Event:
        """Read one of them again."""
        file = f"{self.random.randrange(FILES)}.txt"

        def act() -> Answer:
            try:
                answer = self.person.server.get(f"api/contents/{FOLDER}/{file}")
                if answer.status_code == HTTPStatus.NOT_FOUND:
                    return Answer(True)  # not written yet: the check at the end knows better
                said = "" if answer.ok else words(answer)
                return Answer(answer.ok, said, answer.json()["content"] if answer.ok else "")
            except (requests.RequestException, ValueError, KeyError) as error:
                return Answer(None, type(error).__name__)

        return self.record(READ, act, file=file)

    def start(self, called: str = "") -> Event:
        """Start a server, unless there is one."""
        return self.record(f"start {called}".strip(), lambda: self._begin(called))

    def second(self) -> Event:
        """Have a second server for a moment."""
        started = self.start(SECOND)
        if started.outcome is not Outcome.DONE:
            return started
        return self.record(f"stop {SECOND}", lambda: self._end(SECOND))

    # -- how -----------------------------------------------------------------------------------

    def _hub(self, path: str) -> requests.Response:
        return self.person.hub.get(path)

    def _has_cookie(self) -> bool:
        try:
            return self.person.is_logged_in()
        except requests.RequestException:
            return True

    def _log_in(self) -> Answer:
        self.person.session.cookies.clear()
        self._inside = False  # the server's cookies come from the next visit
        page = asked(lambda: self._hub("login"))
        if not page.done:
            return page
        try:
            answer = self.person.log_in()
            said = words(answer)
            # One that was let in and is out again, as by a restore, was refused by nobody.
            return Answer(self.person.is_logged_in() or (None if answer.ok else False), said)
        except (requests.RequestException, AssertionError) as error:
            return Answer(None, str(error))

    def _path(self, called: str) -> str:
        server = f"servers/{called}" if called else "server"
        return f"api/users/{self.name}/{server}"

    def _begin(self, called: str) -> Answer:
        try:
            user = self.person.hub.get(f"api/users/{self.name}")
            if not user.ok:
                return Answer(False, words(user))
            found = user.json()["servers"].get(called)
            if found and found["ready"]:
                return Answer(True)
            if found and found["pending"] == "stop":
                return Answer(None, "it is just stopping")
            if not found:
                answer = self.person.start_by_api({"profile": PROFILE}, called)
                if answer.status_code != HTTPStatus.ACCEPTED:
                    return Answer(answer.ok, "" if answer.ok else words(answer))
            return self._follow(f"{self._path(called)}/progress")
        except (requests.RequestException, ValueError, KeyError) as error:
            return Answer(None, type(error).__name__)

    def _follow(self, path: str) -> Answer:
        """What the page of a start shows, to its end."""
        with self.person.hub.get(path, stream=True) as events:
            if not events.ok:
                return Answer(False, words(events))
            for line in events.iter_lines(chunk_size=1):
                if line.startswith(b"data:"):
                    told = json.loads(line.removeprefix(b"data:"))
                    if told.get("ready") or told.get("failed"):
                        return Answer(bool(told.get("ready")), str(told.get("message", "")))
        return Answer(None, "the page of the start ended")

    def _visit(self) -> Answer:
        """Cookies for the server come from a visit that the hub sends back from."""
        return asked(lambda: self.person.server.get(""))

    def _end(self, called: str = "") -> Answer:
        return asked(lambda: self.person.hub.delete(self._path(called)))


class People:
    """All of them at once; they can be asked to hold still."""

    def __init__(self, workers: Sequence[Worker], history: History) -> None:
        self.workers, self.history = workers, history
        self._end, self._work = threading.Event(), threading.Event()
        self._still = {one.name: threading.Event() for one in workers}
        self._failed: list[BaseException] = []
        self._threads = [threading.Thread(target=self._live, args=(one,)) for one in workers]

    def __enter__(self) -> "People":
        self._work.set()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._work.set()
        for thread in self._threads:
            thread.join()

    def _live(self, worker: Worker) -> None:
        while not self._end.is_set():
            if not self._work.is_set():
                self._still[worker.name].set()
                self._work.wait()
                self._still[worker.name].clear()
                continue
            try:
                self._end.wait(THINKS[worker.turn()])
            except Exception as error:  # told by whoever waits
                self._failed.append(error)

    @contextmanager
    def holding_still(self) -> Iterator[None]:
        """Nobody does anything meanwhile."""
        self._work.clear()
        try:
            wait_until(lambda: all(one.is_set() for one in self._still.values()), "all to rest")
            yield
        finally:
            self._work.set()

    def until_all_tried(self) -> None:
        """Something of all kinds is tried from now on, and each has done or tried something."""
        for worker, wants in zip(self.workers, cycle(WANTS), strict=False):
            worker.wants.extend(wants)
        self._until(lambda _: True, lambda: all(one.has_tried() for one in self.workers))

    def until_all_wrote(self) -> float:
        """Each has written something from now on; the seconds that took."""
        begun = now()
        self._until(lambda one: one.what == WRITE and one.outcome is Outcome.DONE)
        return now() - begun

    def _until(
        self, counts: Callable[[Event], bool], also: Callable[[], bool] = lambda: True
    ) -> None:
        begun = now()

        def all_did() -> bool:
            if self._failed:
                raise self._failed[0]
            seen = {one.person for one in self.history.since(begun) if counts(one)}
            return also() and seen >= {one.name for one in self.workers}

        wait_until(all_did, "everybody")
