"""What lock files pin and a platform cannot install is named, without an engine or a network."""

from collections.abc import Callable
from pathlib import Path

import pytest

from jhub_docker.catalog import Catalog, load
from jhub_docker.errors import UsageError
from jhub_docker.locks.refresh import require_installable

ROOT = Path(__file__).parents[1]
ARM, AMD = "linux/arm64", "linux/amd64"
Make = Callable[..., Path]
Read = Callable[[], Catalog]


def lock(
    folder: Path, wheel: str, *, sdist: bool = False, marker: str = "sys_platform == 'linux'"
) -> None:
    """Write the uv.lock of an image that needs the package `thing`, which has this wheel."""
    url, known = "https://example.org/thing-1.0", f'hash = "sha256:{"0" * 64}"'
    source = f'sdist = {{ url = "{url}.tar.gz", {known} }}' if sdist else ""
    (folder / "uv.lock").write_text(
        f'version = 1\nrequires-python = ">=3.11"\n[[package]]\nname = "{folder.name}"\n'
        f'version = "1.2.3"\nsource = {{ virtual = "." }}\n'
        f'dependencies = [{{ name = "thing", marker = "{marker}" }}]\n'
        '[[package]]\nname = "thing"\nversion = "1.0"\n'
        'source = { registry = "https://example.org/simple" }\n'
        f'wheels = [{{ url = "{url}-{wheel}.whl", {known} }}]\n{source}\n'
    )


def image(make_package: Make, own: str = "") -> Path:
    return make_package(
        "thingy", own=own, project='requires-python = ">=3.11"\ndependencies = ["thing"]'
    )


@pytest.mark.parametrize("wheel", ["py3-none-any", "py3-none-linux_aarch64.linux_x86_64"])
def test_what_each_platform_has_a_wheel_of_is_fine(
    wheel: str, make_package: Make, read: Read
) -> None:
    lock(image(make_package), wheel)
    require_installable(read().specs.values())


@pytest.mark.parametrize(
    "wheel",
    [
        "py3-none-manylinux_2_17_x86_64",
        "py3-none-musllinux_1_2_x86_64.manylinux_2_39_aarch64.manylinux_2_17_x86_64",
        "py3-none-manylinux_2_17_x86_64.macosx_11_0_arm64",
    ],
)
def test_what_arm64_has_nothing_of_is_refused_by_name(
    wheel: str, make_package: Make, read: Read
) -> None:
    folder = image(make_package)
    lock(folder, wheel)
    with pytest.raises(UsageError, match=r"thingy for linux/arm64: .*thing==1.0.* wheel for"):
        require_installable(read().specs.values())
    lock(folder, wheel, sdist=True)
    require_installable(read().specs.values())
    lock(folder, wheel, marker="platform_machine == 'x86_64'")
    require_installable(read().specs.values())
    lock(image(make_package, f'platforms = ["{AMD}"]'), wheel)
    require_installable(read().specs.values())


def test_what_this_repository_locks_can_be_installed_on_every_platform() -> None:
    specs = load(ROOT / "packages").specs.values()
    assert {platform for spec in specs for platform in spec.platforms} == {AMD, ARM}
    require_installable(specs)
