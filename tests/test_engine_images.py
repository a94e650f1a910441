"""The engine's records of images, the logs of builds, and what is said at their end."""

from pathlib import Path
from typing import Any

import pytest

from jhub_docker.build import bake, builds, images
from jhub_docker.cli import tables


@pytest.mark.parametrize("made", [None, "", "2026-01-01T01:00:00.123456789+01:00"])
def test_an_image_of_any_time_or_none_is_read(made: str | None, tmp_path: Path) -> None:
    record: dict[str, Any] = {"Id": "sha256:1", "Config": {"Labels": {}}, "Created": made}
    (found,) = images.read([record])
    assert found.created == (1767225600 if made else 0)


def test_builds_at_once_have_logs_of_their_own(tmp_path: Path) -> None:
    with bake.log(tmp_path) as first, bake.log(tmp_path) as second:
        first.write("one")
        second.write("two")
    there = sorted((tmp_path / bake.LOGS).iterdir())
    assert [one.read_text() for one in there] == ["one", "two"]
    for _ in range(bake.KEPT + 3):
        with bake.log(tmp_path) as log:
            log.write("last")
    there = sorted((tmp_path / bake.LOGS).iterdir())
    assert [one.read_text() for one in there] == ["last"] * bake.KEPT


def test_what_a_step_warned_of_is_shown_below_the_table() -> None:
    result = builds.Result(
        image="one",
        build_id="0123456789ab",
        outcome="built",
        reason="not built yet",
        size=1,
        seconds=1.0,
        base="stand-in",
        tags=(),
        platform="linux/amd64",
        warnings=("NOT INSTALLED: some.thing: no answer",),
    )
    row = dict.fromkeys(("platform", "version", "origin", "base", "base_name"), "")
    shown = tables.images(
        [{**row, "image": "one", "size": 1, "tags": ["1.0", "checkout-0a1b2c3d"]}]
    )
    assert shown.split()[-1] == "1.0"
    lines = tables.builds([result]).splitlines()
    assert lines[-1] == "*** one: NOT INSTALLED: some.thing: no answer"
