"""What lock files pin and a platform cannot install is named, without an engine or a network."""

from collections.abc import Callable
from pathlib import Path

import pytest

from jhub_docker.catalog import Catalog, load
from jhub_docker.errors import UsageError
from jhub_docker.locks import installable, uv_lock
from jhub_docker.locks.installable import python_lacks
from jhub_docker.locks.uv_lock import UvLock

ROOT = Path(__file__).parents[1]
ARM, AMD = "linux/arm64", "linux/amd64"


def locked(*wheels: str, sdist: bool = False, marker: str = "") -> UvLock:
    """A uv.lock of a project that needs the package `thing`, which has these wheels."""
    need = f'{{ name = "thing", marker = "{marker}" }}'
    files = ", ".join(f'{{ url = "https://example.org/x/thing-1.0-{t}.whl" }}' for t in wheels)
    source = 'sdist = { url = "https://example.org/x/thing-1.0.tar.gz" }' if sdist else ""
    return uv_lock.parse(
        f'[[package]]\nname = "image"\nsource = {{ virtual = "." }}\ndependencies = [{need}]\n'
        '[[package]]\nname = "thing"\nversion = "1.0"\nsource = { registry = "index" }\n'
        f"wheels = [{files}]\n{source}\n"
    )


@pytest.mark.parametrize(
    "tags",
    [
        "py3-none-any",
        "cp311-cp311-manylinux_2_17_aarch64.manylinux2014_aarch64",
        "cp311-cp311-manylinux2014_aarch64",
        "cp39-abi3-manylinux_2_28_aarch64",
        "py3-none-linux_aarch64",
    ],
)
def test_wheels_for_arm64(tags: str) -> None:
    assert python_lacks(locked(tags), "3.11", ARM) == {}


@pytest.mark.parametrize(
    "tags",
    [
        "cp311-cp311-manylinux_2_17_x86_64",
        "cp311-cp311-musllinux_1_2_aarch64",
        "cp311-cp311-macosx_11_0_arm64",
        "cp311-cp311-win_arm64",
        "cp312-cp312-manylinux_2_17_aarch64",
        "cp311-cp311-manylinux_2_39_aarch64",  # of a newer glibc than Debian 12's
    ],
)
def test_wheels_that_arm64_cannot_use(tags: str) -> None:
    assert python_lacks(locked(tags), "3.11", ARM) == {"thing 1.0": False}
    assert python_lacks(locked(tags, sdist=True), "3.11", ARM) == {"thing 1.0": True}


def test_each_platform_is_judged_by_its_own_wheels() -> None:
    lock = locked("cp311-cp311-manylinux1_x86_64")
    assert python_lacks(lock, "3.11", AMD) == {}
    assert python_lacks(lock, "3.11", ARM) == {"thing 1.0": False}


def test_what_only_another_platform_or_python_needs_does_not_count() -> None:
    only_amd64 = locked(marker="platform_machine == 'x86_64'")
    assert python_lacks(only_amd64, "3.11", ARM) == {}
    assert python_lacks(only_amd64, "3.11", AMD) == {"thing 1.0": False}
    newer = locked(marker="python_full_version >= '3.11.5'")
    assert python_lacks(newer, "3.11", ARM) == {"thing 1.0": False}
    assert python_lacks(newer, "3.10", ARM) == {}


def test_an_image_is_refused_by_name_and_what_is_built_from_source_is_told(
    make_package: Callable[..., Path], read: Callable[[], Catalog]
) -> None:
    requires = 'requires-python = ">=3.11"'
    folder = make_package("thingy", project=requires)
    (folder / "uv.lock").write_text(
        'version = 1\n[[package]]\nname = "thingy"\nsource = { virtual = "." }\n'
        'dependencies = [{ name = "thing" }]\n[[package]]\nname = "thing"\nversion = "1.0"\n'
        'source = { registry = "https://example.org/simple" }\n'
        'wheels = [{ url = "https://example.org/thing-1.0-cp311-cp311-manylinux_2_17_x86_64.whl" }]'
    )
    specs = read().specs.values()
    with pytest.raises(UsageError, match=r"thingy: thing 1.0 has nothing to install for linux/arm"):
        installable.require(specs)
    make_package("thingy", own='platforms = ["linux/amd64"]', project=requires)
    assert installable.require(read().specs.values()) == []
    make_package("thingy", project=requires)
    lock = (folder / "uv.lock").read_text()
    (folder / "uv.lock").write_text(f'{lock}\nsdist = {{ url = "https://example.org/t.tar.gz" }}\n')
    (lack,) = installable.require(read().specs.values())
    assert str(lack) == "thingy: thing 1.0 has only a source archive for linux/arm64"


def test_what_this_repository_locks_can_be_installed_on_every_platform() -> None:
    specs = load(ROOT / "packages").specs.values()
    assert {platform for spec in specs for platform in spec.platforms} == {AMD, ARM}
    installable.require(specs)
