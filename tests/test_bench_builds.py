"""The build benchmarks: what they change, and that they cannot touch the images in use."""

import tomllib
from pathlib import Path

import pytest

from jhub_bench import build_time
from jhub_docker.build import contexts
from jhub_docker.build.plan import Base, make
from jhub_docker.catalog import load

PACKAGES = Path(__file__).parents[1] / "packages"


def test_the_changed_image_has_one_more_dependency() -> None:
    text = (PACKAGES / build_time.CHANGED_IMAGE / "pyproject.toml").read_text(encoding="utf-8")
    before = tomllib.loads(text)
    after = tomllib.loads(build_time.changed(text, build_time.ADDED_DEPENDENCY))
    added = after["project"].pop("dependencies")
    kept = before["project"].pop("dependencies")
    assert added == [build_time.ADDED_DEPENDENCY, *kept]
    assert after == before


def test_the_added_dependency_is_not_there_already() -> None:
    lock = (PACKAGES / build_time.CHANGED_IMAGE / "uv.lock").read_text(encoding="utf-8")
    name = build_time.ADDED_DEPENDENCY.partition(">")[0]
    assert f'name = "{name}"' not in lock


def test_a_project_without_a_list_of_dependencies_is_refused() -> None:
    with pytest.raises(ValueError, match="dependencies"):
        build_time.changed('[project]\nname = "x"\n', "y")


def test_what_is_built_to_measure_has_neither_real_tags_nor_real_labels() -> None:
    catalog = load(PACKAGES)
    plan = make(
        catalog,
        catalog.published,
        contexts=contexts.read(catalog.specs.values()),
        bases={"debian": Base("debian:x", "sha256:x")},
        existing={},
    )
    folders = {name: PACKAGES / name for name in catalog.specs}
    targets = build_time.definition(plan.steps, folders)["target"]
    real = {step.reference for step in plan.steps}
    assert targets.keys() == {step.spec.name for step in plan.steps}
    for target in targets.values():
        assert not real & set(target["tags"])
        assert target["labels"] == build_time.LABELS


def test_two_actions_are_timed_in_turn() -> None:
    calls: list[str] = []
    ours, peer = build_time.alternate(
        lambda: calls.append("ours"), lambda: calls.append("peer"), runs=2
    )
    assert calls == ["ours", "peer", "ours", "peer"]
    assert len(ours) == len(peer) == 2
