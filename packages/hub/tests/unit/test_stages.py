"""What someone who watches a start is told, and when."""

import asyncio
from itertools import pairwise
from pathlib import Path
from typing import Any

from hub_config.told import Stage, Stages


def told(stages: Stages) -> list[dict[str, Any]]:
    async def collect() -> list[dict[str, Any]]:
        return [event async for event in stages.watch()]

    return asyncio.run(collect())


def test_who_comes_late_hears_one_line_a_stage() -> None:
    stages = Stages()
    stages.tell(Stage.IMAGE, "1 of 9 layers", 0.1)
    stages.tell(Stage.IMAGE, "9 of 9 layers", 1.0)
    stages.tell(Stage.NETWORK)
    stages.end()
    assert [event["message"] for event in told(stages)] == ["9 of 9 layers", Stage.NETWORK.sentence]


def test_the_percentage_never_falls() -> None:
    stages = Stages()
    stages.tell(Stage.IMAGE, "", 1.0)
    stages.tell(Stage.IMAGE, "another layer was found", 0.5)
    stages.tell(Stage.QUEUE)
    stages.end()
    percentages = [event["progress"] for event in told(stages)]
    assert percentages == sorted(percentages) == [50, 50]


def test_stages_follow_each_other_without_a_gap() -> None:
    order = list(Stage)
    assert all(one.end == other.begin for one, other in pairwise(order))
    assert order[-1].end < 100, "ready is for JupyterHub to say"


async def test_two_watch_and_both_hear_everything_as_it_happens() -> None:
    stages = Stages()
    heard: list[list[str]] = [[], []]

    async def watch(into: list[str]) -> None:
        async for event in stages.watch():
            into.append(event["message"])

    watching = [asyncio.create_task(watch(into)) for into in heard]
    for message in ("3 before you", "2 before you", "1 before you"):
        await asyncio.sleep(0)
        stages.tell(Stage.QUEUE, message)
        await asyncio.sleep(0)
    stages.end()
    await asyncio.wait_for(asyncio.gather(*watching), 60)
    assert heard == [["3 before you", "2 before you", "1 before you"]] * 2


def test_a_new_start_tells_nothing_of_the_last_one() -> None:
    stages = Stages()
    stages.tell(Stage.SERVER)
    stages.end()
    stages.begin()
    stages.tell(Stage.IMAGE)
    stages.end()
    assert [(e["stage"], e["progress"]) for e in told(stages)] == [("image", 5)]


def test_the_faults_of_every_stage_are_tried_on_a_real_platform() -> None:
    page = (Path(__file__).parents[4] / "docs" / "faults.md").read_text(encoding="utf-8")
    for stage in set(Stage) - {Stage.QUEUE}:  # nothing is made while one waits
        for fault in ("Stop is pressed", "the hub is killed"):
            assert f"| {fault} while the start is at `{stage.label}` |" in page
