"""One drill: a fault begins, people go on meanwhile, it is over, and all has to be well."""

from dataclasses import dataclass

from jhub_testing import histories
from jhub_testing.histories import Outcome, now

from .faults import Fault
from .scene import Scene


@dataclass(frozen=True)
class Row:
    """What one drill showed. `well` are seconds until the log-in page and all had written."""

    fault: str
    lost: str
    done: int
    refused: int
    unanswered: int
    well: float
    told: tuple[str, ...]


def drill(fault: Fault, scene: Scene) -> Row:
    """Raises AssertionError when something of what is promised does not hold."""
    begun = now()
    try:
        fault.inject(scene)
        scene.people.until_all_tried()
    finally:
        fault.heal(scene)
    return settled(fault.title, scene, begun, lost=fault.lost)


def settled(title: str, scene: Scene, begun: float, lost: str = "nothing") -> Row:
    """Wait until all is well again and nobody lost anything; what there was since `begun`."""
    healed = now()
    scene.platform.wait_until_open()
    scene.people.until_all_wrote()
    well = now() - healed
    with scene.people.holding_still():
        scene.until_agreed()
        wrong = scene.wrong(begun)
    since = scene.history.since(begun)
    count = {one: sum(event.outcome is one for event in since) for one in Outcome}
    done, refused, unanswered = count.values()
    told = tuple(histories.sayings(since))
    row = Row(title, lost, done, refused, unanswered, well, told)
    print(row, *wrong, sep="\n")
    assert not wrong, "\n".join(wrong)
    return row
