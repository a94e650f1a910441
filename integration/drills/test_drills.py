"""Drills, as Jepsen does them: people at work, something goes wrong, and what was promised holds.

Each fault by itself, then several at random. With JHUB_TEST_WRITE_DOCS=1 the run writes
docs/drills.md.
"""

from random import Random

import pytest

from jhub_testing.histories import now

from . import page
from .drill import Row, drill, settled
from .faults import EACH, KINDS, SERVICES, Fault
from .operators import OF_ENGINE
from .scene import Scene

ALL = (*EACH, *OF_ENGINE)
AT_RANDOM = "hub, proxy, filter and guard killed and frozen at random"


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """What the drills of this run showed."""
    return []


@pytest.mark.parametrize("fault", ALL, ids=lambda fault: fault.title)
def test_what_was_promised_holds(fault: Fault, scene: Scene, rows: list[Row]) -> None:
    rows.append(drill(fault, scene))


def test_services_are_killed_and_frozen_at_random(
    scene: Scene, seed: int, seconds: float, rows: list[Row]
) -> None:
    random, begun = Random(seed), now()  # noqa: S311 - no secret
    while now() < begun + seconds:
        fault = random.choice(KINDS)(random.choice(SERVICES))
        fault.inject(scene)
        scene.people.until_all_tried()
        fault.heal(scene)
    rows.append(settled(AT_RANDOM, scene, begun))


def test_the_page_has_them_all(rows: list[Row]) -> None:
    titles = [AT_RANDOM, *(fault.title for fault in ALL)]
    if page.WRITES:
        page.write(rows, titles)
    assert page.known() == titles
