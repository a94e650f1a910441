"""Servers as services of a swarm: what records mean, where homes go, how ends are told, what the
filter before the engine lets through.
"""

import asyncio
import copy
import json
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Network
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import NotFound
from pydantic import ValidationError

from engine_filter.calls import Forward, MissingError, Refused
from engine_filter.policy import from_settings
from engine_filter.routes import judge
from hub_config import SettingsError, names
from hub_config.offer.profiles import Profile
from hub_config.runtime import records, services
from hub_config.runtime.attachments import attach
from hub_config.runtime.interface import AwayError, NetworkError, Volume
from hub_config.runtime.networks import ServerNetworks, driver
from hub_config.runtime.plan import BridgeRules, Host, free_subnets, ruleset
from hub_config.runtime.swarm import SwarmRuntime
from hub_config.settings import Settings
from hub_config.spawning import services as made
from hub_config.spawning.service_spawner import UserServiceSpawner

from .fake_engine import engine_says
from .filter_world import MALLORY, PROFILE, WORLD, Engine

GB = 2**30
POOL = IPv4Network("10.213.0.0/16")
NAME = f"{WORLD.prefix}-mallory"
LABELS = {**MALLORY, names.PROFILE: WORLD.profile, names.NAME: NAME, services.CPUS: "0.5"}


def node(name: str, gigabytes: int = 8, *, state: str = "ready", take: str = "active") -> Any:
    resources = {"MemoryBytes": gigabytes * GB, "NanoCPUs": 4 * 10**9}
    return {
        "ID": name,
        "Status": {"State": state},
        "Spec": {"Availability": take},
        "Description": {"Hostname": f"host-{name}", "Resources": resources},
    }


def task(state: str, at: str = "one", *, service: str = "s", code: int = 0, **more: Any) -> Any:
    return {
        "ServiceID": service,
        "CreatedAt": "2026-11-30T12:00:00Z",
        "NodeID": at,
        "DesiredState": "running",
        "Status": {"State": state, "ContainerStatus": {"ExitCode": code}},
        "Spec": {
            "ContainerSpec": {"Labels": LABELS},
            "Resources": {
                "Limits": {"MemoryBytes": 2 * GB},
                "Reservations": {"MemoryBytes": 2 * GB},
            },
        },
        "NetworksAttachments": [
            {"Network": {"Spec": {"Name": "net-mallory"}}, "Addresses": ["10.213.0.9/28"]}
        ],
        **more,
    }


NODES = {"one": node("one"), "two": node("two", 4)}


def seen(*tasks: Any, nodes: services.Nodes = NODES) -> Any:
    return services.container("s", tasks, nodes, LABELS)


@pytest.mark.parametrize("state", ["new", "pending", "assigned", "accepted", "preparing", "ready"])
def test_a_task_on_its_way_has_neither_ended_nor_an_address(state: str) -> None:
    assert (seen(task(state)).runs, seen(task(state)).address) == (True, "")
    assert seen().runs, "before the swarm has made a task of it"


def test_a_task_that_runs() -> None:
    found = seen(task("running"))
    assert (found.name, found.key, found.address) == (NAME, ("mallory", ""), "10.213.0.9")
    assert (found.memory, found.cpus, found.networks) == (2 * GB, 0.5, {"net-mallory"})
    assert (found.why, found.lost, found.exit_code) == ("", "", None)


@pytest.mark.parametrize(
    ("ended", "says"),
    [
        (task("complete"), "It ended by itself."),
        (task("failed", code=3), "It ended by itself with exit code 3."),
        (task("failed", code=137), "more memory than the 2 GB of its profile; a swarm does not"),
        (task("shutdown"), "its machine was drained"),
        (task("running", "away"), "was removed from the swarm"),
        (task("rejected", Status={"State": "rejected", "Err": "No such image"}), "No such image."),
    ],
)
def test_why_a_task_ended(ended: Any, says: str) -> None:
    found = seen(ended)
    assert not found.runs
    assert says in found.why


