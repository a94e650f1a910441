"""What a load curve says, from steps as they were measured to the page that shows them."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from jhub_bench import chart, scale_page
from jhub_bench.curve import REST, Line, Phase, Step, bend, figures

ROOT = Path(__file__).parents[1]
ACTS = ("form", "home", "People", "admin's list", "one start", "one stop", "log-in", "30 starts",
        "30 stops", "hub restarted")  # fmt: skip


def step(database: str, servers: int) -> Step:
    """A hub that takes a tenth of a processor at rest, and 0.5 s for each of two things done."""
    rest = Phase((), 20.0, (0.01, 0.02, 0.03), {"hub": 2.0, "proxy": 0.2}, 1.5, 0.5)
    done = Phase((1.0, 3.0), 10.0, (0.01, 0.04, 0.3), {"hub": 2.0, "proxy": 0.0}, 12.25, 0.5)
    memory = {"hub": 200 + servers / 10, "proxy": 50.0, "engine": 50.0}
    return Step(database, servers, {REST: rest, **dict.fromkeys(ACTS, done)}, memory)


STEPS = [step("SQLite", servers) for servers in (10, 100, 500)] + [step("PostgreSQL", 10)]


def test_what_a_service_takes_at_rest_is_not_what_a_log_in_costs() -> None:
    assert step("SQLite", 10).at_rest("hub") == 0.1
    assert step("SQLite", 10).each("log-in", "hub") == 0.5
    assert step("SQLite", 10).each("log-in", "proxy") == 0.0, "less than at rest is no gain"


def test_a_step_survives_being_written_and_read() -> None:
    written = step("SQLite", 10)
    assert Step.from_record(json.loads(json.dumps(written.as_record()))) == written


def test_a_line_tells_by_how_much_it_may_be_wrong() -> None:
    exact = Line.through([(0, 1), (1, 3), (2, 5)])
    assert exact is not None
    assert (exact.slope, exact.at(10)) == (2.0, (21.0, 0.0))
    noisy = Line.through([(0, 0), (1, 2), (2, 1), (3, 3)])
    assert noisy is not None
    # By hand: slope 0.8, residual deviation 0.9487, t = 4.30 with two degrees of freedom.
    assert noisy.slope == pytest.approx(0.8)
    assert noisy.slope_error == pytest.approx(4.30 * 0.9487 / 5**0.5, rel=1e-3)
    assert noisy.at(30)[1] > noisy.at(3)[1] > noisy.slope_error
    assert Line.through([(0, 1), (1, 3)]) is None, "two points have no error"


def test_a_bend_is_where_something_begins_to_grow_twice_as_fast() -> None:
    assert bend([(10, 1), (100, 10), (500, 50)]) is None
    assert bend([(10, 1), (100, 10), (500, 150)]) == 100
    assert bend([(10, 100), (100, 100), (500, 101)]) is None, "a hundredth more is no bend"


def test_the_last_step_stands_beside_the_first_of_its_database() -> None:
    found = {figure.key: figure for figure in figures("load", STEPS)}
    log_in = found["load log-in, 500 servers, SQLite"]
    assert (log_in.value, log_in.ratio) == (2.0, 1.0)
    assert "Load average 12.2 there" in log_in.note
    assert dict(log_in.details)["CPU of hub each, 100"] == 0.5
    assert found["load memory of hub, 500 servers, SQLite"].ratio == pytest.approx(250 / 201)
    assert "load log-in, 10 servers, PostgreSQL" in found


@pytest.mark.parametrize(("largest", "last"), [(0.0, 1.0), (0.07, 0.07), (2000, 2000), (9.0, 10)])
def test_an_axis_has_a_few_round_numbers_and_room_for_the_largest(
    largest: float, last: float
) -> None:
    found = chart.ticks(largest)
    assert found[-1] == pytest.approx(last)
    assert 4 <= len(found) <= 11


def test_the_chart_names_every_line_once_and_is_an_svg() -> None:
    drawn = scale_page.drawing(STEPS)
    words = [text.text for text in ElementTree.fromstring(drawn).iter() if text.text]  # noqa: S314
    assert words.count("log in p99") == 1
    assert "Over the number of servers (SQLite; dashed: PostgreSQL)" in words


def test_the_page_has_a_column_for_each_step_and_what_grows() -> None:
    machine = {"cpus": 2, "memory_bytes": 24 * 2**30, "revision": "git-abc"}
    text = scale_page.block({"at": "2026-11-30T12:00+00:00", "machine": machine}, STEPS)
    assert "| SQLite | 10 | 100 | 500 |" in text
    assert "| log-in, p50 / p99, s | 2 / 2.98 |" in text
    assert "| memory of the hub, SQLite | 100 ± 0 MB | 700 ± 0 MB | nowhere |" in text
    page = scale_page.filled((ROOT / scale_page.PAGE).read_text("utf-8"), text)
    assert scale_page.filled(page, text) == page
    assert text in page
