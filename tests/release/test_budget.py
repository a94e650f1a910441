"""Sizes against budgets."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from jhub_docker.catalog import Catalog
from jhub_docker.catalog.fields import Budget
from jhub_docker.catalog.ledger import Entry
from jhub_docker.errors import UsageError
from jhub_docker.oci.layout import LAYER, Layout
from jhub_docker.release import trial

ROOT = Path(__file__).parents[2]
ALLOWED = Budget(size=100, compressed=40, layers=3, tolerance=5)


def made(size: int, compressed: int, layers: int) -> Entry:
    return Entry("c", "2026-11-24", "b", "d", size=size, compressed=compressed, layers=layers)


def test_the_base_does_not_count(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    archive = b"\0" * 30_000
    blobs = [
        layout.add(archive, LAYER),
        layout.add(gzip.compress(archive), f"{LAYER}+gzip"),
        layout.add(zstandard.compress(archive), f"{LAYER}+zstd"),
    ]
    manifest = {"layers": [blob.to_json() for blob in blobs]}
    measured = trial.measure(layout, manifest, 1)
    assert measured == (60_000, blobs[1].size + blobs[2].size, 2)


@pytest.mark.parametrize(
    ("measured", "said"),
    [
        (made(105_000_000, 42_000_000, 3), []),
        (made(105_000_001, 1, 1), ["size: 105 MB, allowed 100 MB and 5 %"]),
        (made(1, 43_000_000, 1), ["compressed: 43 MB, allowed 40 MB and 5 %"]),
        (made(1, 1, 4), ["layers: 4, allowed 3"]),
    ],
)
def test_what_is_above_the_budget(measured: Entry, said: list[str]) -> None:
    assert trial.exceeded(ALLOWED, measured) == said


def test_the_report_compares_with_budget_and_last_release() -> None:
    now, last = made(90_000_000, 30_000_000, 3), made(80_000_000, 31_000_000, 3)
    assert trial.report(ALLOWED, now, last) == [
        "size: 90.0 MB of 100 MB, +10.0 MB since the last release",
        "compressed: 30.0 MB of 40 MB, -1.0 MB since the last release",
        "layers: 3 of 3",
    ]
    assert "+90.0 MB since the last" in trial.report(ALLOWED, now, None)[0]


@pytest.mark.parametrize("text", ["budget = 5", "budget.size = 5", 'budget = {size = "big"}'])
def test_a_budget_that_is_none(
    make_package: Callable[..., Path], read: Callable[[], Catalog], text: str
) -> None:
    make_package("lab", own=text)
    with pytest.raises(UsageError, match=r"docker\.budget"):
        read()
