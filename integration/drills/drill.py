"""One drill: a fault begins, people go on meanwhile, it is over, and all has to be well."""

from dataclasses import dataclass

from jhub_testing import histories
from jhub_testing.histories import Outcome, now

from .faults import Fault
from .scene import Scene


@dataclass(frozen=True)
class Row:
    """What one drill showed. `well` in seconds, from its end until everybody could work."""

    fault: str
    done: int
    refused: int
    unanswered: int
    well: float
    told: tuple[str, ...]


ROWS: list[Row] = []


def drill(fault: Fault, scene: Scene) -> Row:
    """Raises AssertionError when something of what is promised does not hold."""
    begun = now()
    fault.inject(scene)
    try:
        scene.people.until_all_tried()
    finally:
        fault.heal(scene)
    return settled(fault.title, scene, begun, now())


def settled(title: str, scene: Scene, begun: float, healed: float) -> Row:
    """Wait until all is well again and nobody lost anything; what there was since `begun`."""
    scene.platform.wait_until_open()
    scene.people.until_all_wrote()
    well = now() - healed
    with scene.people.holding_still():
        scene.until_agreed()
        wrong = scene.wrong(begun)
    since = scene.history.since(begun)
    count = {one: sum(event.outcome is one for event in since) for one in Outcome}
    row = Row(
        title,
        count[Outcome.DONE],
        count[Outcome.REFUSED],
        count[Outcome.UNANSWERED],
        well,
        tuple(histories.sayings(since)),
    )
    print(row)
    ROWS.append(row)
    assert not wrong, "\n".join(wrong)
    return row
