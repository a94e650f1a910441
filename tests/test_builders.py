"""How an image can be built for a platform, decided from what the engine's builder says it runs."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from jhub_docker.build import builders, contexts, plan
from jhub_docker.build.builders import Builder, Way
from jhub_docker.build.plan import Base
from jhub_docker.catalog import Catalog, ImageSpec
from jhub_docker.cli import tables
from jhub_docker.errors import ActionError, UsageError

AMD, ARM = "linux/amd64", "linux/arm64"
INSPECTED = """\
Name:          default
Driver:        docker

Nodes:
Name:             default
BuildKit version: v0.0.0+unknown
Platforms:        linux/amd64, linux/amd64/v2, linux/386, linux/arm64*
Labels:
 org.mobyproject.buildkit.worker.moby.host-gateway-ip: 172.17.0.1
"""
PLAIN = Builder(AMD, frozenset([AMD]))
EMULATING = Builder(AMD, frozenset([AMD, ARM]))


@pytest.fixture
def spec(make_package: Callable[..., Path], read: Callable[[], Catalog]) -> ImageSpec:
    make_package("one")
    return read()["one"]


def test_platforms_are_read_from_all_nodes_of_a_builder() -> None:
    assert builders.parse(INSPECTED) == {AMD, "linux/amd64/v2", "linux/386", ARM}
    assert builders.parse(f"{INSPECTED}\nPlatforms: linux/s390x\n") >= {ARM, "linux/s390x"}
    assert builders.parse("Nodes:\nPlatforms:\n") == frozenset()


def test_the_engines_own_platform_is_native(spec: ImageSpec) -> None:
    assert builders.way(spec, AMD, PLAIN, ["one"]).how == "native"
    arm_machine = Builder(ARM, frozenset([ARM]))
    assert builders.way(spec, ARM, arm_machine, ["one"]).how == "native"


def test_another_is_emulated_where_the_builder_runs_it(spec: ImageSpec) -> None:
    assert builders.way(spec, ARM, EMULATING, ["one"]).how == "emulated"


def test_what_runs_nothing_is_copied_anywhere(spec: ImageSpec) -> None:
    assert builders.way(spec, ARM, PLAIN, []).how == "copied"


def test_what_cannot_be_built_says_which_steps_and_what_to_do(spec: ImageSpec) -> None:
    way = builders.way(spec, ARM, PLAIN, ["parent", "one"])
    assert way.how == ""
    with pytest.raises(
        ActionError,
        match=r"one cannot be built for linux/arm64: the engine runs linux/amd64 and emulates no "
        r"arm64, which steps of parent, one need\n  -> .*qemu-user-static.*an arm64 machine",
    ):
        builders.require([way])


def test_a_base_that_is_not_there_for_a_platform_is_told(spec: ImageSpec) -> None:
    way = builders.way(spec, ARM, EMULATING, ["one"], lacking="os: registry/os:1 has no arm64")
    assert (way.how, way.why, way.mend) == ("", "os: registry/os:1 has no arm64", "")


def test_a_platform_that_is_not_declared_is_refused(
    make_package: Callable[..., Path], read: Callable[[], Catalog]
) -> None:
    make_package("narrow", own=f'platforms = ["{AMD}"]')
    way = builders.way(read()["narrow"], ARM, EMULATING, [])
    assert (way.how, way.why) == ("", "it is declared for linux/amd64")


@pytest.mark.parametrize(
    ("dockerfile", "runs"),
    [
        ("FROM base\nCOPY a /\nENV RUN=1\n", False),
        ("FROM base\nCOPY a /\nRUN true\n", True),
        ("FROM base\n  run <<X\ntrue\nX\n", True),
        ("FROM --platform=$BUILDPLATFORM base AS fetch\nRUN x\nFROM base\nCOPY a /\n", False),
        ("FROM --platform=$BUILDPLATFORM base AS fetch\nRUN x\nFROM base\nRUN y\n", True),
        ("# RUN x\nFROM base\n", False),
    ],
)
def test_only_steps_that_run_need_a_processor(dockerfile: str, runs: bool) -> None:
    assert builders.runs_something(dockerfile) is runs


def test_platforms_are_named_or_all() -> None:
    assert builders.asked([]) == ()
    assert builders.asked([ARM, ARM]) == (ARM,)
    assert builders.asked([ARM, "all"]) == (AMD, ARM)
    with pytest.raises(UsageError, match=r"--platform is 'arm64'; expected one of all, "):
        builders.asked(["arm64"])


def test_a_plan_names_a_platform_and_its_ways_only_where_it_was_asked_for(
    make_package: Callable[..., Path], read: Callable[[], Catalog]
) -> None:
    make_package("one")
    make_package("two")
    catalog = read()
    made = plan.make(
        catalog,
        catalog.published,
        contexts=contexts.read(catalog.published),
        bases={"debian": Base("debian:x", "sha256:1")},
        existing={},
    )
    assert ARM not in tables.plans([made], AMD)
    ways = {"one": Way("one", ARM, "emulated"), "two": Way("two", ARM, "", "it is declared for x")}
    asked = replace(made, platform=ARM, ways=ways)
    rows = tables.plans([asked], AMD).splitlines()
    assert sum("build, emulated" in row for row in rows) == 1
    assert rows[-1] == "two cannot be built for linux/arm64: it is declared for x"
    printed = json.loads(json.dumps(tables.plan_rows([asked], AMD)))
    assert [(one["platform"], one["how"]) for one in printed] == [(ARM, "emulated"), (ARM, "")]
    assert [one["build_id"] for one in printed] == [step.build_id for step in made.steps]
