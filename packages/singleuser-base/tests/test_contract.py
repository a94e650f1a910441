"""The contract of single-user images; run for each image that stands on this base.

This image alone has no server and so nothing to check: `pytest --image uv-lab` runs it. What the
base alone decides is tried with the first image of a checkout that leaves it to the base.
"""

from pathlib import Path

import pytest

from jhub_testing.contract import CHECKS, Check, once
from jhub_testing.subject import Subject

PACKAGE = Path(__file__).parents[1].name


@pytest.mark.parametrize(
    "check", sorted(CHECKS, key=once.OF_THE_BASE.__contains__), ids=lambda check: check.__name__
)
def test_contract(check: Check, subject: Subject) -> None:
    assert subject.being_read  # while the others boot servers
    note = once.note(subject, PACKAGE) if check in once.OF_THE_BASE else None
    if note and (note / check.__name__).exists():
        return
    check(subject)
    if note:
        note.mkdir(parents=True, exist_ok=True)
        (note / check.__name__).touch()
