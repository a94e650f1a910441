"""Which images a change touches, judged by paths and by what is built from what."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from jhub_docker.catalog import Catalog, changed
from jhub_docker.errors import ActionError


@pytest.fixture
def catalog(make_package: Callable[..., Path], read: Callable[[], Catalog]) -> Catalog:
    """tools and base (unpublished) under lab and marimo; hub uses the tools only."""
    make_package("tools", own="publish = false")
    make_package("base", own="publish = false")
    make_package("lab", base="base", own='uses = ["tools"]')
    make_package("marimo", base="base")
    make_package("hub", own='uses = ["tools"]')
    return read()


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ([], set()),
        (["packages/lab/uv.lock"], {"lab"}),
        (["packages/lab/tests/test_lab.py"], {"lab"}),
        (["packages/base/rootfs/etc/profile"], {"lab", "marimo"}),
        (["packages/tools/Dockerfile"], {"lab", "hub"}),
        (["packages/hub/Dockerfile", "packages/marimo/uv.lock"], {"hub", "marimo"}),
        (["src/jhub_docker/build/plan.py"], {"lab", "marimo", "hub"}),
        (["compose.yaml"], {"lab", "marimo", "hub"}),
        (["packages/removed/Dockerfile"], {"lab", "marimo", "hub"}),
        (["README.md", "packages/lab/CHANGELOG.md", "tests/docs/test_links.py"], set()),
        (["packages/lab/etc/README.md"], {"lab"}),
    ],
)
def test_touched(catalog: Catalog, paths: list[str], expected: set[str]) -> None:
    assert set(changed.touched(catalog, paths)) == expected


def test_paths_since_a_branch_point(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run(["git", "-C", str(tmp_path), *identity, *arguments], check=True)

    git("init", "-q", "-b", "main")
    git("commit", "-q", "--allow-empty", "-m", "first")
    git("switch", "-q", "-c", "topic")
    (tmp_path / "with space").write_text("x")
    git("add", ".")
    git("commit", "-q", "-m", "second")
    assert changed.paths_since(tmp_path, "main") == ["with space"]
    with pytest.raises(ActionError, match="cannot tell what changed since 'nowhere'"):
        changed.paths_since(tmp_path, "nowhere")
