"""What axe finds wrong with a page, in light and dark, on a desk and on a phone."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from axe_playwright_python.base import AXE_SCRIPT

from jhub_testing.browser import DESKTOP, PHONE, Window

RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
"""axe-core's tags of the rules that are checked (axe-core, doc/API.md, Axe-core tags)."""

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
SIZES = {"desktop": DESKTOP, "phone": PHONE}


@dataclass(frozen=True)
class Complaint:
    """A rule that a page breaks, and where."""

    look: str
    rule: str
    where: str
    why: str


def judge(window: Window, name: str, excepted: Iterable[str] = ()) -> list[Complaint]:
    """Everything axe finds on the page the window shows, with a picture of it in light on a desk,
    in dark on a phone, and in each look with a complaint.

    `excepted` are CSS selectors of parts that are not the platform's own.
    """
    complaints: list[Complaint] = []
    for scheme in SCHEMES:
        window.page.emulate_media(color_scheme=scheme)
        for size, (width, height) in SIZES.items():
            window.page.set_viewport_size({"width": width, "height": height})
            look = f"{name}-{size}-{scheme}"
            found = _complaints(window, look, excepted) + _too_wide(window, look)
            if found or (scheme == "light") == (size == "desktop"):
                window.keep_picture(look, whole_page=True)
            complaints += found
    window.page.emulate_media(color_scheme="light")
    window.page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
    return complaints


def _complaints(window: Window, look: str, excepted: Iterable[str]) -> list[Complaint]:
    # For its rule about orientation axe reads every style sheet again, and looks for what
    # JupyterHub's imports relative to the page: the hub's log then has 404s for icons' style
    # sheets, which no browser asks for by itself.
    options = {"runOnly": {"type": "tag", "values": list(RULES)}, "resultTypes": ["violations"]}
    context: dict[str, Any] = {"include": [["html"]], "exclude": [[part] for part in excepted]}
    if not window.page.evaluate("'axe' in window"):  # one page is judged in several looks
        window.page.evaluate(AXE_SCRIPT)
    judged = "async ([context, options]) => (await axe.run(context, options)).violations"
    found = window.page.evaluate(judged, [context, options])
    return [
        Complaint(look, violation["id"], node["html"][:160], node["failureSummary"][:300])
        for violation in found
        for node in violation["nodes"]
    ]


def _too_wide(window: Window, look: str) -> list[Complaint]:
    """A page that scrolls sideways (WCAG 2.2, 1.4.10 Reflow), which axe cannot see."""
    wide, room = window.page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    if wide <= room:
        return []
    return [Complaint(look, "reflow", "html", f"{wide} px wide in a window of {room} px")]
