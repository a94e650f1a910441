"""Tables are aligned, and folded where they would be too wide."""

import pytest

from jhub_docker import table

COLUMNS = ("image", "size", "because")


def test_columns_are_aligned() -> None:
    rows = [("hub", "529 MB", "unchanged"), ("uv-marimo", "1,915 MB", "")]
    assert table.render(COLUMNS, rows, right=("size",)).splitlines() == [
        "image          size  because",
        "hub          529 MB  unchanged",
        "uv-marimo  1,915 MB",
    ]
    assert table.render(COLUMNS, []) == "image  size  because"


def test_a_word_stays_whole_where_it_fits() -> None:
    """What has a hyphen is a name, and is copied as one."""
    tags = ["git-ca3558c", "dask-gateway-2026"]
    text = table.render(("one", "tags"), [("x" * 135, " ".join(tags * 9))])
    assert set(text.split()[3:]) == set(tags)


@pytest.mark.parametrize("cell", ["x" * 200, "two\nlines", "幅", "bell\a", "many words " * 30])
def test_no_cell_leaves_its_table(cell: str) -> None:
    text = table.render(COLUMNS, [("hub", "1", cell), ("proxy", "2", "")])
    assert all(len(line) <= table.WIDTH and line.isprintable() for line in text.splitlines())
    assert "".join(text.split()).count("x") == cell.count("x") + 1, "that of proxy"
    assert text.splitlines()[-1] == "proxy  2"
