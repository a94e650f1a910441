"""Changelogs read and written."""

from datetime import date

import pytest

from jhub_docker.catalog.version import Version
from jhub_docker.errors import UsageError
from jhub_docker.locks.refresh import Change
from jhub_docker.release import changelog

TEXT = """\
# Changelog

The form is Keep a Changelog.

## [Unreleased]

### Added
- One thing,
  over two lines.

### Fixed
- Another.

## [0.1.0] - 2026-01-01

### Added
- The first.
"""
DAY = date(2026, 11, 24)


def test_what_is_unreleased() -> None:
    assert changelog.unreleased(TEXT) == {
        "Added": "- One thing,\n  over two lines.",
        "Fixed": "- Another.",
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# Changelog\n", "no section"),
        ("# Changelog\n\n## [Unreleased]\n- Loose.\n", "'- Loose.'"),
        ("# Changelog\n\n## [Unreleased]\n\n### New\n- A.\n", "'### New'"),
    ],
)
def test_what_cannot_be_released(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        changelog.unreleased(text)


def test_a_release_takes_what_is_unreleased_and_adds_packages_and_commits() -> None:
    changes = [
        Change("jupyterlab", "4.6.5", "4.6.6", True),
        Change("anyio", None, "4.12", False),
        Change("tornado", "6.5", None, False),
        Change("git (Debian)", None, "", True),
    ]
    section = changelog.section(
        Version(0, 2, 0), DAY, changelog.unreleased(TEXT), changes, ["abc1234 Do it"]
    )
    assert (
        changelog.released(TEXT, section)
        == """\
# Changelog

The form is Keep a Changelog.

## [Unreleased]

## [0.2.0] - 2026-11-24

### Added
- One thing,
  over two lines.
- anyio 4.12 (indirect)
- git (Debian)

### Changed
- jupyterlab 4.6.5 -> 4.6.6

### Removed
- tornado 6.5 (indirect)

### Fixed
- Another.

Commits:

* `abc1234` Do it

## [0.1.0] - 2026-01-01

### Added
- The first.
"""
    )


def test_the_next_release_finds_nothing_unreleased() -> None:
    first = changelog.released(TEXT, changelog.section(Version(0, 2, 0), DAY, {"Added": "- A."}))
    assert changelog.unreleased(first) == {}
    assert first.count("## [") == 3
