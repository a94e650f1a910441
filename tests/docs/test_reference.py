"""docs/commands.md says of every task and session what they say of themselves."""

import os
from pathlib import Path

from jhub_testing import reference
from jhub_testing.isolation.cases import WRITE_VARIABLE

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "commands.md"


def test_the_page_is_what_tasks_and_sessions_declare() -> None:
    expected = reference.page(ROOT)
    if os.environ.get(WRITE_VARIABLE):
        PAGE.write_text(expected, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == expected, f"run {WRITE_VARIABLE}=1 ./dev nox -s docs"
