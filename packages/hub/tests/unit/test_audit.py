"""The audit log by itself: its chain, its files, what a crash or a full disk does to it."""

import errno
import json
import os
import resource
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hub_config.audit import chain, journal
from hub_config.audit.journal import Journal

from .logged import Clock, edit, verdict, write


def test_lines_that_nobody_touched_are_sound(log: Journal) -> None:
    write(log, "ann", "bob", "carl")
    assert verdict(log).broken == ""
    assert verdict(log).lines == 3


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda line: line.replace("bob", "eve"), "line 2 of .* was changed"),
        (lambda line: "", "line 2 of .* does not follow number 1"),
        (lambda line: line + line, "line 3 of .* does not follow number 2"),
        (lambda line: "nothing\n", "line 2 of .* is no entry"),
    ],
    ids=["changed", "taken out", "put in", "overwritten"],
)
def test_the_first_broken_line_is_named(log: Journal, change: Any, told: str) -> None:
    write(log, "ann", "bob", "carl", "dora")
    (path,) = journal.files(log.folder)
    edit(path, 2, change)
    with pytest.raises(AssertionError, match=told):
        assert verdict(log).broken == "", verdict(log).broken


def test_a_line_that_was_made_anew_breaks_the_next_one(log: Journal) -> None:
    write(log, "ann", "bob", "carl")
    (path,) = journal.files(log.folder)
    after = chain.link(json.loads(path.read_text().splitlines()[0]))
    edit(path, 2, lambda _: chain.line({"what": "nothing"}, after)[0] + "\n")
    assert "line 3" in verdict(log).broken


def test_a_log_that_was_made_anew_or_cut_is_not_as_it_was_noted(log: Journal) -> None:
    write(log, "ann", "bob", "carl")
    noted = verdict(log).last
    write(log, "dora")
    assert verdict(log, noted).broken == ""
    (path,) = journal.files(log.folder)
    edit(path, 3, lambda _: "")
    edit(path, 3, lambda _: "")
    assert verdict(log).broken == "", "the chain alone cannot show that its end is missing"
    assert "number 3 is not as it was noted" in verdict(log, noted).broken


def test_the_chain_goes_on_from_day_to_day_and_after_old_files_are_gone(
    log: Journal, clock: Clock
) -> None:
    for _ in range(40):
        write(log, "ann")
        clock.now += timedelta(days=1)
    names = [path.name for path in journal.files(log.folder)]
    assert len(names) == 32, "thirty days, today, and the day that is not over"
    assert verdict(log).broken == ""
    journal.files(log.folder)[0].unlink()
    assert "those before it are missing" in verdict(log).broken


def test_all_files_together_have_a_size(
    log: Journal, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "FILE_BYTES", 2000)
    small = Journal(tmp_path / "audit", days=30, most_bytes=8000, now=clock)
    write(small, *(f"person{number}" for number in range(100)))
    assert sum(path.stat().st_size for path in journal.files(small.folder)) < 12_000
    assert {path.name[:16] for path in journal.files(small.folder)} == {"audit-2026-11-30"}
    assert verdict(small).broken == ""
    told = [one for one in journal.newest_first(small.folder) if one["what"] == chain.REMOVED]
    assert {one["why"] for one in told} == {"size"}


def test_a_clock_that_was_put_back_goes_on_in_the_newest_file(log: Journal, clock: Clock) -> None:
    write(log, "ann")
    clock.now -= timedelta(days=2)
    write(log, "bob")
    assert len(journal.files(log.folder)) == 1
    assert verdict(log).lines == 2


def test_a_line_that_a_crash_cut_off_is_taken_away_and_said(log: Journal) -> None:
    write(log, "ann", "bob")
    (path,) = journal.files(log.folder)
    with path.open("a") as file:
        file.write('{"n": 3, "what": "log')
    assert "21 bytes" in log.append([log.entry("login", on="carl")])
    assert verdict(log).broken == ""
    assert [one["what"] for one in journal.newest_first(log.folder)][:2] == [
        "login",
        "audit.healed",
    ]


def test_two_who_write_hold_one_chain(tmp_path: Path, clock: Clock) -> None:
    one, other = (Journal(tmp_path / "audit", now=clock) for _ in range(2))
    for name in "abcdef":
        write(one if name in "ace" else other, name)
    assert verdict(one).lines == 6
    assert verdict(one).broken == ""


def test_a_line_ends_somewhere(log: Journal) -> None:
    deep: Any = "x" * 1000
    for _ in range(30):
        deep = [deep] * 60
    for many in ([{"a": "b" * 1000}] * 1000, deep):
        log.append([log.entry("x", on="n" * 10_000, many=many)])
    (path,) = journal.files(log.folder)
    assert path.stat().st_size < 2 * 20_000
    assert verdict(log).broken == ""


def test_what_is_in_it_can_be_printed(log: Journal) -> None:
    log.append([log.entry("x", on="\x1b[2Jann\n", many={"\x07": ["\u202e"]})])
    (told,) = journal.newest_first(log.folder)
    assert (told["on"], told["many"]) == ("\ufffd[2Jann\ufffd", {"\ufffd": ["\ufffd"]})


def test_only_who_was_told_for_how_long_removes_anything(tmp_path: Path, clock: Clock) -> None:
    log = Journal(tmp_path / "audit", days=30, now=clock)
    write(log, "ann")
    clock.now += timedelta(days=400)
    write(Journal(tmp_path / "audit", now=clock), "operator")
    assert len(journal.files(log.folder)) == 2
    write(log, "bob")
    assert len(journal.files(log.folder)) == 1


def test_only_its_owner_can_read_it(log: Journal) -> None:
    write(log, "ann")
    assert log.folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in log.folder.iterdir()} == {0o600}


def test_a_disk_that_gets_full_in_the_middle_of_a_line_leaves_nothing_of_it(
    log: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a buffer still held was written after all, when the file was closed."""
    write(log, "ann")
    (path,) = journal.files(log.folder)
    size = path.stat().st_size
    limits, truncate = resource.getrlimit(resource.RLIMIT_FSIZE), os.ftruncate

    def truncated(descriptor: int, length: int) -> None:
        truncate(descriptor, length)
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)  # there is room again

    monkeypatch.setattr(os, "ftruncate", truncated)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * size - 50, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            write(log, "bob")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.stat().st_size == size
    write(log, "bob")
    assert verdict(log).broken == ""


def test_a_file_that_cannot_be_removed_has_nothing_written_twice(
    log: Journal, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(log, "ann")
    clock.now += timedelta(days=40)
    write(log, "bob")

    def refused(_: Path) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "unlink", refused)
    write(log, "carl")
    assert verdict(log).broken == ""


def test_a_number_that_json_does_not_have_is_no_way_around_who_reads_it(log: Journal) -> None:
    log.append([log.entry("x", remove=float("nan"), many=[float("inf")])])
    ((_, line),) = journal.lines(log.folder)

    def none_there(found: str) -> None:
        raise AssertionError(found)

    assert json.loads(line, parse_constant=none_there)["remove"] == "nan"
    assert verdict(log).broken == ""
