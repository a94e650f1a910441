"""What is left over of a platform, and what is somebody's: one judgement for `clean` and doctor."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from jhub_docker import clean
from jhub_docker.catalog.identity import LABEL
from jhub_docker.doctor import judging
from jhub_docker.platform import containers, left_over
from jhub_docker.platform.compose import Platform

PLATFORM = Platform(
    root=Path(__file__).parents[1],
    project="p",
    port=8000,
    bind="",
    services=("hub", "proxy", "backup"),
    images=dict.fromkeys(("hub", "proxy", "backup", "grafana"), "image:1"),
    hub_environment={},
    volumes={},
    networks={},
)
SERVICE = "com.docker.compose.service"
INTERRUPTED = {
    "Id": "id-0a1b",
    "Name": "/0a1b_p-hub-1",
    "Config": {"Labels": {SERVICE: "hub", "com.docker.compose.project": "p"}},
    "State": {"Status": "created", "Running": False},
}


def container(name: str, state: str = "exited", **labels: str) -> dict[str, Any]:
    return {"Id": f"id-{name}", "Names": [f"/{name}"], "State": state, "Labels": labels}


def of(platform: str, **labels: str) -> dict[str, str]:
    return {f"{LABEL}.platform": platform, **labels}


DRILL = left_over.drill_of("p")
CONTAINERS = [
    container("p-hub-1", "running", **of("p", **{SERVICE: "hub"})),
    container("p-backup-1", **of("p", **{SERVICE: "backup"})),
    container("p-old-1", **of("p", **{SERVICE: "old"})),
    container("p-busy-1", "running", **of("p", **{SERVICE: "busy"})),
    container("jupyter-ann", "running", **of("p", **{f"{LABEL}.user": "ann"})),
    container("q-hub-1", **of("q", **{SERVICE: "hub"})),
    container(f"{DRILL}-hub-1", **of(DRILL, **{SERVICE: "hub"})),
    container("p-doctor-hub-1", "running", **of("p-doctor", **{SERVICE: "hub"})),
]
OTHERS = [
    {"Id": f"id-{platform}-x", "Name": f"{platform}-x", "Labels": of(platform)}
    for platform in ("p", "q", DRILL, "p-drill")
]


def test_leftovers_are_of_this_platform_and_volumes_of_a_drill_alone() -> None:
    found = left_over.found(PLATFORM, CONTAINERS, OTHERS, OTHERS, [INTERRUPTED])
    assert [(one.what, one.name, one.of) for one in found] == [
        ("container", "0a1b_p-hub-1", "an interrupted start"),
        ("container", "p-old-1", "a service that is no more: old"),
        ("container", "p-busy-1", "a service that is no more: busy"),
        ("container", f"{DRILL}-hub-1", "an interrupted drill"),
        ("network", f"{DRILL}-x", "an interrupted drill"),
        ("volume", f"{DRILL}-x", "an interrupted drill"),
    ]
    cleaned = [one.names for one in clean.orphans(found)]
    assert (f"{DRILL}-x", f"id-{DRILL}-x") in cleaned
    assert "p-busy-1" not in {name for name, _ in cleaned}, "it runs"
    told = {one.says: one.subject for one in judging.left_over(found, [], {})}
    assert (
        told["the container p-old-1, of a service that is no more: old"] == "container id-p-old-1"
    )
    assert told["the container p-busy-1, of a service that is no more: busy"] == ""


def test_what_the_hub_does_not_know_is_told_and_servers_where_there_is_no_hub() -> None:
    servers = [CONTAINERS[4], {"Id": "n", "Name": "p-net-ann", "Labels": {}}]
    known = {"differences": [{"sentence": "The home x is nobody's."}]}
    assert [one.says for one in judging.left_over([], servers, known)] == [
        "The home x is nobody's."
    ]
    assert [one.says.partition(",")[0] for one in judging.left_over([], servers, None)] == [
        "the container jupyter-ann",
        "the network p-net-ann",
    ]


def test_a_command_beside_a_service_is_not_taken_for_it(pretend: Any) -> None:
    labels = {SERVICE: "hub", "com.docker.compose.project": "p"}
    listed = [
        container("p-hub-1", "running", **labels),
        container("p-hub-run-1", "running", **labels, **{"com.docker.compose.oneoff": "True"}),
    ]
    pretend(SimpleNamespace(api=SimpleNamespace(containers=lambda **_: listed)))
    found = containers.of_service(PLATFORM, "hub")
    assert [containers.name(one) for one in found] == ["p-hub-1"]


def test_what_a_profile_starts_is_known_though_it_is_not_chosen(pretend: Any) -> None:
    names = ("grafana", "old")
    stopped = [container(f"p-{name}-1", **of("p", **{SERVICE: name})) for name in names]
    label = f"{LABEL}.platform"
    api = SimpleNamespace(
        containers=lambda filters, **_: stopped if filters["label"] == label else [],
        networks=lambda **_: [],
        volumes=lambda **_: {"Volumes": None},
    )
    pretend(SimpleNamespace(api=api))
    assert [one.name for one in left_over.look(PLATFORM)] == ["p-old-1"]
