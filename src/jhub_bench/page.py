"""The benchmark `page`: what a browser on an ordinary line waits for until one can type.

Chromium fetches an interface through 20 Mbit/s and 40 ms, opens a small file and types into it:
once with an empty cache, once more with what the first visit left there.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Error, Locator, Page, Request

from jhub_bench.figures import Figure
from jhub_bench.servers import Pair, Side
from jhub_docker.errors import ActionError
from jhub_docker.progress import say, stage
from jhub_testing.browser import DESKTOP, chromium
from jhub_testing.waiting import wait_until

MBIT = 20
LATENCY = 40
"""Milliseconds from a request to the first byte of its answer."""

TRIES = 5
TYPED = "answer"

_CELL: dict[str, Any] = {
    "cell_type": "code",
    "metadata": {},
    "source": "",
    "outputs": [],
    "execution_count": None,
}
_KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
_MARIMO = "import marimo\n\napp = marimo.App()\n\n\n@app.cell\ndef _():\n    return\n"
_FOLDER = "/home/nebula"


@dataclass(frozen=True)
class Desk:
    """A file in an interface: where it opens, what it holds, where one types."""

    file: str
    address: str
    editor: str
    content: dict[str, Any]


DESKS = {
    "/lab": Desk(
        "bench.ipynb",
        "lab/tree/bench.ipynb",
        ".jp-Notebook .cm-content",
        {
            "type": "notebook",
            "content": {"cells": [_CELL], "metadata": _KERNEL, "nbformat": 4, "nbformat_minor": 4},
        },
    ),
    "/vscode/": Desk(
        "bench.txt",
        f"vscode/?folder={_FOLDER}&payload="
        + json.dumps([["openFile", f"vscode-remote://localhost{_FOLDER}/bench.txt"]]),
        ".editor-instance .view-lines",
        {"type": "file", "format": "text", "content": "\n"},
    ),
    "/marimo": Desk(
        "bench.py",
        "marimo/?file=bench.py",
        ".cm-content",
        {"type": "file", "format": "text", "content": _MARIMO},
    ),
}
"""By the page that an image opens."""


class _LineCut(Exception):  # noqa: N818
    """A container of others came or went, and Chromium dropped its requests."""


@dataclass
class Visit:
    """What one visit cost; `bytes` as they came over the line, answers from the cache left out."""

    seconds: float = 0.0
    bytes: float = 0.0
    requests: int = 0
    cached: set[str] = field(default_factory=set)


def measure(pairs: list[Pair], runs: int) -> list[Figure]:
    """Both visits to each interface, ours and the peer's in turn; figures in s, MB and requests."""
    figures = []
    for pair in pairs:
        if (desk := DESKS.get(pair.page)) is None:
            continue
        found: dict[str, list[tuple[Visit, Visit]]] = {"ours": [], "peer": []}
        with stage(f"page {pair.spec.name}: {runs} times each, in turn"), chromium() as browser:
            for name, side in (("ours", pair.ours), ("peer", pair.peer)):
                side.visitor.start(pair.profile)
                side.visitor.open(pair.page)  # it also logs in at the server, which saving needs
                _put(side, desk)
                found[name] = [_twice(browser, side, desk) for _ in range(runs)]
                side.stop()
        made = figures_of(pair, found["ours"], found["peer"])
        say("    " + "; ".join(f"{one.subject} {one.value:.2f} {one.unit}" for one in made))
        figures += made
    return figures


def figures_of(
    pair: Pair, ours: list[tuple[Visit, Visit]], peer: list[tuple[Visit, Visit]]
) -> list[Figure]:
    """A figure for each thing and each of the two visits."""
    made = []
    for number, title in enumerate(("first visit", "second visit")):
        for unit, of in (("s", "seconds"), ("MB", "bytes"), ("requests", "requests")):
            values = {
                name: tuple(float(getattr(visits[number], of)) for visits in runs)
                for name, runs in (("ours", ours), ("peer", peer))
            }
            made.append(
                Figure(
                    subject=f"{pair.spec.name}, {title}",
                    unit=unit,
                    ours=values["ours"],
                    peer=values["peer"],
                    note=f"Chromium at {MBIT} Mbit/s and {LATENCY} ms until a small file can be "
                    "typed into; bytes and requests until then, without workers' own.",
                    **pair.compared("page", None),
                )
            )
    return made


