"""A version written into the files of a package."""

import tomllib
from pathlib import Path

import pytest

from jhub_docker.catalog import ImageSpec, load
from jhub_docker.catalog.version import Version
from jhub_docker.errors import UsageError
from jhub_docker.release import commits

SPECS = load(Path(__file__).parents[2] / "packages").published
NEXT = Version(9, 8, 7)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_one_line_of_each_file_changes(spec: ImageSpec) -> None:
    before = (spec.folder / "pyproject.toml").read_text()
    pairs = [(before, commits.with_version(before, "[project]", NEXT))]
    if spec.has_lock:
        before = (spec.folder / "uv.lock").read_text()
        pairs.append(
            (before, commits.with_version(before, f'[[package]]\nname = "{spec.name}"', NEXT))
        )
    for before, after in pairs:
        lines = zip(before.splitlines(), after.splitlines(), strict=True)
        assert [b for a, b in lines if a != b] == ['version = "9.8.7"']


def test_only_the_projects_own_version_counts() -> None:
    text = '[tool.x]\nversion = "1"\n\n[project]\nname = "a"\nversion = "1.0.0"\n'
    changed = tomllib.loads(commits.with_version(text, "[project]", NEXT))
    assert (changed["project"]["version"], changed["tool"]["x"]["version"]) == ("9.8.7", "1")


@pytest.mark.parametrize("text", ['[project]\nname = "a"\n', '[tool.x]\nversion = "1.0.0"\n'])
def test_a_project_without_a_version(text: str) -> None:
    with pytest.raises(UsageError, match="below \\[project\\]"):
        commits.with_version(text, "[project]", NEXT)
