"""Which base is used, and where a stand-in's packages come from."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from jhub_docker.build import bases
from jhub_docker.build.bases import Here
from jhub_docker.build.plan import Base, BuiltImage
from jhub_docker.catalog import Catalog
from jhub_docker.errors import UsageError
from jhub_docker.host import rootfs
from jhub_docker.host.apt import Archive

ARCHIVES = [
    Archive("trixie", "main", "Debian", "Debian", "http://mirror.example/debian/"),
    Archive("trixie", "main", "Debian", "Debian", "http://another.example/debian/"),
    Archive("trixie-security", "main", "Debian", "Debian-Security", "http://mirror.example/sec/"),
    Archive("cloud", "main", "Somebody", "Debian", "https://other.example/apt/"),
]


def test_sources_follow_the_machines_own_archives() -> None:
    assert rootfs.sources_for("trixie", ARCHIVES) == [
        "deb http://mirror.example/debian trixie main",
        "deb http://mirror.example/debian trixie-updates main",
        "deb http://mirror.example/sec trixie-security main",
    ]


def test_without_an_archive_debootstrap_uses_its_own() -> None:
    assert rootfs.sources_for("bookworm", []) == []


def test_each_suite_has_its_own_root_file_system() -> None:
    assert bases.root_file_system("bookworm").digest != bases.root_file_system("trixie").digest


def test_a_root_file_system_for_another_platform_is_the_same_recipe_under_another_tag() -> None:
    own, arm = bases.root_file_system("bookworm"), bases.root_file_system("bookworm", "linux/arm64")
    assert arm.digest == own.digest
    assert arm.reference == f"{own.reference}-arm64"


def test_lane_is_one_variable_away() -> None:
    assert bases.lane({}) == "bookworm"
    assert bases.lane({"JHUB_DOCKER_LANE": "trixie"}) == "trixie"
    with pytest.raises(UsageError, match="JHUB_DOCKER_LANE is 'sid'; expected one of"):
        bases.lane({"JHUB_DOCKER_LANE": "sid"})


def test_unknown_mode_is_refused() -> None:
    with pytest.raises(UsageError, match="--base is 'push'; expected one of auto, pull, standin"):
        bases.mode("push")


PUBLIC = "registry.example.org/os:1"
PINNED = f"{PUBLIC}@sha256:{'a' * 64}"
ELSEWHERE = Base(PUBLIC, f"sha256:{'b' * 64}")
STANDIN = BuiltImage("sha256:x", "os", "id", {})


@pytest.mark.parametrize(
    ("declared", "mode", "images", "public", "expected"),
    [
        (PUBLIC, "auto", (), {}, Base(PUBLIC, "")),
        (PUBLIC, "auto", (), {PUBLIC: ELSEWHERE}, ELSEWHERE),
        (PUBLIC, "auto", (STANDIN,), {}, None),
        (PUBLIC, "auto", (STANDIN,), {PUBLIC: ELSEWHERE}, ELSEWHERE),
        (PUBLIC, "standin", (), {PUBLIC: ELSEWHERE}, None),
        (PINNED, "auto", (), {}, Base(PINNED, f"sha256:{'a' * 64}")),
        (PINNED, "pull", (STANDIN,), {}, Base(PINNED, f"sha256:{'a' * 64}")),
        (PINNED, "auto", (STANDIN,), {}, None),
        (PINNED, "standin", (), {}, None),
    ],
)
def test_what_is_known_of_a_base_without_pulling_it(
    make_package: Callable[..., Path],
    read: Callable[[], Catalog],
    declared: str,
    mode: bases.Mode,
    images: tuple[BuiltImage, ...],
    public: Mapping[str, Base],
    expected: Base | None,
) -> None:
    make_package("os", own=f"public.bookworm = '{declared}'")
    make_package("one", base="os")
    catalog = read()
    found = bases.resolve(
        catalog,
        [catalog["one"]],
        mode,
        "bookworm",
        act=False,
        here=Here(images, public),
    )
    assert found.get("os") == expected
    assert ("debian" in found) == (expected is None), "what a stand-in starts from"


def test_a_variable_that_names_no_image_is_refused(
    make_package: Callable[..., Path], read: Callable[[], Catalog]
) -> None:
    make_package("os", own=f"public.bookworm = '{PUBLIC}'")
    spec = read()["os"]
    assert bases.public_reference(spec, "bookworm", {}) == PUBLIC
    assert bases.public_reference(spec, "bookworm", {"JHUB_DOCKER_OS": PINNED}) == PINNED
    with pytest.raises(UsageError, match=r"JHUB_DOCKER_OS is 'x@sha256:1'; expected an image"):
        bases.public_reference(spec, "bookworm", {"JHUB_DOCKER_OS": "x@sha256:1"})
