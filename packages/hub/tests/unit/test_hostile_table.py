"""Every hostile call is refused, and `docs/engine-filter.md` says of each what it got.

JHUB_TEST_WRITE_DOCS=1 writes the page instead of comparing it.
"""

import os
from pathlib import Path
from typing import Any

import pytest

from engine_filter.calls import Refused
from engine_filter.policy import Policy

from .filter_world import CASES, NAMES, POLICIES, ask, forwarded, hostile
from .test_engine_filter_serving import answers

PAGE = Path(__file__).parents[4] / "docs" / "engine-filter.md"
WRITE = "JHUB_TEST_WRITE_DOCS"
HEAD = """# What the filter before the engine refuses

Calls that a hub in the wrong hands could make, and what each one gets: a 403 with this message.
`packages/hub/tests/hostile_calls.py` holds them. The hub's unit tests judge each one and compare
this page (`{write}=1 ./dev nox -s "unit(hub)"` writes it); its image tests send
each one through the running filter to a real engine and look that nothing was made. How the filter
works is in [packages/hub/README.md](../packages/hub/README.md#between-hub-and-engine).

"""


def page(folder: Path) -> str:
    """The page as it has to be; the filter's socket is made in `folder` for that."""
    lines = [HEAD.format(write=WRITE)]
    seen: set[tuple[str, str]] = set()
    cases = []
    for case, policy in CASES:  # with a start as root only what is not there without one
        if (case.subject, case.title) not in seen:
            seen.add((case.subject, case.title))
            cases.append((case, policy))
    for subject in dict.fromkeys(case.subject for case, _ in cases):
        lines.append(f"## {subject}\n\n| hostile call | what it got |\n| --- | --- |\n")
        lines += [
            f"| {cell(case.title)} | {cell(verdict(case, policy))} |\n"
            for case, policy in cases
            if case.subject == subject
        ]
        lines.append("\n")
    lines.append("## HTTP\n\n| hostile request | what it got |\n| --- | --- |\n")
    told = answers(folder, list(hostile.RAW.values()))
    lines += [f"| {cell(t)} | {cell(got)} |\n" for t, got in zip(hostile.RAW, told, strict=True)]
    return "".join(lines)


def verdict(case: Any, policy: Policy) -> str:
    """The message of the refusal."""
    with pytest.raises(Refused) as caught:
        ask(case.method, case.target, case.body, policy)
    return str(caught.value)


def cell(text: str) -> str:
    """A text as a cell of a Markdown table."""
    plain = text.encode("ascii", "backslashreplace").decode().replace("\0", "\\0")
    return "".join(f"\\{sign}" if sign in "|*_<>[]`\\" else sign for sign in plain)


def test_the_page_says_what_every_hostile_call_gets(tmp_path: Path) -> None:
    if os.environ.get(WRITE):
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page(tmp_path), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page(tmp_path)


@pytest.mark.parametrize(("case", "policy"), CASES, ids=NAMES)
def test_hostile_call_is_refused(case: Any, policy: Policy) -> None:
    with pytest.raises(Refused):
        ask(case.method, case.target, case.body, policy)


@pytest.mark.parametrize("world", POLICIES, ids=["plain", "root"])
def test_the_harmless_body_of_hostile_calls_passes(world: Any) -> None:
    """Otherwise each hostile one could be refused for another reason than its own."""
    target = f"/v1.45/containers/create?name={world.name}"
    body = forwarded("POST", target, hostile.creation(world), POLICIES[world]).body
    assert body is not None
    assert body["Image"] == world.image
