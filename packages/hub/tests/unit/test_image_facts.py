"""What images say of themselves: their JupyterHub, where they come from, how they are named."""

import pytest

from hub_config.offer.cards import choose
from hub_config.offer.compatibility import LeftOut, why_not
from hub_config.offer.profiles import origin
from hub_config.settings.tables import parse_reference
from hub_config.told import Refusal

DIGEST = f"sha256:{'0123456789abcdef' * 4}"
BUILD = {"io.jhub-docker.build-id": "fedcba98765432100000"}
RELEASE = BUILD | {"io.jhub-docker.release": "1.2.0"}
DIRTY = {"org.opencontainers.image.revision": "c0ffee-dirty"}


@pytest.mark.parametrize("image", ["6.1.1", "6.0.0", "6.2.0b1", "6"])
def test_the_same_major_version_goes_together(image: str) -> None:
    assert why_not(image, "6.1.1") == ""


@pytest.mark.parametrize("image", ["5.4.0", "7.0.0", "61.0", "", "six", "6x.1", "-6.1"])
def test_all_else_does_not(image: str) -> None:
    assert why_not(image, "6.1.1")


@pytest.mark.parametrize(
    ("labels", "digests", "wanted", "told"),
    [
        (BUILD, [], None, "local build fedcba987654"),
        (BUILD | DIRTY, [], None, "local build fedcba987654, uncommitted changes"),
        (BUILD, [f"r.example/x@{DIGEST}"], None, "local build fedcba987654"),
        (RELEASE, [f"r.example/x@{DIGEST}"], None, "release 1.2.0, sha256:0123456789ab"),
        (RELEASE, [], None, "release 1.2.0, not from a registry"),
        (RELEASE, ["r.example/x@sha256:f"], f"x@{DIGEST}", "release 1.2.0, sha256:0123456789ab"),
        (BUILD, [], f"x@{DIGEST}", "sha256:0123456789ab"),
        ({}, [], f"x:1.2.0@{DIGEST}", "1.2.0, sha256:0123456789ab"),
        ({}, [], "x:1.2.0", "tag 1.2.0"),
        ({}, [], None, ""),
    ],
)
def test_where_an_image_comes_from(
    labels: dict[str, str], digests: list[str], wanted: str | None, told: str
) -> None:
    assert origin(labels, digests, parse_reference(wanted) if wanted else None) == told


@pytest.mark.parametrize(
    ("text", "pinned"),
    [
        ("r.example:5000/team/lab:1.2", "r.example:5000/team/lab:1.2"),
        (f"r.example:5000/team/lab@{DIGEST}", f"r.example:5000/team/lab@{DIGEST}"),
        (f"r.example:5000/team/lab:1.2@{DIGEST}", f"r.example:5000/team/lab@{DIGEST}"),
    ],
)
def test_a_digest_wins_over_a_tag(text: str, pinned: str) -> None:
    assert parse_reference(text).pinned == pinned


@pytest.mark.parametrize(
    "text",
    ["lab", "r.example:5000/lab", "lab@sha256:0", f"lab@{DIGEST}0", "lab:", f"lab:@{DIGEST}"],
)
def test_a_reference_names_a_content_or_a_tag(text: str) -> None:
    with pytest.raises(ValueError, match="a digest, a tag or both"):
        parse_reference(text)


def test_where_nothing_goes_with_the_hub_a_choice_says_so() -> None:
    left_out = [LeftOut("uv-lab-small", "JupyterLab, small", "x:1", "has JupyterHub 5.4.0")]
    with pytest.raises(Refusal, match="No image here goes with this hub"):
        choose({}, [], left_out)
    with pytest.raises(Refusal, match="JupyterLab, small cannot be started: its image has"):
        choose({"profile": "uv-lab-small"}, [], left_out)
