"""Which version a change asks for."""

import pytest

from jhub_docker.catalog.version import Version
from jhub_docker.errors import UsageError
from jhub_docker.locks.refresh import Change
from jhub_docker.release.version import check_bump, propose

LAST = Version(1, 2, 3)


def change(before: str | None, after: str | None, *, direct: bool = True) -> Change:
    return Change("thing", before, after, direct)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([], "1.2.4"),
        ([change("1.4.1", "1.4.2")], "1.2.4"),
        ([change("1.4.1", "1.5.0", direct=False)], "1.2.4"),
        ([change("1.4.1", "1.5.0")], "1.3.0"),
        ([change("1.4.1", "2.0.0")], "1.3.0"),
        ([change("2026.4.0", "2026.6.0")], "1.3.0"),
        ([change(None, "1.0", direct=False)], "1.3.0"),
        ([change("1.0", None, direct=False)], "2.0.0"),
        ([change(None, "1.0"), change("1.0", None)], "2.0.0"),
    ],
)
def test_what_changed_decides(changes: list[Change], expected: str) -> None:
    assert str(propose(LAST, LAST, changes).version) == expected


def test_another_python_is_major() -> None:
    proposal = propose(LAST, LAST, python=(">=3.11,<3.12", ">=3.12,<3.13"))
    assert str(proposal.version) == "2.0.0"
    assert ">=3.12,<3.13" in proposal.reason


def test_the_reason_names_packages() -> None:
    assert "thing 1.4.1 -> 1.5.0" in propose(LAST, LAST, [change("1.4.1", "1.5.0")]).reason


@pytest.mark.parametrize(
    ("bump", "expected"), [("patch", "1.2.4"), ("minor", "1.3.0"), ("major", "2.0.0")]
)
def test_a_wish_overrides_what_changed(bump: str, expected: str) -> None:
    assert str(propose(LAST, LAST, [change("1.0", None)], bump=bump).version) == expected


@pytest.mark.parametrize(
    ("declared", "expected"),
    [("1.2.3", "1.3.0"), ("1.2.4", "1.3.0"), ("1.3.0", "1.3.0"), ("2.0.0", "2.0.0")],
)
def test_a_raised_declaration_counts_where_it_is_enough(declared: str, expected: str) -> None:
    proposal = propose(LAST, Version.parse(declared), [change(None, "1.0")])
    assert str(proposal.version) == expected


def test_the_first_release_has_the_declared_version() -> None:
    assert str(propose(None, Version(0, 1, 0)).version) == "0.1.0"
    assert str(propose(None, Version(0, 1, 0), bump="major").version) == "1.0.0"


def test_versions_order_by_number() -> None:
    assert Version.parse("1.10.0") > Version.parse("1.9.9")


@pytest.mark.parametrize("text", ["1.2", "v1.2.3", "1.2.3-rc1", "01.2.3", "latest"])
def test_what_is_no_version(text: str) -> None:
    with pytest.raises(UsageError, match="expected one such as"):
        Version.parse(text)


def test_unknown_bump() -> None:
    with pytest.raises(UsageError, match="one of auto, patch, minor, major"):
        check_bump("huge")
