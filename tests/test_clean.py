"""What `invoke clean` takes for left over, and what it never does."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jhub_docker import clean
from jhub_docker.build import marks
from jhub_docker.build.plan import BuiltImage
from jhub_docker.catalog.identity import OCI, RELEASE
from jhub_docker.platform import containers

REPOSITORY = "local/uv-lab"


def image(number: int, *marked: str, tags: tuple[str, ...] = (), **said: Any) -> BuiltImage:
    made = BuiltImage(
        image_id=f"sha256:{number}",
        package="uv-lab",
        build_id=f"{number:064}",
        inputs={},
        labels={f"{OCI}.title": REPOSITORY},
        tags=(f"{REPOSITORY}:{number:012}", *(f"{REPOSITORY}:{tag}" for tag in tags)),
        marks=tuple(f"{REPOSITORY}:kept-by-{one}-{number:012}" for one in marked),
        created=number,
        layers=("base", f"layer {number}"),
    )
    return replace(made, **said)


@pytest.fixture
def here(tmp_path: Path) -> str:
    return marks.checkout(tmp_path)


def old(images: list[BuiltImage], root: Path, used: frozenset[str] = frozenset()) -> list[int]:
    return [one.created for one, _ in marks.unwanted(images, {"uv-lab", "base"}, root, (), used)]


def test_builds_that_were_followed_by_others_are_old(tmp_path: Path, here: str) -> None:
    images = [
        image(1, here),
        image(2, here, tags=(f"checkout-{here}",)),
        image(3, here, "another1"),
        image(4, "another1"),
        image(5, here, tags=("latest-trixie",)),
        image(6),
        image(7, here, tags=(f"checkout-{here}-arm64",)),
        image(8, here, tags=("before-jhub-docker",)),
    ]
    assert old(images, tmp_path) == [1], "what an upgrade goes back to stays, among others"
    ((_, references),) = marks.unwanted(images, {"uv-lab"}, tmp_path)
    assert references == (f"{REPOSITORY}:{1:012}", f"{REPOSITORY}:kept-by-{here}-{1:012}")
    assert old(images, tmp_path, frozenset({"sha256:1"})) == []
    offered = marks.unwanted(images, {"uv-lab"}, tmp_path, offered={f"{1:012}"})
    assert offered == [], "a hub that is pinned offers it"


def test_releases_and_what_somebody_named_stay(tmp_path: Path, here: str) -> None:
    named = image(1, here)
    assert old([replace(named, tags=(*named.tags, "mine/lab:1"))], tmp_path) == []
    assert old([replace(named, labels={**named.labels, RELEASE: "0.1.0"})], tmp_path) == []


def test_what_images_are_made_from_goes_with_the_last_of_them(tmp_path: Path, here: str) -> None:
    parents = [
        replace(
            image(number, layers=(layer,), tags=()),
            package="base",
            labels={f"{OCI}.title": "local/base"},
            tags=(f"local/base:{number:012}",),
        )
        for number, layer in enumerate(("old", "other", "newest"), 1)
    ]
    children = [
        image(4, here, layers=("old", "child")),
        image(5, "another1", layers=("other", "child")),
        image(6, here, tags=(f"checkout-{here}",), layers=("newest", "child")),
    ]
    assert old([*parents, *children], tmp_path) == [4, 1]
    # While an image that stays stands on it, so does what it was made from.
    assert old([*parents, *children], tmp_path, frozenset({"sha256:4"})) == []


def test_a_hub_says_what_it_offers(pretend: Any) -> None:
    hubs = {"1": ["JHUB_IMAGE_TAG=0123456789ab", "A=B"], "2": []}
    api = SimpleNamespace(
        containers=lambda **_: [{"Id": one} for one in hubs],
        inspect_container=lambda one: {"Config": {"Env": hubs[one]}},
    )
    pretend(SimpleNamespace(api=api))
    assert containers.offered() == {"0123456789ab", "latest"}


def test_cache_goes_when_no_build_used_it_for_a_day() -> None:
    now = datetime(2026, 11, 30, 12, tzinfo=UTC)
    fresh, stale = "2026-11-30T11:00:00.5Z", "2026-11-28T11:00:00.123456789Z"
    steps = [
        {"Size": 1, "LastUsedAt": fresh, "CreatedAt": stale},
        {"Size": 2, "LastUsedAt": stale, "CreatedAt": stale},
        {"Size": 4, "LastUsedAt": None, "CreatedAt": stale},
        {"Size": 8, "LastUsedAt": stale, "CreatedAt": stale, "InUse": True},
        {"Size": 16, "LastUsedAt": stale, "CreatedAt": stale, "Shared": True},
    ]
    (item,) = clean.cache({"BuildCache": steps}, now)
    assert item.size == 6
    assert clean.cache({"BuildCache": steps[:1]}, now) == []


def test_whose_an_image_was_is_said() -> None:
    """What a checkout had that is gone may be newer than what is here."""
    old = [(image(1, "gone", "here"), ("a:1",)), (image(2, "gone"), ("a:2",))]
    gone = {"gone": Path("/clone")}
    assert [one.why for one in clean.images(old, {}, {"uv-lab"}, gone)] == [
        f"an older build of uv-lab, {0:012}",
        f"of a checkout that is no more, /clone: uv-lab, {0:012}",
    ]
    (one,) = clean.images(old[:1], {}, {"uv-marimo"}, {})
    assert one.why == f"of a package that is no more: uv-lab, {0:012}"


def test_the_list_says_sizes_and_what_was_not_looked_at() -> None:
    assert clean.text([], {}) == "There is nothing to clean."
    items = [
        *clean.images(
            [(image(1), ("a:1",))],
            {"Images": [{"Id": "sha256:1", "Size": 9e6, "SharedSize": 2e6}]},
            {"uv-lab"},
            {},
        ),
        *clean.copies([{"name": "jupyterhub.sqlite.2026-01-01-000000", "size": 3_000_000}]),
    ]
    lines = clean.text(items, {"copies": "no hub runs"}).splitlines()
    assert lines[1].split()[:4] == ["images", "a:1", "7", "MB"]
    assert lines[-2:] == ["Together 10 MB.", "Not looked at: copies (no hub runs)"]
