"""What the benchmarks decide without an engine: medians, ratios, selection, records, tables."""

import json
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from jhub_bench import (
    cancelled_starts,
    memory,
    page,
    peer_images,
    record,
    report,
    sizes,
    spawn_storm,
)
from jhub_bench.figures import Figure, change, percentile, spread
from jhub_bench.selection import BY_NAME, DEFAULT, check_numbers, select
from jhub_docker.errors import UsageError
from jhub_testing.crowd import Cancelled


def figure(**values: object) -> Figure:
    given = {"benchmark": "spawn", "subject": "uv-lab /lab", "unit": "s", "ours": (2.0, 4.0, 3.0)}
    return Figure(**{**given, **values})  # type: ignore[arg-type]


def test_a_value_is_the_median_of_its_runs() -> None:
    assert figure(ours=(9.0, 1.0, 2.0)).value == 2.0
    assert figure(peer=(1.0, 4.0)).peer_value == 2.5


def test_a_ratio_compares_the_medians() -> None:
    assert figure(peer=(12.0,)).ratio == 0.25


@pytest.mark.parametrize(("peer", "reached"), [((10.0,), True), ((6.0,), True), ((5.9,), False)])
def test_a_target_is_reached_up_to_and_with_its_ratio(
    peer: tuple[float, ...], reached: bool
) -> None:
    assert figure(peer=peer, target=0.5).reached is reached


def test_nothing_is_reached_without_peer_or_target() -> None:
    assert figure(target=0.5).ratio is None
    assert figure(target=0.5).reached is None
    assert figure(peer=(1.0,)).reached is None


def test_the_spread_leaves_single_outliers_out() -> None:
    assert spread([1.0, 1.0, 1.0, 1.0, 100.0]) == 0.0
    assert spread([1.0, 2.0, 3.0, 4.0, 5.0]) == 2.0
    assert spread([3.0]) == 0.0


def test_the_change_is_relative_to_the_last_run() -> None:
    last = figure(ours=(2.0,))
    assert change(figure(), {last.key: last}) == 0.5
    assert change(figure(), {}) is None
    other_unit = figure(unit="MB")
    assert change(figure(), {other_unit.key: other_unit}) is None


def test_a_figure_survives_being_written_and_read() -> None:
    written = figure(
        peer=(8.0, 9.0), peer_name="seed", target=0.35, note="n", details=(("a", 1.0),)
    )
    assert Figure.from_record(json.loads(json.dumps(written.as_record()))) == written


def test_a_record_spells_out_what_follows() -> None:
    entry = figure(peer=(6.0,), target=0.35).as_record()
    assert (entry["value"], entry["ratio"], entry["reached"]) == (3.0, 0.5, False)


def write_record(folder: Path, name: str, *figures: Figure, format_: int = record.FORMAT) -> None:
    (folder / record.FOLDER).mkdir(exist_ok=True)
    content = {"format": format_, "figures": [one.as_record() for one in figures]}
    (folder / record.FOLDER / name).write_text(json.dumps(content))


def test_the_newest_figure_of_each_kind_is_the_last(tmp_path: Path) -> None:
    old, new = figure(ours=(1.0,)), figure(ours=(2.0,))
    size = figure(benchmark="size")
    write_record(tmp_path, "20260101T000000Z.json", old, size)
    write_record(tmp_path, "20260102T000000Z.json", new)
    assert record.previous(tmp_path) == {new.key: new, size.key: size}


def test_files_of_another_format_are_passed_over(tmp_path: Path) -> None:
    write_record(tmp_path, "20260101T000000Z.json", figure(), format_=99)
    (tmp_path / record.FOLDER / "20260102T000000Z.json").write_text('{"format": 1, "fig')
    (tmp_path / record.FOLDER / "20260103T000000Z.json").write_text("[]")
    assert record.previous(tmp_path) == {}


def test_without_earlier_runs_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    assert record.previous(tmp_path) == {}


def test_all_but_the_long_benchmark_run_by_default() -> None:
    assert select([]) == list(DEFAULT)
    assert not set(BY_NAME) & set(select([]))
    assert select(["rebuild-all"]) == ["rebuild-all"]


def test_benchmarks_run_in_their_own_order() -> None:
    assert select(["size", "spawn"]) == ["spawn", "size"]


def test_an_unknown_benchmark_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="did you mean 'memory'"):
        select(["memry"])


