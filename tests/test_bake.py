"""The bake file made from a plan, and the reading of BuildKit's event stream."""

import base64
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


def test_decode_takes_pretty_and_compact_json_and_text() -> None:
    stream = ["{", '  "a": {', '    "b": "}"', "  }", "}", "{}", '{"c":1}', "ERROR"]
    progress = bake.Progress([], lambda _: None)
    read = [event for line in stream if (event := progress.read(line)) is not None]
    assert read == [{"a": {"b": "}"}}, {}, {"c": 1}, {"text": "ERROR"}]


def vertex(digest: str, name: str, **more: object) -> dict[str, object]:
    times = {"started": "2026-01-01T00:00:00.123456789Z"}
    return {"vertexes": [{"digest": digest, "name": name, **times, **more}]}


def test_a_shared_step_is_the_parents() -> None:
    shown: list[str] = []
    progress = bake.Progress(["parent", "child"], shown.append)
    done = {"completed": "2026-01-01T00:00:02.123456789Z"}
    progress.feed(vertex("1", "[child 1/2] RUN make"))
    progress.feed(vertex("1", "[parent 1/2] RUN make", **done))
    progress.feed(vertex("1", "[parent 1/2] RUN make", **done))
    outcome = progress.outcome(succeeded=True)
    assert outcome.seconds == {"parent": 2.0, "child": 0.0}
    assert shown[-1] == "    parent: done in 2.0 s: RUN make"
    assert len(shown) == 2


def test_a_failure_names_the_image_and_keeps_its_output() -> None:
    progress = bake.Progress(["one", "two"], lambda text: None)
    progress.feed(vertex("1", "[one 1/2] RUN false"))
    data = base64.b64encode(b"no such file\n").decode()
    progress.feed({"logs": [{"vertex": "1", "data": data}]})
    progress.feed(vertex("1", "[one 1/2] RUN false", error="exit code: 1"))
    progress.feed(vertex("2", "[two 1/2] RUN sleep", error="context canceled"))
    errors = progress.outcome(succeeded=False).errors
    assert list(errors) == ["one"], "a cancelled sibling did not fail"
    assert "exit code: 1" in errors["one"]
    assert "no such file" in errors["one"]


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


def test_steps_of_a_machine_in_another_zone_have_their_seconds() -> None:
    progress = bake.Progress(["one"], lambda text: None)
    times = {
        "started": "2026-01-01T00:59:58.123456789+01:00",
        "completed": "2026-01-01T00:00:00.123456789Z",
    }
    progress.feed({"vertexes": [{"digest": "1", "name": "[one 1/2] RUN x", **times}]})
    assert progress.outcome(succeeded=True).seconds == {"one": 2.0}
