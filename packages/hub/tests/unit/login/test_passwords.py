"""Passwords that are refused, with the reason, and hashes."""

import asyncio
import threading
from typing import Any

import pytest
from zxcvbn import matching

from hub_config.login import credentials
from hub_config.login.credentials import BusyError

SWAPPED = "4@8({[<369e3!1|7$5%+2"
"""All letters that zxcvbn takes for others, whose combinations it tries."""


def complaint(password: str, name: str, minimum_length: int) -> str:
    return asyncio.run(credentials.password_complaint(password, name, minimum_length))


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


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """What zxcvbn does: how many parts of a password it looks up, on how many letters at most."""
    done = {"parts": 0, "letters": 0}
    real = matching.dictionary_match

    def counted(password: str, *_: Any, **__: Any) -> Any:
        done["letters"] = max(done["letters"], len(password))
        done["parts"] += len(password) * (len(password) + 1) // 2
        return real(password, *_, **__)

    monkeypatch.setattr(matching, "dictionary_match", counted)
    return done


BOUND = 250_000
"""Parts looked up: a tenth of what 72 of these letters came to."""


@pytest.mark.parametrize(
    "password",
    [
        (SWAPPED * 4)[:72],
        SWAPPED * 3,
        SWAPPED[::-1] * 3,
        SWAPPED[:12] * 6,
        ("ab" + SWAPPED) * 3,
        "1|7!(+" * 12,
        "@4({[<69" * 9,
        "correct horse 9 " * 4,
        "1234567890" * 7,
        "a" * 72,
    ],
)
def test_nobody_can_make_a_password_costly_to_judge(password: str, work: dict[str, int]) -> None:
    complaint(password, "alice", 10)
    assert 0 < work["letters"] <= credentials.JUDGED
    assert work["parts"] < BOUND


def test_what_is_too_long_is_not_even_looked_at(work: dict[str, int]) -> None:
    assert "too long" in complaint(SWAPPED * 100_000, "alice", 10)
    assert work["parts"] == 0


def test_passwords_are_judged_away_from_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = []
    real = credentials.zxcvbn
    monkeypatch.setattr(
        credentials, "zxcvbn", lambda *a: (threads.append(threading.get_ident()), real(*a))[1]
    )
    complaint("correct horse 9", "alice", 10)
    assert threads
    assert threading.get_ident() not in threads


def test_the_loop_answers_while_a_password_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """The judge waits for an answer of the loop: if it held the loop up, neither would go on."""
    answered = threading.Event()

    def judge(*_: Any) -> dict[str, Any]:
        return {"score": 4 if answered.wait(60) else 0, "feedback": {"warning": "The loop stood."}}

    async def both() -> str:
        judged = asyncio.create_task(credentials.password_complaint(SWAPPED[:20], "alice", 10))
        asyncio.get_running_loop().call_soon(answered.set)
        return await judged

    monkeypatch.setattr(credentials, "zxcvbn", judge)
    assert asyncio.run(both()) == ""


def test_only_the_right_password_matches() -> None:
    async def check() -> list[bool]:
        stored = await credentials.make_hash("correct horse 9")
        return [
            await credentials.matches("correct horse 9", stored),
            await credentials.matches("correct horse 8", stored),
            await credentials.matches("", stored),
            await credentials.matches("x" * 100, stored),
            await credentials.matches("correct horse 9", None),
        ]

    assert asyncio.run(check()) == [True, False, False, False, False]


def test_more_than_the_bound_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "MOST_WAITING", 2)

    async def three() -> list[object]:
        checks = (credentials.matches("x", None) for _ in range(3))
        return list(await asyncio.gather(*checks, return_exceptions=True))

    assert [type(answer) for answer in asyncio.run(three())] == [bool, bool, BusyError]


def test_hashes_with_other_rounds_are_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    old = credentials.hash_now("correct horse 9")
    assert not credentials.outdated(old)
    monkeypatch.setattr(credentials, "ROUNDS", 5)
    assert credentials.outdated(old)