def test_a_task_in_the_place_of_one_that_ended_is_nobodys_server() -> None:
    later = task("running", CreatedAt="2026-11-30T12:01:00Z")
    assert not seen(task("shutdown"), later).runs


def test_a_server_on_a_machine_that_does_not_answer_may_still_run() -> None:
    found = seen(task("running"), nodes={"one": node("one", state="down")})
    assert found.runs
    assert "The machine host-one, on which it runs, does not answer" in found.lost


def test_a_new_home_goes_where_most_memory_is_left() -> None:
    assert services.roomiest(NODES, [], None) == "one"
    assert (
        services.roomiest(NODES, [task("running"), task("pending"), task("failed")], None) == "one"
    )
    three = [task("running") for _ in range(3)]
    assert services.roomiest(NODES, three, None) == "two"
    assert services.roomiest(NODES, three, {"one"}) == "one", "its firewall alone is in place"
    away = {"one": node("one", take="drain"), "two": node("two", state="down")}
    assert services.roomiest(away, [], None) == ""


def test_what_there_is_to_promise_is_what_takes_servers() -> None:
    nodes = [*NODES.values(), node("three", take="drain"), node("four", state="down")]
    assert services.house(nodes) == {"MemTotal": 12 * GB, "NCPU": 8, "Elsewhere": True}


class FakeSwarm:
    """What a runtime asks of docker-py."""

    def __init__(self, *tasks: Any, nodes: services.Nodes = NODES) -> None:
        self.there, self.nodes_ = list(tasks), nodes
        self.services_ = {one["ServiceID"]: LABELS for one in tasks}
        self.volumes: dict[str, dict[str, str]] = {}
        self.guards: list[Any] = []
        self.after_look: Callable[[], None] = lambda: None

    def nodes(self) -> Any:
        found = list(self.nodes_.values())
        self.after_look()
        return found

    def tasks(self, filters: Any) -> Any:
        found = copy.deepcopy(self.there)
        self.after_look()
        return found if f"{names.NAME}=guard" not in filters["label"] else self.guards

    def services(self, filters: Any) -> Any:
        return [{"ID": one, "Spec": {"Labels": said}} for one, said in self.services_.items()]

    def remove_service(self, name: str) -> None:
        if self.services_.pop(name, None) is None:
            raise NotFound(name)

    def info(self) -> Any:
        return {"Swarm": {"NodeID": "one"}}

    def create_volume(self, name: str, labels: dict[str, str]) -> Any:
        return self.inspect_volume(name, self.volumes.setdefault(name, labels))

    def inspect_volume(self, name: str, _made: Any = None) -> Any:
        return {"Name": name, "Labels": self.volumes[name]}


def runtime(swarm: FakeSwarm, *, firewall: bool = False) -> SwarmRuntime:
    made = SwarmRuntime(ServerNetworks("jhub-docker", POOL, firewall, overlay=True))
    made.__dict__["client"] = swarm
    return made


async def test_an_end_waits_until_no_task_can_run() -> None:
    swarm = FakeSwarm(task("running"))
    ending = runtime(swarm)
    found = await ending.look(NAME)
    assert found
    swarm.after_look = lambda: swarm.there.clear() if "s" not in swarm.services_ else None
    await ending.end(found)
    assert await ending.look(NAME) is None


async def test_a_service_that_is_gone_is_there_while_its_task_may_run() -> None:
    swarm = FakeSwarm(task("running"), nodes={"one": node("one", state="down")})
    ending = runtime(swarm)
    found = await ending.look(NAME)
    assert found
    with pytest.raises(AwayError, match="host-one, on which it runs, does not answer"):
        await ending.end(found, gently=False)
    assert await ending.look(NAME), "a second server on the same files could be started"
    swarm.nodes_ = NODES
    swarm.there = [task("shutdown")]
    assert await ending.look(NAME) is None


