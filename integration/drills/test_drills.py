"""Drills, as Jepsen does them: people at work, something goes wrong, and what was promised holds.

Each fault by itself, then several of them at random. The run writes docs/drills.md
(JHUB_TEST_WRITE_DOCS=1), which says for each fault what was lost, how long it took and what people
were told.
"""

from random import Random

import pytest

from jhub_testing.histories import now

from .drill import drill, settled
from .faults import EACH, KINDS, SERVICES, Fault
from .scene import Scene


@pytest.mark.parametrize("fault", EACH, ids=lambda fault: fault.title)
def test_what_was_promised_holds(fault: Fault, scene: Scene) -> None:
    drill(fault, scene)


def test_services_are_killed_and_frozen_at_random(scene: Scene, seed: int, seconds: float) -> None:
    random, begun = Random(seed), now()  # noqa: S311 - no secret
    while now() < begun + seconds:
        fault = random.choice(KINDS)(random.choice(SERVICES))
        fault.inject(scene)
        scene.people.until_all_tried()
        fault.heal(scene)
    settled(f"killed and frozen at random for {seconds:g} s", scene, begun, now())
