"""Every task that the runbook shows is run by a test on a platform of its own, or on an engine."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/operations.md").read_text("utf-8")
DAYS = PAGE[PAGE.index("## First day") : PAGE.index("## Networks that")]
TASKS = set(re.findall(r"\./dev invoke ([a-z.-]+)", DAYS))
RUN = {
    task
    for folder in ("integration", "integration/operations", "tests/engine", "tests")
    for source in (ROOT / folder).glob("*.py")
    for task in re.findall(r'(?:invoke|refused)\(\s*"([a-z.-]+)"', source.read_text("utf-8"))
}


@pytest.mark.parametrize("task", sorted(TASKS))
def test_a_test_runs_it(task: str) -> None:
    assert task in RUN