def test_a_home_is_on_one_node_under_a_name_of_its_own_and_servers_go_there() -> None:
    swarm = FakeSwarm(nodes={"two": NODES["two"]})
    home = Volume("home-ann", "ann", token="0123456789abcdef")

    async def placed() -> None:
        making = runtime(swarm)
        assert await making.make_volume(home) == home
        node, mount = await making.home("home-ann")
        assert (node["ID"], mount["Source"]) == ("two", "home-ann-01234567")
        assert mount["VolumeOptions"]["Labels"][names.HOME] == home.token
        files = replace(home, name=mount["Source"])
        assert services.homes([home, files, Volume("old", "ann")]) == (home, Volume("old", "ann"))
        swarm.nodes_ = {"two": node_of(take="drain")}
        with pytest.raises(NetworkError, match="host-two, is away or drained"):
            await making.home("home-ann")
        swarm.nodes_ = NODES
        with pytest.raises(NetworkError, match=r"firewall .* not in place on host-two"):
            await runtime(swarm, firewall=True).home("home-ann")
        with pytest.raises(AwayError, match="no machine of the swarm takes servers"):
            await runtime(swarm, firewall=True).make_volume(replace(home, name="other"))

    def node_of(**how: str) -> Any:
        return node("two", **how)  # type: ignore[arg-type]

    asyncio.run(placed())


BACK = [task("running", "two", DesiredState="shutdown"), task("preparing", "two")]
"""Guards of a node that was away: the swarm still has the one that ran there before."""