def _twice(browser: Browser, side: Side, desk: Desk) -> tuple[Visit, Visit]:
    """Two visits with one cache; begun again where this machine cut the line meanwhile."""
    url = side.visitor.server.base + desk.address
    for _ in range(TRIES):
        context = browser.new_context(viewport={"width": DESKTOP[0], "height": DESKTOP[1]})
        _sign_in(context, side)
        try:
            visits = visit(context, url, desk), visit(context, url, desk)
        except _LineCut:
            continue
        finally:
            context.close()
        return visits
    raise ActionError(f"the browser's line to {url} was cut in each of {TRIES} tries")


def _put(side: Side, desk: Desk) -> None:
    answer = side.visitor.server.put(f"api/contents/{desk.file}", json=desk.content)
    if not answer.ok:
        raise ActionError(f"{desk.file} cannot be saved: {answer.status_code} {answer.text[:300]}")


def _sign_in(context: BrowserContext, side: Side) -> None:
    """The browser gets the cookies of the visitor."""
    context.add_cookies(
        [
            {"name": one.name, "value": one.value or "", "url": side.visitor.url + one.path}
            for one in side.visitor.session.cookies
        ]
    )


def visit(context: BrowserContext, url: str, desk: Desk) -> Visit:
    """Open a page of one's server in a window of its own, type, and close it again."""
    page = context.new_page()
    cut: list[str] = []

    def failed(request: Request) -> None:
        if "ERR_NETWORK_CHANGED" in str(request.failure):
            cut.append(request.url)

    page.on("requestfailed", failed)
    with _line(context, page) as found:
        begun = time.perf_counter()
        page.goto(url, wait_until="commit")
        _type(page, page.locator(desk.editor).first, cut)
        found.seconds = time.perf_counter() - begun
        done = Visit(found.seconds, found.bytes / 1e6, found.requests)
    page.close()
    return done


@contextmanager
def _line(context: BrowserContext, page: Page) -> Iterator[Visit]:
    """The page's line is narrow, and counted (Chrome DevTools Protocol, Network)."""
    found = Visit()
    session = context.new_cdp_session(page)

    def answered(event: dict[str, Any]) -> None:
        if not event["response"].get("fromDiskCache") and event["requestId"] not in found.cached:
            found.requests += not event["response"]["url"].startswith(("data:", "blob:"))

    def received(event: dict[str, Any]) -> None:
        found.bytes += max(0, event["encodedDataLength"])

    session.on("Network.requestServedFromCache", lambda event: found.cached.add(event["requestId"]))
    session.on("Network.responseReceived", answered)
    session.on("Network.loadingFinished", received)
    session.send("Network.enable")
    session.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": LATENCY,
            "downloadThroughput": MBIT * 1e6 / 8,
            "uploadThroughput": MBIT * 1e6 / 8,
        },
    )
    yield found


def _type(page: Page, editor: Locator, cut: list[str]) -> None:
    """Type until it is there: an editor that is shown may not listen yet."""
    trusted = page.get_by_role("button", name="Yes, I trust the authors")

    def typed() -> bool:
        page.wait_for_timeout(20)  # lets Playwright deliver the page's events
        if cut:
            raise _LineCut
        if trusted.is_visible():
            trusted.click()
        if not editor.is_visible():
            return False
        if TYPED not in (editor.text_content() or ""):
            editor.click(timeout=500)
            page.keyboard.type(TYPED)
        return TYPED in (editor.text_content() or "")

    wait_until(typed, f"an editor that can be typed into at {page.url}", ignoring=Error)
