"""Whose container is it: left over from a killed run, or in use by one that still runs."""

import os
from dataclasses import replace

import pytest

from jhub_testing.ownership import (
    FOREIGN_AGE,
    OWNER,
    SESSION,
    Process,
    is_left_over,
    start_time,
    this_process,
)

HERE = Process("boot/1", 100, "5000", 1_000_000)
NOW = HERE.since + 60


def _labels(owner: object) -> dict[str, str]:
    return {SESSION: "abc", OWNER: str(owner)}


def test_running_owner_keeps_it() -> None:
    assert not is_left_over(_labels(HERE), HERE, HERE.started, NOW)


def test_ended_owner_loses_it() -> None:
    assert is_left_over(_labels(HERE), HERE, None, NOW)


def test_pid_of_another_process_is_no_owner() -> None:
    assert is_left_over(_labels(HERE), HERE, "9999", NOW)


@pytest.mark.parametrize(("age", "expected"), [(60, False), (FOREIGN_AGE + 1, True)])
def test_other_machine_is_judged_by_age(age: int, expected: bool) -> None:
    there = replace(HERE, machine="other/1")
    assert is_left_over(_labels(there), HERE, None, HERE.since + age) is expected


def test_what_is_not_ours_stays() -> None:
    assert not is_left_over({"some": "label"}, HERE, None, NOW)


def test_unreadable_owner_is_none() -> None:
    assert is_left_over(_labels("garbage"), HERE, None, NOW)


def test_owner_survives_the_label() -> None:
    me = this_process()
    assert me.pid == os.getpid()
    assert Process.parse(str(me)) == me
    assert start_time(me.pid) == me.started
