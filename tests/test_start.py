"""What every task waits for: importing the tasks, and reading what a build would be made from."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from jhub_docker.catalog import load
from jhub_testing.operator import invoke

ROOT = Path(__file__).parents[1]
SLOW = {"docker", "requests", "urllib3"}
"""Each takes longer to import than a build that has nothing to do takes for all it does."""

PROGRAM = """
import json, sys, tasks
from pathlib import Path
from jhub_docker.build import contexts
from jhub_docker.catalog import load
contexts.read(load(Path("packages")).specs.values())
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def test_tasks_and_build_contexts_load_nothing_that_takes_long() -> None:
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(result.stdout))
    assert "invoke" in loaded
    assert not loaded & SLOW


@pytest.mark.parametrize(
    "words",
    [
        ["release.rebuild", "--help"],
        ["release.yank", "uv-lab", "--help"],
        ["release", "-h"],
        ["release.verify", "127.0.0.1:1/a", "--key", "2", "--help"],
    ],
)
def test_a_task_tells_its_help_whatever_else_is_missing(words: list[str]) -> None:
    result = invoke(*words)
    assert result.returncode == 0, result.stderr
    assert f"[--core-opts] {words[0]} [--options]" in result.stdout


def test_a_plan_needs_no_engine() -> None:
    words = ("build", "--plan", "--json", "--base", "standin")
    result = invoke(*words, DOCKER_HOST="unix:///nonexistent/docker.sock")
    assert result.returncode == 0, result.stderr
    rows = json.loads(result.stdout)
    assert {row["image"] for row in rows} >= {one.name for one in load(ROOT / "packages").published}
    assert all(row["build"] and len(row["build_id"]) == 64 for row in rows)
