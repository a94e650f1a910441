"""Versions stay, and moving tags move only forward."""

from collections.abc import Callable

import pytest

from jhub_docker.errors import ActionError, UsageError
from jhub_docker.oci.layout import Descriptor, Layout
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import Remote
from jhub_docker.registry.version_tags import (
    moving_tags,
    publish_tags,
    settle,
)

MakeImage = Callable[..., Descriptor]


def test_a_hot_fix_of_an_old_line_moves_that_line_only() -> None:
    before = moving_tags(["1.1.2", "1.2.0"])
    assert before == {"1.1": "1.1.2", "1.2": "1.2.0", "1": "1.2.0", "latest": "1.2.0"}
    assert moving_tags(["1.1.2", "1.2.0", "1.1.3"]) == before | {"1.1": "1.1.3"}


def test_numbers_are_compared_as_numbers() -> None:
    assert moving_tags(["1.9.0", "1.10.0", "1.2.0"])["1"] == "1.10.0"


@pytest.mark.parametrize("version", ["2.0.0rc1", "2.0.0-rc.1", "2.0.0.dev3", "2.0.0b2"])
def test_a_pre_release_moves_nothing(version: str) -> None:
    assert moving_tags(["1.2.0", version]) == moving_tags(["1.2.0"])


def test_a_yanked_version_counts_for_nothing() -> None:
    assert moving_tags(["1.1.2", "1.2.0"], yanked={"1.2.0"}) == moving_tags(["1.1.2"])


def test_tags_that_are_no_versions_count_for_nothing() -> None:
    tags = ["latest", "1", "1.2", "git-1a2b3c4", "3.11", "python-3.11.9", "0" * 64, "20261124"]
    assert moving_tags(tags) == {}


def test_releases_write_versions_and_move_tags_forward(
    remote: Remote, repository: Reference, layout: Layout, make_image: MakeImage
) -> None:
    images = {
        version: remote.push(layout, make_image(version.encode()), repository)
        for version in ("1.1.2", "1.2.0", "1.1.3", "2.0.0rc1")
    }

    def shown() -> dict[str, str]:
        names = {image.digest: version for version, image in images.items()}
        held = {tag: remote.resolve(repository.tagged(tag)) for tag in remote.tags(repository)}
        return {tag: names[found.digest] for tag, found in held.items() if found}

    for version in ("1.1.2", "1.2.0"):
        written = publish_tags(remote, images[version], version)
        assert written == [version, "1", version[:3], "latest"]
    assert publish_tags(remote, images["1.1.3"], "1.1.3") == ["1.1.3", "1.1"]
    remote.tag(images["2.0.0rc1"], "2.0.0rc1")
    moving = {"1.1": "1.1.3", "1.2": "1.2.0", "1": "1.2.0", "latest": "1.2.0"}
    assert shown() == {version: version for version in images} | moving

    # Cut before the moving tags, run again: what is missing is written, and then nothing.
    remote.tag(images["1.1.2"], "latest")
    assert publish_tags(remote, images["1.2.0"], "1.2.0") == ["latest"]
    assert publish_tags(remote, images["1.2.0"], "1.2.0") == []

    first, latest, held = settle(remote, repository, yanked={"1.2.0"})
    assert first.endswith(": 1 is 1.1.3 now")
    assert latest.endswith(": latest is 1.1.3 now")
    assert "no other version is left for 1.2 (1.2.0)" in held
    assert shown()["latest"] == "1.1.3"


def test_a_version_is_never_overwritten(
    remote: Remote, repository: Reference, layout: Layout, make_image: MakeImage
) -> None:
    first = remote.push(layout, make_image(b"first"), repository)
    second = remote.push(layout, make_image(b"second"), repository)
    publish_tags(remote, first, "1.2.0")
    with pytest.raises(ActionError, match=f"published already, as {first.digest}"):
        publish_tags(remote, second, "1.2.0")
    held = remote.resolve(repository.tagged("1.2.0"))
    assert held is not None
    assert held.digest == first.digest


def test_a_moving_tag_is_no_version(remote: Remote, repository: Reference) -> None:
    with pytest.raises(UsageError, match=r"'1\.2' is no version"):
        publish_tags(remote, repository.at("sha256:" + "0" * 64), "1.2")
