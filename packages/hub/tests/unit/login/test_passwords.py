"""Passwords that are refused, with the reason, and hashes."""

import asyncio

import pytest

from hub_config.login import hashing
from hub_config.login.errors import BusyError
from hub_config.login.passwords import complaint


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short", "at least 10 characters"),
        ("", "at least 10 characters"),
        ("x" * 73, "too long: 72 letters at most"),
        ("ä" * 40, "too long: 72 letters at most"),
        ("nul\0nul\0nul\0", "the character NUL"),
        ("password123", "too easy"),
        ("1234567890", "too easy"),
        ("qwertzuiop1", "too easy"),
        ("aaaaaaaaaaaa", "too easy"),
        ("jupyterhub1", "too easy"),
        ("alexandra1", "must not be the user name"),
        ("my-Alexandra1-pw", "must not contain the user name"),
    ],
)
def test_what_is_wrong_is_named(password: str, reason: str) -> None:
    assert reason in complaint(password, "alexandra1", 10)


@pytest.mark.parametrize("password", ["correct horse 9", "kQ3-vv81-xtrp", "nachts fährt kein zug"])
def test_good_ones_are_taken(password: str) -> None:
    assert complaint(password, "alice", 10) == ""


def test_only_the_right_password_matches() -> None:
    async def check() -> list[bool]:
        stored = await hashing.make_hash("correct horse 9")
        return [
            await hashing.matches("correct horse 9", stored),
            await hashing.matches("correct horse 8", stored),
            await hashing.matches("", stored),
            await hashing.matches("x" * 100, stored),
            await hashing.matches("correct horse 9", None),
        ]

    assert asyncio.run(check()) == [True, False, False, False, False]


def test_more_than_the_bound_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "MOST_WAITING", 2)

    async def three() -> list[object]:
        checks = (hashing.matches("x", None) for _ in range(3))
        return list(await asyncio.gather(*checks, return_exceptions=True))

    assert [type(answer) for answer in asyncio.run(three())] == [bool, bool, BusyError]


def test_hashes_with_other_rounds_are_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    old = hashing.hash_now("correct horse 9")
    assert not hashing.outdated(old)
    monkeypatch.setattr(hashing, "ROUNDS", 5)
    assert hashing.outdated(old)
