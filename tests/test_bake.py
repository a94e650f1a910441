"""The bake file made from a plan, and the reading of what buildx prints."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jhub_docker.build import bake, contexts, plan
from jhub_docker.build.plan import Base, Step
from jhub_docker.catalog import Catalog

Make = Callable[..., Path]
Read = Callable[[], Catalog]
FOLDERS = {"parent": Path("/laid/out/parent"), "child": Path("/laid/out/child")}
COMMON: dict[str, Any] = {"folders": FOLDERS, "labels": {}, "environment": {}, "ca_bundle": None}


def steps(make_package: Make, read: Read) -> list[Step]:
    make_package("parent")
    make_package("child", base="parent")
    catalog = read()
    made = plan.make(
        catalog,
        catalog.published,
        contexts=contexts.read(catalog.specs.values()),
        bases={"debian": Base("d:1", "sha256:1")},
        existing={},
    )
    return list(made.steps)


def test_definition(make_package: Make, read: Read) -> None:
    made = bake.definition(
        steps(make_package, read),
        folders=FOLDERS,
        labels={"x": "y"},
        environment={"HTTPS_PROXY": "http://proxy:3128", "SECRET": "s"},
        ca_bundle="/etc/ca.pem",
    )
    child = made["target"]["child"]
    assert made["group"]["default"]["targets"] == ["parent", "child"]
    assert child["contexts"] == {"base": "target:parent"}
    assert child["context"] == "/laid/out/child"
    assert child["args"] == {"HTTPS_PROXY": "http://proxy:3128"}
    assert child["secret"] == ["id=ca-bundle,src=/etc/ca.pem"]
    assert child["labels"]["x"] == "y"
    assert len(child["tags"]) == 1, "only the build id: the other tags wait for success"


def test_only_another_platform_than_the_builders_own_is_named(
    make_package: Make, read: Read
) -> None:
    found = steps(make_package, read)
    assert "platforms" not in bake.definition(found, **COMMON)["target"]["child"]
    foreign = bake.definition(found, **COMMON, platform="linux/arm64")["target"]
    assert {name: one["platforms"] for name, one in foreign.items()} == {
        "parent": ["linux/arm64"],
        "child": ["linux/arm64"],
    }


def test_empty_caches_are_those_of_a_name_of_their_own(make_package: Make, read: Read) -> None:
    made = bake.definition(steps(make_package, read), **COMMON, no_cache=["parent"], caches="f00")
    targets = made["target"]
    # BuildKit, frontend/dockerfile/builder: the predefined argument of cache mounts' namespace.
    assert {t["args"]["BUILDKIT_CACHE_MOUNT_NS"] for t in targets.values()} == {"f00"}
    assert [t["no-cache"] for t in targets.values()] == [True, False]


def followed(targets: list[str], printed: str) -> tuple[bake.Outcome, list[str]]:
    """What is made of what buildx 0.13 prints."""
    shown: list[str] = []
    progress = bake.Progress(targets, shown.append)
    for line in printed.splitlines():
        progress.read(line)
    return progress.outcome, shown


def test_a_shared_step_is_the_parents_and_a_cached_one_is_not_announced() -> None:
    outcome, shown = followed(
        ["parent", "child"],
        """
#1 [parent internal] load build definition from Dockerfile
#1 DONE 0.1s

#2 [child 1/2] RUN make
#2 0.512 cc
#2 ...

#3 [parent 2/2] COPY a b
#3 CACHED

#2 [parent 1/2] RUN make
#2 1.512 ld
#2 DONE 2.0s
#2 DONE 2.0s

#4 [child 2/2] RUN true
#4 DONE 0.3s
""",
    )
    assert outcome.seconds == {"parent": 2.1, "child": 0.3}
    assert shown[:1] == ["    child: RUN make"]
    assert "    parent: done in 2.0 s: RUN make" in shown
    assert shown[-1] == "    child: RUN true"
    assert not any("COPY" in line or "internal" in line for line in shown)


def test_a_failure_names_the_image_and_keeps_its_output() -> None:
    outcome, _ = followed(
        ["one", "two"],
        """
#1 [one 1/2] RUN false
#1 0.100 no such file
#1 ERROR: process "false" did not complete successfully: exit code: 1

#2 [two 1/2] RUN sleep
#2 CANCELED
------
ERROR: failed to solve
""",
    )
    assert list(outcome.errors) == ["one"], "a cancelled sibling did not fail"
    assert outcome.errors["one"].startswith("RUN false\n")
    assert "exit code: 1" in outcome.errors["one"]
    assert "no such file" in outcome.errors["one"]
    assert outcome.message == "------\nERROR: failed to solve\n"


def test_the_only_image_needs_no_name() -> None:
    outcome, shown = followed(["one"], "#1 [2/3] RUN x\n#1 DONE 371.2s\n#2 exporting to image\n")
    assert outcome.seconds == {"one": 371.2}
    assert shown == ["    one: [2/3] RUN x", "    one: done in 371.2 s: [2/3] RUN x"]


def test_definition_is_json(make_package: Make, read: Read) -> None:
    made = bake.definition(steps(make_package, read), **COMMON, no_cache=["child"])
    assert json.loads(json.dumps(made)) == made
    assert made["target"]["child"]["no-cache"]
    assert made["target"]["child"]["secret"] == []


def test_templates_of_bake_in_declared_text_are_taken_literally(
    make_package: Make, read: Read
) -> None:
    make_package("parent", project='license = "${A}"')
    labels = {"x": "${a} %{ if b } $${c} 100% $5"}
    made = bake.definition(steps(make_package, read), **COMMON | {"labels": labels})
    assert made["target"]["child"]["labels"]["x"] == "$${a} %%{ if b } $$${c} 100% $5"
