"""Tables look the same whether rich has to fold them or not."""

from collections.abc import Sequence

import pytest

from jhub_docker import table

COLUMNS = ("image", "size", "because")


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [("hub", "529 MB", "unchanged"), ("uv-marimo", "1,915 MB", "")],
        [("a" * 70, "1", "b" * (table.WIDTH - 70 - 4 - 4))],
    ],
)
@pytest.mark.parametrize("right", [(), ("size",), COLUMNS])
def test_a_table_that_needs_no_folding_is_what_rich_makes_of_it(
    rows: Sequence[Sequence[str]], right: Sequence[str]
) -> None:
    made = table._aligned([COLUMNS, *rows], right)
    assert made is not None
    assert made == table._folded([COLUMNS, *rows], right)
    assert made == table.render(COLUMNS, rows, right)


@pytest.mark.parametrize("cell", ["x" * 200, "two\nlines", "幅", "bell\a"])
def test_rich_folds_what_does_not_fit_or_has_another_width(cell: str) -> None:
    assert table._aligned([COLUMNS, ("hub", "1", cell)], ()) is None
    text = table.render(COLUMNS, [("hub", "1", cell)])
    assert all(len(line) <= table.WIDTH for line in text.splitlines())
