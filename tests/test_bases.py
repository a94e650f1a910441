"""Which base is used, and where a stand-in's packages come from."""

import pytest

from jhub_docker.build import bases
from jhub_docker.errors import UsageError
from jhub_docker.host import rootfs

TARGETS = """\
http://mirror.example/debian/|bookworm|Debian|Debian
http://mirror.example/debian/|bookworm-updates|Debian|Debian
http://mirror.example/security/|bookworm-security|Debian-Security|Debian
https://other.example/apt/|cloud|Cloud|Somebody
"""


def test_sources_follow_the_machines_own_archives() -> None:
    archives = rootfs.parse_index_targets(TARGETS)
    assert rootfs.sources_for("trixie", archives) == [
        "deb http://mirror.example/debian trixie main",
        "deb http://mirror.example/debian trixie-updates main",
        "deb http://mirror.example/security trixie-security main",
    ]


def test_without_an_archive_debootstrap_uses_its_own() -> None:
    assert rootfs.sources_for("bookworm", rootfs.parse_index_targets("")) == []


def test_each_suite_has_its_own_root_file_system() -> None:
    assert bases.root_file_system("bookworm").digest != bases.root_file_system("trixie").digest


def test_a_root_file_system_for_another_platform_is_the_same_recipe_under_another_tag() -> None:
    own, arm = bases.root_file_system("bookworm"), bases.root_file_system("bookworm", "linux/arm64")
    assert arm.digest == own.digest
    assert arm.reference == f"{own.reference}-arm64"


def test_a_platforms_image_is_found_in_a_public_index() -> None:
    def entry(digest: str, **platform: str) -> dict[str, object]:
        return {"digest": digest, "platform": platform}

    index = {
        "manifests": [
            entry("sha256:a", os="linux", architecture="amd64"),
            entry("sha256:b", os="linux", architecture="arm64", variant="v8"),
            entry("sha256:c", os="unknown", architecture="unknown"),
        ]
    }
    assert bases.manifest_for(index, "linux/arm64") == "sha256:b"
    assert bases.manifest_for(index, "linux/riscv64") is None
    assert bases.manifest_for({"config": {}}, "linux/arm64") is None, "a single image's manifest"


def test_lane_is_one_variable_away() -> None:
    assert bases.lane({}) == "bookworm"
    assert bases.lane({"JHUB_DOCKER_LANE": "trixie"}) == "trixie"
    with pytest.raises(UsageError, match="JHUB_DOCKER_LANE is 'sid'; expected one of"):
        bases.lane({"JHUB_DOCKER_LANE": "sid"})


def test_unknown_mode_is_refused() -> None:
    with pytest.raises(UsageError, match="--base is 'push'; expected one of auto, pull, standin"):
        bases.mode("push")
