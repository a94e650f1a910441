"""docs/isolation.md has every case and every event, as they are declared."""

from pathlib import Path

from jhub_testing.isolation import cases

PAGE = Path(__file__).parents[2] / "docs" / "isolation.md"


def test_the_page_is_the_table_of_the_declared_cases() -> None:
    assert PAGE.read_text(encoding="utf-8") == cases.expected(), (
        "run integration/test_isolation.py with JHUB_TEST_WRITE_DOCS=1"
    )


def test_every_case_has_a_row_of_its_own() -> None:
    assert len({case.key for case in cases.CASES}) == len(cases.CASES)
    assert len({case.title for case in cases.CASES}) == len(cases.CASES)
