"""Names one may sign up for, and the rule that the message names for the others."""

from itertools import product

import pytest

from hub_config import names
from hub_config.login.credentials import Taken, name_complaint


@pytest.mark.parametrize(
    "name", ["alice", "a", "bob.smith", "x-1", "ann@example.org", "a" * 64, "0day", "n_1"]
)
def test_ordinary_names_are_fine(name: str) -> None:
    assert name_complaint(name) == ""


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("", "choose a user name"),
        ("a" * 65, "65 characters; at most 64"),
        ("Alice", "lower case: alice"),
        ("Eva Müller", "not allowed: space ü"),
        ("a b", "not allowed: space"),
        ("we?ird", "not allowed: ?"),
        ("a%2fb", "not allowed: %"),
        ("a/b", "not allowed: /"),
        ("a\n", "not allowed: space"),
        ("..", "begins and ends"),
        (".a", "begins and ends"),
        ("a-", "begins and ends"),
        ("a..b", "may not follow each other"),
        ("12345", "at least one letter"),
        ("jürgen", "not allowed: ü"),
        ("аlice", "not allowed: а"),  # noqa: RUF001  Cyrillic
        ("root", "reserved"),
        ("admin", "reserved"),
        ("adm1n", "reserved"),
        ("ad.min", "reserved"),
        ("hub", "reserved"),
        ("api", "reserved"),
        ("nebula", "reserved"),
        ("jupyterhub", "reserved"),
    ],
)
def test_what_is_wrong_is_named(name: str, rule: str) -> None:
    assert rule in name_complaint(name)


@pytest.mark.parametrize("other", ["alice", "Alice", "ALICE", "\uff41lice"])
def test_a_name_that_is_there_in_another_form_is_taken(other: str) -> None:
    assert "already in use" in Taken([other], []).complaint("alice")


def test_names_that_are_allowed_side_by_side_differ_once_escaped_for_docker() -> None:
    signs = "a5f2d._-@"
    allowed = [
        "".join(word) for word in product(signs, repeat=4) if not name_complaint("".join(word))
    ]
    assert len({names.part(name) for name in allowed}) == len(allowed) > 1000


@pytest.mark.parametrize("name", ["b0ss", "bo.ss", "boss-", "bo55"])
def test_nobody_can_look_like_an_admin(name: str) -> None:
    assert "administrator" in Taken(["boss"], ["boss"]).complaint(name)
    assert Taken(["boss"], []).complaint(name) == "", "people who are no admins may be alike"


def test_others_may_be_there() -> None:
    assert Taken(["alicia", "bob", "a-lice"], ["admin"]).complaint("alice") == ""
