"""Images by build id in a registry: what is looked for there, and under which name."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from jhub_docker.build import cache, contexts, images, plan
from jhub_docker.build.plan import Base, Plan
from jhub_docker.catalog import Catalog
from jhub_docker.engine import quick
from jhub_docker.errors import ActionError, UsageError


@pytest.fixture
def made(make_package: Callable[..., Path], read: Callable[[], Catalog]) -> Plan:
    """Nothing is built yet: tools and os below one, os below two, one below three."""
    make_package("os", own="publish = false")
    make_package("tools", own="publish = false")
    make_package("one", base="os", own='uses = ["tools"]')
    make_package("two", base="os")
    make_package("three", base="one")
    catalog = read()
    return plan.make(
        catalog,
        catalog.published,
        contexts=contexts.read(catalog.specs.values()),
        bases={"debian": Base("debian:x", "sha256:1")},
        existing={},
    )


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The images that a registry was asked for, which has none."""
    names: list[str] = []

    def pull(name: str) -> None:
        names.append(name.rpartition("/")[2].partition(":")[0])
        raise ActionError("manifest unknown")

    monkeypatch.setattr(quick, "pull", pull)
    return names


def test_children_are_looked_for_before_what_they_are_built_from(
    made: Plan, asked: list[str]
) -> None:
    assert cache.fetch(made, "registry.example.org/team", "linux/amd64") == made
    assert sorted(asked) == ["one", "os", "three", "tools", "two"]
    before = [("three", "one"), ("one", "os"), ("one", "tools"), ("two", "os")]
    assert all(asked.index(child) < asked.index(parent) for child, parent in before)


def test_what_is_built_by_force_is_not_looked_for(made: Plan, asked: list[str]) -> None:
    cache.fetch(replace(made, forced=True), "registry.example.org/team", "linux/amd64")
    assert sorted(asked) == ["os", "tools"]


def test_each_platform_has_its_place(made: Plan) -> None:
    step = made.steps[0]
    amd64 = cache.place("registry.example.org/team", step, "linux/amd64")
    assert amd64 == f"registry.example.org/team/{step.spec.name}:{step.build_id[:12]}"
    assert cache.place("registry.example.org/team", step, "linux/arm64") == f"{amd64}-arm64"


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("team", "", r"--cache-from: 'team' .*"),
        ("", "registry.example.org/team:1", r"--cache-to is .*; expected where images are kept"),
        ("https://registry.example.org/team", "", r"--cache-from: "),
    ],
)
def test_what_is_no_place_for_images_is_refused(source: str, target: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        cache.asked(source, target)


def test_nowhere_by_default() -> None:
    assert cache.asked("", "") == cache.NOWHERE
    assert cache.asked("registry.example.org/team", "").source == "registry.example.org/team"


def image(step: plan.Step) -> plan.BuiltImage:
    return plan.BuiltImage("sha256:x", step.spec.name, step.build_id, step.inputs)


def test_what_a_registry_has_spares_what_it_alone_is_built_from(made: Plan) -> None:
    steps = {step.spec.name: step for step in made.steps}
    after = plan.having(made, {"three": image(steps["three"])})
    assert {step.spec.name for step in after.to_build} == {"os", "tools", "one", "two"}
    after = plan.having(after, {"one": image(steps["one"])})
    assert {step.spec.name for step in after.to_build} == {"os", "two"}
    left = {step.spec.name: step for step in after.steps}
    assert [left[name].reason for name in ("one", "tools")] == ["a registry has it", "not needed"]


def test_what_is_still_built_takes_a_pulled_parent_from_the_engine(made: Plan) -> None:
    steps = {step.spec.name: step for step in made.steps}
    after = plan.having(made, {"os": image(steps["os"])})
    left = {step.spec.name: step for step in after.steps}
    assert left["two"].contexts == {"base": f"docker-image://{steps['os'].reference}"}
    assert left["one"].contexts["tools"] == "target:tools"
    assert [step.spec.name for step in after.steps] == [step.spec.name for step in made.steps], (
        "parents before children"
    )


class Names:
    """An engine's names, and the registry beside it: the same content under each."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, step: plan.Step, *here: str) -> None:
        self.here = set(here)
        self.step = step
        for name in ("pull", "push", "tag", "untag"):
            monkeypatch.setattr(quick, name, getattr(self, name))
        monkeypatch.setattr(images, "find", self.find)

    def pull(self, name: str) -> None:
        self.here.add(name)

    def push(self, name: str) -> None:
        assert name in self.here

    def tag(self, image: str, name: str) -> None:
        assert image in self.here
        self.here.add(name)

    def untag(self, name: str) -> None:
        self.here.discard(name)

    def find(self, name: str) -> plan.BuiltImage | None:
        return replace(image(self.step), platform="linux/amd64") if name in self.here else None


@pytest.mark.parametrize("declared", ["local/lab", "registry.example.org/team/lab"])
def test_the_engine_keeps_a_builds_name_where_the_cache_is_its_declared_repository(
    declared: str,
    make_package: Callable[..., Path],
    read: Callable[[], Catalog],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_package("lab", own=f'image = "{declared}"')
    catalog = read()
    (step,) = plan.make(
        catalog,
        catalog.published,
        contexts=contexts.read(catalog.specs.values()),
        bases={"debian": Base("debian:x", "sha256:1")},
        existing={},
    ).steps
    engine = Names(monkeypatch, step, step.reference)
    cache.keep([step], "registry.example.org/team", "linux/amd64")
    assert engine.here == {step.reference}
    fresh = Names(monkeypatch, step)
    assert cache._pull(step, "registry.example.org/team", "linux/amd64")
    assert fresh.here == {step.reference}