@pytest.mark.parametrize(
    ("runs", "size", "told"), [(0, 0, "--runs"), (-1, 0, "--runs"), (1, -1, "--size")]
)
def test_no_runs_and_no_servers_are_refused(runs: int, size: int, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        check_numbers(runs, size)


def test_a_row_tells_value_ratio_target_and_change() -> None:
    now, last = figure(peer=(10.0,), target=0.35), figure(ours=(2.0,))
    cells = dict(zip(report.COLUMNS, report.row(now, {last.key: last}), strict=True))
    assert cells["value"] == "3.00 s"
    assert cells["peer"] == "10.00 s"
    assert cells["ratio"] == "0.30"
    assert cells["target"] == "<= 0.35 reached"
    assert cells["last run"] == "+50%"


def test_a_missed_target_stands_out() -> None:
    assert "MISSED" in " ".join(report.row(figure(peer=(4.0,), target=0.35), {}))


def test_notes_and_details_are_below_the_table() -> None:
    text = report.text(
        [
            figure(note="Said once.", subject="a", details=(("layer: pip", 1200.0),)),
            figure(note="Said once.", subject="b", peer_name="the seed"),
            figure(note="Said once.", subject="c"),
        ],
        {},
    )
    assert text.count("spawn: Said once.\n") == 1
    assert "Peer: the seed." in text
    assert "layer: pip" in text


ROLLUP = """55d0-7ffe ---p 00000000 00:00 0    [rollup]
Rss:              100000 kB
Pss:               50000 kB
Pss_Anon:          40000 kB
"""


def test_memory_is_summed_over_processes() -> None:
    found = memory.parse(ROLLUP + ROLLUP)
    assert found.pss == pytest.approx(102.4)
    assert found.rss == pytest.approx(204.8)


def test_memory_that_cannot_be_read_is_no_zero() -> None:
    with pytest.raises(ValueError, match="no Pss"):
        memory.parse("")


def test_the_peer_has_the_dependencies_and_nothing_else() -> None:
    text = peer_images.project(
        {
            "project": {
                "name": "uv-lab",
                "version": "1",
                "description": 'with "quotes"',
                "requires-python": ">=3.11,<3.12",
                "dependencies": ["jupyterlab>=4.6", 'x>=1; python_version < "4"'],
            },
            "tool": {
                "uv": {
                    "environments": ["sys_platform == 'linux'"],
                    "override-dependencies": ["jsonschema>=4.26"],
                },
                "jhub-docker": {"base": "code-server"},
            },
        }
    )
    made = tomllib.loads(text)
    assert made["project"]["dependencies"] == ["jupyterlab>=4.6", 'x>=1; python_version < "4"']
    assert made["tool"] == {"uv": {"package": False, "environments": ["sys_platform == 'linux'"]}}


def test_layers_above_the_base_are_listed_oldest_first() -> None:
    history = [
        {"CreatedBy": "COPY etc/ /opt/venv/etc/jupyter/ # buildkit", "Size": 2_000_000},
        {"CreatedBy": "USER nebula", "Size": 0},
        {"CreatedBy": "RUN /bin/sh -c uv sync --locked # buildkit", "Size": 9_000_000},
        {"CreatedBy": "debootstrap", "Size": 126_000_000},
    ]
    assert sizes.above(history, 1) == [
        ("uv sync --locked", 9.0),
        ("COPY etc/ /opt/venv/etc/jupyter/", 2.0),
    ]


def test_a_layer_is_named_without_mounts_and_arguments() -> None:
    name = sizes.step_name(
        "RUN |2 HTTP_PROXY=x NO_PROXY=y /bin/sh -c --mount=type=cache,target=/x  uv \\\n sync"
    )
    assert name == "uv sync"


def test_only_innermost_folders_count_as_largest() -> None:
    found = sizes.largest(
        ["3000\t/opt/venv", "2000\t/opt/venv/lib/python3.11/site-packages/scipy", "500\t/opt/x"]
    )
    assert dict(found) == pytest.approx(
        {"folder: site-packages/scipy": 2.048, "folder: /opt/x": 0.512}
    )


def test_a_percentile_lies_between_the_values_beside_it() -> None:
    assert percentile([1.0], 99) == 1.0
    assert percentile([float(value) for value in range(101)], 99) == 99.0
    assert 1.0 <= percentile([1.0, 2.0], 50) <= 2.0


def test_a_spawn_storm_tells_the_middle_and_the_slowest_of_both_ways() -> None:
    found = spawn_storm.figure([float(second) for second in range(1, 21)], [20.0] * 20)
    assert (found.value, found.peer_value) == (10.5, 20.0)
    assert dict(found.details)["queued, slowest"] == 20.0
    assert dict(found.details)["queued, p95"] == pytest.approx(19.05)


def test_cancelled_starts_tell_how_long_people_wait_and_how_often_stop_was_pressed() -> None:
    found = [Cancelled(after=number / 10, seconds=2.0, presses=1) for number in range(19)]
    figure = cancelled_starts.figure([*found, Cancelled(after=0.1, seconds=9.0, presses=2)], 7)
    assert (figure.key, figure.value) == ("cancel 20 starts", 2.0)
    assert dict(figure.details)["slowest"] == 9.0
    assert "In 1 of them" in figure.note
    assert "seed 7" in figure.note


def test_a_page_has_a_figure_for_each_visit_and_each_thing() -> None:
    first, second = page.Visit(5.0, 1.5, 110), page.Visit(2.0, 0.1, 30)
    pair = SimpleNamespace(
        spec=SimpleNamespace(name="uv-lab"), compared=lambda name, target: {"benchmark": name}
    )
    made = page.figures_of(cast(Any, pair), [(first, second)], [(second, second)])
    assert [(one.subject, one.unit, one.value) for one in made] == [
        ("uv-lab, first visit", "s", 5.0),
        ("uv-lab, first visit", "MB", 1.5),
        ("uv-lab, first visit", "requests", 110.0),
        ("uv-lab, second visit", "s", 2.0),
        ("uv-lab, second visit", "MB", 0.1),
        ("uv-lab, second visit", "requests", 30.0),
    ]
    assert made[0].ratio == 2.5