@pytest.mark.parametrize(
    ("state", "guards", "firewall"),
    [("unknown", [task("running", "two")], True), ("ready", BACK, True), ("unknown", [], False)],
)
async def test_a_start_waits_for_a_node_that_is_just_back(
    state: str, guards: list[Any], firewall: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of which the manager has not heard yet, or whose firewall is not healthy yet."""
    monkeypatch.setattr("hub_config.runtime.swarm.LOOK_AGAIN", 0)
    home = Volume("home-ann", "ann", token="0123456789abcdef")
    swarm = FakeSwarm()
    starting = runtime(swarm, firewall=firewall)
    for act in (lambda: starting.make_volume(home), lambda: starting.home("home-ann")):
        swarm.nodes_, swarm.guards = {"two": node("two", state=state)}, guards
        looks = iter(range(5))  # one that does not wait looks three times

        def back(looks: Any = looks) -> None:
            if next(looks, None) is None:
                swarm.nodes_, swarm.guards = {"two": NODES["two"]}, [task("running", "two")]

        swarm.after_look = back
        assert await act()


def test_nothing_is_waited_for_that_does_not_come() -> None:
    down = {"two": node("two", state="down")}
    assert not services.comes(down, BACK)
    assert not services.comes({"two": node("two", take="drain")}, BACK)
    assert not services.comes(NODES, []), "no guard was ever made"
    assert not services.comes(NODES, [*BACK, task("running")]), "another node can have it"
    unheard = {"one": node("one", state="unknown")}
    assert not services.silent([task("running")], unheard), "it may answer in a moment"
    assert services.silent([task("running", "two")], down)


def test_a_home_from_before_the_swarm_is_where_the_hub_is() -> None:
    swarm = FakeSwarm()
    swarm.volumes["old"] = {}
    assert asyncio.run(runtime(swarm).home("old")) == (NODES["one"], {"Source": "old"})


def test_an_overlay_is_joined_once_the_swarm_gave_it_addresses() -> None:
    """Which a list does not have at once, neither for who made it nor for who reconciles."""
    config = [{"Subnet": "10.213.0.0/28"}]
    made = {"Name": "net", "Id": "n", "Labels": {names.PLATFORM: "p", names.USER: "ann"}}
    lists = iter(([], None, None, config))

    def listed(**_: Any) -> Any:
        return [{**made, "IPAM": {"Config": given}} for given in (next(lists),) if given != []]

    client: Any = SimpleNamespace(networks=listed, create_network=lambda *_a, **_n: None)
    networks = ServerNetworks("p", POOL, overlay=True, _taken=set())
    assert networks.make(client, "net", "ann", "")["IPAM"]["Config"] == config
    lists = iter((None, config))
    assert [len(records.server_networks(client, "p")) for _ in range(2)] == [0, 1]


def test_an_overlay_is_gone_when_it_was_removed() -> None:
    """A swarm lists it for a moment; a start that found it so would put its server on it."""
    gone = {"Name": "net", "Id": "n", "Labels": {names.PLATFORM: "p"}}
    left = [[gone], [gone], [gone], []]
    removed: list[str] = []
    client: Any = SimpleNamespace(
        networks=lambda **_: left.pop(0), remove_network=removed.append, containers=lambda **_: []
    )
    ServerNetworks("p", POOL, overlay=True).remove(client, "net")
    assert (removed, left) == (["n"], [])


def test_what_is_on_an_overlay_already_is_attached() -> None:
    """As it is at a start after one that failed: no reason to say that hub and proxy cannot be."""

    def conflict(*_: Any, **__: Any) -> None:
        raise engine_says(409, "p-hub-1 is already attached to network net")

    network = {"Id": "n", "Name": "net", "IPAM": {"Config": [{"Subnet": "10.213.0.0/28"}]}}
    hub = records.Member("hub", "h", "Up", frozenset())
    client: Any = SimpleNamespace(connect_container_to_network=conflict)
    assert attach(client, [(hub, network)]) == ["hub: net"]


def test_the_firewall_of_a_node_stands_at_the_way_out_of_overlays() -> None:
    host = Host(ways_out=IPv4Network("172.18.0.0/16"))
    operator = Settings(runtime="swarm")
    text = ruleset(operator, host, BridgeRules.BY_ADDRESS)
    assert 'iifname "docker_gwbridge" jump from_server' in text
    assert "ip saddr 172.18.0.0/16 ip daddr 172.18.0.0/16 drop" in text
    assert str(POOL) not in text.replace(f'oifname "jh-*" ip daddr != {POOL} drop', "")
    assert 'ibrname "docker_gwbridge" drop' in ruleset(operator, host, BridgeRules.BY_INTERFACE)


@pytest.mark.parametrize("setting", ["gpu_devices", "disk_limit_gb", "read_only_root"])
def test_what_a_swarm_cannot_do_is_said(setting: str) -> None:
    value = {"gpu_devices": "nvidia.com/gpu=0", "disk_limit_gb": 1}.get(setting, True)
    with pytest.raises(ValidationError, match="nothing with JHUB_RUNTIME=swarm"):
        Settings.model_validate({"runtime": "swarm", setting: value})


def test_an_engine_that_is_no_manager_is_named_and_so_is_what_servers_lack() -> None:
    swarm = Settings.model_validate({"runtime": "swarm"})
    with pytest.raises(SettingsError, match="docker swarm init"):
        list(made.notices(swarm, {"Swarm": {"LocalNodeState": "inactive"}}))
    told = "".join(made.notices(swarm, {"Swarm": {"ControlAvailable": True}}))
    assert all(word in told for word in ("live-restore", "memory", "swap", "shared folders"))
    assert not list(made.notices(Settings(), {}))


def test_a_start_that_a_silent_machine_forbids_is_told_so() -> None:
    said = UserServiceSpawner.trouble(
        UserServiceSpawner.__new__(UserServiceSpawner), AwayError("m")
    )
    assert said
    assert said.status_code == 503
    assert "m" in str(said)


# -- the filter ----------------------------------------------------------------------------------

TOKEN = "0123456789abcdef"
SWARM = from_settings(Settings.model_validate({"runtime": "swarm"}))


class SwarmEngine(Engine):
    """The filter's engine as a manager; the person's home is on the second node."""

    def __init__(self) -> None:
        super().__init__()
        home = {**MALLORY, names.HOME: TOKEN, services.NODE: "two"}
        self.things[f"volumes/{WORLD.home}"] = {"Name": WORLD.home, "Labels": home}
        image = self.things[f"images/{WORLD.image}"]
        self.things[f"images/{WORLD.image}"] = {**image, "Id": "sha256:1"}
        self.things[f"services/{NAME}"] = {"ID": "s1", "Spec": {"Labels": MALLORY}}
        self.things |= {f"nodes/{name}": node for name, node in NODES.items()}
        self.things["services/other"] = {"ID": "s2", "Spec": {"Labels": {}}}

    async def info(self) -> Any:
        return {"Swarm": {"NodeID": "one"}}


def passed(method: str, target: str, body: Any = None, policy: Any = SWARM) -> Forward:
    text = b"" if body is None else json.dumps(body).encode()
    asked = judge(method, target, text, policy, lambda _version: SwarmEngine())
    decision = asyncio.run(asked).decision
    assert isinstance(decision, Forward)
    return decision


def service(profile: Profile = PROFILE) -> dict[str, Any]:
    """A creation as the hub makes it."""
    labels = {**MALLORY, names.HOME: TOKEN, services.NODE: "two"}
    home = {"Type": "volume", "Target": "/home/nebula", "Source": f"{WORLD.home}-01234567"}
    own = {"Image": WORLD.image, "Labels": LABELS, "Env": ["JUPYTERHUB_API_TOKEN=0"]}
    template = made.template(
        profile,
        Settings(),
        container=own,
        mounts=[{**home, "VolumeOptions": {"Labels": labels}}],
        network=WORLD.server_network,
        node=NODES["two"],
    )
    return {
        "Name": NAME,
        "Labels": LABELS,
        "TaskTemplate": template,
        "EndpointSpec": made.NO_ADDRESS,
    }


def test_a_service_as_the_hub_makes_it_passes_with_the_very_image_that_was_judged() -> None:
    body = passed("POST", "/v1.45/services/create", service()).body
    wanted = service()
    wanted["TaskTemplate"]["ContainerSpec"]["Image"] = "sha256:1"
    assert body == wanted


SHARED = Settings.model_validate({"runtime": "swarm", "shared_path": "/mnt/shared"})


def test_folders_at_the_operators_path_pass_and_nothing_else_of_the_node() -> None:
    def asked(**changed: Any) -> Any:
        body = service()
        folder = {**made.folders(SHARED, {"data": "read-only"})[0], **changed}
        body["TaskTemplate"]["ContainerSpec"]["Mounts"].insert(1, folder)
        return passed("POST", "/services/create", body, from_settings(SHARED)).body

    mount = asked()["TaskTemplate"]["ContainerSpec"]["Mounts"][1]
    assert mount == {
        "Type": "bind",
        "Source": "/mnt/shared/data",
        "Target": "/srv/shared/data",
        "ReadOnly": True,
    }
    for changed in (
        {"Source": "/mnt/shared/other"},
        {"Source": "/mnt/shared/..", "Target": "/srv/shared/.."},
        {"Source": "/mnt/shared/", "Target": "/srv/shared/"},
        {"Target": "/home/nebula/data"},
        {"BindOptions": {"Propagation": "rshared"}},
    ):
        with pytest.raises(Refused, match="Mounts is not what"):
            asked(**changed)
    assert made.folders(Settings(), {"data": "read-only"}) == []


def test_no_server_may_have_more_cpus_than_its_node_which_would_refuse_it() -> None:
    large = service(replace(PROFILE, cpu_limit=16))["TaskTemplate"]["Resources"]["Limits"]
    assert large["NanoCPUs"] == 4 * 10**9


def _deep(body: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    *way, last = path.split(".")
    place: Any = body
    for step in way:
        place = place[int(step) if step.isdecimal() else step]
    place[int(last) if last.isdecimal() else last] = value
    return body


SPEC = "TaskTemplate.ContainerSpec"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("Name", "database"),
        ("Mode", {"Global": {}}),
        ("Networks", [{"Target": "host"}]),
        ("Labels", {}),
        ("EndpointSpec", {"Ports": [{"TargetPort": 8888, "PublishedPort": 80}]}),
        ("TaskTemplate.Networks", [{"Target": "host"}]),
        ("TaskTemplate.Networks", [{"Target": WORLD.server_network}, {"Target": "bridge"}]),
        ("TaskTemplate.Placement", {"Constraints": ["node.id==one"]}),
        ("TaskTemplate.RestartPolicy", {"Condition": "any"}),
        ("TaskTemplate.Runtime", "plugin"),
        ("TaskTemplate.Resources.Limits.MemoryBytes", 64 * GB),
        ("TaskTemplate.Resources.Reservations.GenericResources", [{}]),
        ("TaskTemplate.LogDriver", {"Name": "syslog"}),
        (f"{SPEC}.Image", "local/other:latest"),
        (f"{SPEC}.Command", ["sh"]),
        (f"{SPEC}.User", "root"),
        (f"{SPEC}.Labels", MALLORY),
        (f"{SPEC}.Env", ["LD_PRELOAD=/x"]),
        (f"{SPEC}.CapabilityAdd", ["SYS_ADMIN"]),
        (f"{SPEC}.CapabilityDrop", []),
        (f"{SPEC}.Privileges", {"NoNewPrivileges": False}),
        (f"{SPEC}.Privileges.AppArmor", {"Mode": "disabled"}),
        (f"{SPEC}.Secrets", [{"SecretID": "x"}]),
        (f"{SPEC}.Mounts", []),
        (f"{SPEC}.Mounts.0.Source", "jupyterhub_data"),
        (f"{SPEC}.Mounts.0.Source", "/"),
        (f"{SPEC}.Mounts.0.Type", "bind"),
        (f"{SPEC}.Mounts.0.VolumeOptions.DriverConfig", {"Options": {"device": "/"}}),
        (f"{SPEC}.Mounts.1", {"Type": "bind", "Source": "/", "Target": "/host"}),
    ],
)
def test_a_service_that_is_other_than_the_hub_makes_it_is_refused(path: str, value: Any) -> None:
    with pytest.raises((Refused, MissingError)):
        passed("POST", "/v1.45/services/create", _deep(service(), path, value))


def test_services_are_for_a_swarm_alone_and_bridges_are_not() -> None:
    docker = from_settings(Settings())
    for method, target in (("GET", "/nodes"), ("GET", "/tasks"), ("DELETE", f"/services/{NAME}")):
        with pytest.raises(Refused, match="JHUB_RUNTIME=swarm alone"):
            passed(method, target, policy=docker)
    subnet = next(free_subnets(POOL, ()))
    config = {
        "Subnet": str(subnet.network),
        "Gateway": subnet.gateway,
        "IPRange": subnet.for_others,
    }
    body = {"Name": WORLD.new_network, "Labels": MALLORY, "IPAM": {"Config": [config]}}
    bridge, overlay = (
        {
            key.capitalize(): value
            for key, value in driver("jhub-docker", POOL, subnet, overlay=one).items()
        }
        for one in (False, True)
    )
    passed("POST", "/networks/create", body | overlay)
    passed("POST", "/networks/create", body | bridge, docker)
    for given, policy in (
        (bridge, SWARM),
        (overlay, docker),
        (overlay | {"Attachable": False}, SWARM),
    ):
        with pytest.raises(Refused):
            passed("POST", "/networks/create", body | given, policy)


def test_only_own_services_are_shown_and_ended() -> None:
    assert passed("DELETE", f"/services/{NAME}").path == "/services/s1"
    assert passed("GET", f"/services/{NAME}/logs?stdout=1&tail=20").path == "/services/s1/logs"
    assert json.loads(passed("GET", "/tasks").query["filters"]) == {
        "label": ["io.jhub-docker.platform=jhub-docker"]
    }
    with pytest.raises(Refused, match="not of a person"):
        passed("DELETE", "/services/other")
