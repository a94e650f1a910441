"""What goes from the engine with a folder, and what stays for somebody else."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from jhub_docker.build import builds, marks, planning
from jhub_docker.build.plan import BuiltImage, Plan, Step
from jhub_docker.catalog import load
from jhub_docker.catalog.identity import OCI
from jhub_docker.engine import lock, quick
from jhub_docker.process import Ended

ROOT = Path(__file__).parents[1]
HERE, THERE = Path("/home/one/jhub-docker"), Path("/home/two/jhub-docker")
BUILD_ID = "b1d" + "0" * 61
TAGS = ("local/lab:latest", f"local/lab:{BUILD_ID[:12]}")


def image(*marked_by: Path, tags: tuple[str, ...] = TAGS) -> BuiltImage:
    by = tuple(f"local/lab:{marks.mark(root, BUILD_ID)}" for root in marked_by)
    title = {f"{OCI}.title": "local/lab"}
    return BuiltImage("sha256:1", "lab", BUILD_ID, {}, labels=title, tags=tags, marks=by)


def test_a_mark_is_told_from_other_tags() -> None:
    assert marks.is_mark(image(HERE).marks[0])
    assert not any(map(marks.is_mark, TAGS))


def test_what_only_services_run_is_kept_too_and_parents_are_nobodys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    catalog, given = load(ROOT / "packages"), set[tuple[str, str]]()
    monkeypatch.setattr(quick, "tag", lambda *names: given.add(names))
    steps = [
        SimpleNamespace(
            spec=catalog[name],
            reference=name,
            build_id=BUILD_ID,
            build=False,
            pulled=False,
            existing=image(),
        )
        for name in ("build-tools", "tracking")
    ]
    made = SimpleNamespace(revision=None, runs=False, platform="")
    ends = builds._ends(ROOT, cast(list[Step], steps))
    builds._tag(ROOT, cast(Plan, made), ends)
    kept = (marks.checkout_tag(ROOT), marks.mark(ROOT, BUILD_ID))
    repository = catalog["tracking"].repository
    assert {("tracking", f"{repository}:{name}") for name in kept} <= given
    assert {reference for reference, *_ in given} == {"tracking"}


def unwanted(*of: Any) -> tuple[str, ...]:
    return tuple(name for _, names in marks.unwanted(*of) for name in names)


def test_a_folder_that_is_gone_takes_its_tags_along_and_the_mark_last() -> None:
    found = unwanted([image(HERE)], {"other"}, HERE)
    assert found == (*TAGS, *image(HERE).marks)


def test_what_has_a_folder_stays() -> None:
    assert unwanted([image(HERE)], {"lab"}, HERE) == ()


@pytest.mark.parametrize("marked_by", [(), (THERE,)], ids=["nobody", "another checkout"])
def test_what_was_not_built_here_stays(marked_by: tuple[Path, ...]) -> None:
    assert unwanted([image(*marked_by)], {}, HERE) == ()


def test_of_an_image_that_another_checkout_keeps_only_what_is_this_ones_goes() -> None:
    own = [f"local/lab:{marks.checkout_tag(root)}" for root in (HERE, THERE)]
    found = unwanted([image(HERE, THERE, tags=(*TAGS, *own))], {}, HERE)
    assert found == (own[0], *image(HERE).marks)


def test_what_only_a_checkout_keeps_that_is_gone_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    here, there = tmp_path / "here", tmp_path / "there"
    for root in (here, there):
        (root / "packages").mkdir(parents=True)
        marks.remember(root)
    old = image(there, tags=(TAGS[1], f"local/lab:{marks.checkout_tag(there)}"))
    newest = image(there)
    shared = image(here, there, tags=old.tags)
    assert unwanted([old, shared], {"lab"}, here, marks.gone()) == ()
    shutil.rmtree(there)
    assert list(marks.gone().values()) == [there]
    assert unwanted([old], {"lab"}, here, marks.gone()) == (*old.tags, *old.marks)
    assert unwanted([shared], {}, there, ()) == (old.tags[1], *old.marks), "the other one's alone"
    assert unwanted([shared], {"lab"}, here, marks.gone()) == (*old.tags, *shared.marks)
    assert unwanted([newest], {"lab"}, here, marks.gone()) == (), "a build may find it"
    assert unwanted([newest], {}, here, marks.gone()) == (*TAGS, *newest.marks)


@pytest.mark.parametrize(
    ("tag", "packages", "stays"),
    [
        ("before-jhub-docker", {"lab"}, True),
        ("before-jhub-docker", set(), True),
        ("checkout-0a1b2c3d", {"lab"}, True),
        ("checkout-0a1b2c3d", set(), False),
        ("mine", {"lab"}, False),
    ],
)
def test_what_a_platform_goes_back_to_or_offers_stays_though_its_checkout_is_gone(
    tag: str, packages: set[str], stays: bool
) -> None:
    own = image(THERE, tags=(TAGS[1], f"local/lab:{tag}"))
    gone, offered = {marks.checkout(THERE)}, {"checkout-0a1b2c3d"}
    assert (unwanted([own], packages, HERE, gone, (), offered) == ()) is stays


def test_a_home_that_cannot_be_written_stops_no_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "state").write_text("no folder")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    marks.remember(tmp_path)
    assert marks.gone() == {}


def test_what_an_upgrade_can_go_back_to_stays_with_a_checkout_that_is_gone() -> None:
    before = image(THERE, tags=(TAGS[1], "local/lab:before-jhub-docker"))
    assert unwanted([before], {"lab"}, HERE, {marks.checkout(THERE)}) == ()
    assert unwanted([before], {}, HERE, {marks.checkout(THERE)}) == ()


def test_a_tag_in_somebody_elses_repository_stays() -> None:
    found = unwanted([image(HERE, tags=(*TAGS, "team/lab:1.0"))], {}, HERE)
    assert found == (*TAGS, *image(HERE).marks)


def test_what_a_container_still_uses_is_told_and_the_rest_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def docker(*arguments: str) -> Ended:
        asked.append(arguments)
        said = {
            "in-use": "Error response from daemon: conflict: a container uses it\n",
            "gone": "Error response from daemon: No such image: gone\n",
        }.get(arguments[-1], "")
        return Ended(1 if said else 0, err=said)

    monkeypatch.setattr(marks, "docker", docker)
    left = marks.remove(["one", "in-use", "gone", "two"])
    assert left == ["in-use stays: conflict: a container uses it"]
    assert asked[0] == ("image", "rm", "one")
    assert [words[-1] for words in asked] == ["one", "in-use", "gone", "two"]


def test_containers_without_a_machine_id_are_not_one_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "machine-id").write_text("")
    monkeypatch.setattr(marks, "_MACHINE", tmp_path / "machine-id")
    names = iter(["runner-1", "runner-2"])
    monkeypatch.setattr("platform.node", lambda: next(names))
    assert marks.checkout(Path("/builds/one")) != marks.checkout(Path("/builds/one"))


def test_who_has_no_home_builds_all_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def none() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", none)
    marks.remember(tmp_path)
    assert marks.gone() == {}


def test_a_checkout_of_any_name_is_noted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    root = tmp_path / "gone-\udcff"
    marks.remember(root)
    assert list(marks.gone().values()) == [root]


def test_no_image_goes_while_a_build_may_go_by_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several builds go on side by side, and whoever takes images away waits for all of them."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    held: list[bool] = []

    def plan(*_: object, **__: object) -> list[Plan]:
        held.append(lock.is_held(marks._IMAGES))
        return []

    monkeypatch.setattr(planning, "for_platforms", plan)
    with marks.in_use():
        builds.build(tmp_path)
    builds.build(tmp_path)
    assert held == [True, True]
    assert not lock.is_held(marks._IMAGES)
