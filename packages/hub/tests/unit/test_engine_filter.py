"""The rules of the filter before the engine: what the hub needs passes, nothing hostile does."""

import ast
import asyncio
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import engine_filter
from engine_filter.calls import Answer, Forward, MissingError, Record, Refused
from engine_filter.host_config import SETTLED, settled
from engine_filter.policy import Policy, from_settings
from engine_filter.routes import Verdict, judge
from hub_config.offer.profiles import PROFILES_LABEL, Profile, bounded
from hub_config.settings import Settings
from hub_config.settings.declaration import listed
from hub_config.spawning.options import SUDO

HERE = Path(__file__).parent


def load(path: Path) -> ModuleType:
    """A module beside the tests, which are no package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


hostile = load(HERE.parent / "hostile_calls.py")
WORLD = hostile.World()
AS_ROOT = hostile.World(nb_uid=1234)
"""The same platform where servers start as root (JHUB_NB_UID)."""
POLICIES = {world: from_settings(Settings(nb_uid=world.nb_uid)) for world in (WORLD, AS_ROOT)}
POLICY = POLICIES[WORLD]
OFFER = {
    "name": "uv-lab",
    "profiles": {"small": {"mem_limit": "1G", "cpu_limit": 1, "cpu_guarantee": 1}},
}
OURS = {"io.jhub-docker.platform": "jhub-docker"}
ANN = OURS | {"io.jhub-docker.user": "ann"}
MALLORY = OURS | {"io.jhub-docker.user": "mallory", "io.jhub-docker.server": ""}
HUB = OURS | {"com.docker.compose.service": "hub"}


class Engine:
    """An engine that has a few objects: the platform's, a person's and somebody else's."""

    driver = "overlay2"

    def __init__(self) -> None:
        self.things: dict[str, Record] = {
            "containers/jupyter-ann": {"Id": "a" * 64, "Config": {"Labels": ANN}},
            f"containers/{WORLD.hub}": {"Id": "b" * 64, "Config": {"Labels": HUB}},
            f"containers/{WORLD.other_container}": {"Id": "c" * 64, "Config": {"Labels": {}}},
            f"images/{WORLD.image}": {"Config": {"Labels": {PROFILES_LABEL: json.dumps(OFFER)}}},
            f"images/{WORLD.other_image}": {"Config": {"Labels": None}},
            f"networks/{WORLD.server_network}": {
                "Id": "d" * 64,
                "Labels": MALLORY,
                "IPAM": {"Config": [{"Subnet": hostile.subnet(WORLD)}]},
            },
            f"networks/{WORLD.other_network}": {"Id": "e" * 64, "Labels": {}},
            "networks/bridge": {"Id": "f" * 64, "Labels": {}},
            "networks/host": {"Id": "0" * 64, "Labels": {}},
            f"volumes/{WORLD.home}": {"Labels": MALLORY},
            f"volumes/{WORLD.data_volume}": {"Labels": OURS},
            f"volumes/{WORLD.other_volume}": {"Labels": {"io.jhub-docker.platform": "other"}},
        }

    async def info(self) -> Record:
        return {"Driver": self.driver, "DriverStatus": []}

    async def container(self, name: str) -> Record:
        return self._find("containers", name)

    async def image(self, name: str) -> Record:
        return self._find("images", name)

    async def network(self, name: str) -> Record:
        return self._find("networks", name)

    async def volume(self, name: str) -> Record:
        return self._find("volumes", name)

    def _find(self, kind: str, name: str) -> Record:
        try:
            return self.things[f"{kind}/{name}"]
        except KeyError:
            raise MissingError(f"no {kind} {name}") from None


def ask(method: str, target: str, body: str = "", policy: Policy = POLICY) -> Verdict:
    return asyncio.run(judge(method, target, body.encode(), policy, lambda _version: Engine()))


def forwarded(method: str, target: str, body: Any = None, policy: Policy = POLICY) -> Forward:
    text = "" if body is None else json.dumps(body)
    decision = ask(method, target, text, policy).decision
    assert isinstance(decision, Forward)
    return decision


def create(policy: Policy = POLICY, **host_config: Any) -> dict[str, Any]:
    body = hostile.creation(WORLD)
    body["HostConfig"] |= host_config
    target = f"/v1.45/containers/create?name={WORLD.name}"
    passed = forwarded("POST", target, body, policy).body
    assert passed is not None
    return passed


# -- what the hub needs ------------------------------------------------------------------------


SHARED = "jupyterhub-shared-data"


def test_shared_folders_go_to_their_places_only() -> None:
    home = f"{WORLD.home}:/home/nebula:rw"
    for place in ("/srv/shared/data:ro", "/srv/shared/data:rw", "/srv/new-shared-folder:rw"):
        binds = [home, f"{SHARED}:{place}"]
        assert create(Binds=binds)["HostConfig"]["Binds"] == binds
    for place in ("/srv/shared/other:ro", "/srv/shared:ro", "/etc:ro"):
        with pytest.raises(Refused, match="may only be at"):
            create(Binds=[home, f"{SHARED}:{place}"])


def test_shared_folders_are_made_with_the_platforms_labels() -> None:
    labels = OURS | {"io.jhub-docker.folder": "data"}
    forwarded("POST", "/volumes/create", {"Name": SHARED, "Labels": labels})
    for wrong in ({}, OURS, ANN, labels | {"x": "y"}, OURS | {"io.jhub-docker.folder": "other"}):
        with pytest.raises(Refused, match="platform and folder alone"):
            forwarded("POST", "/volumes/create", {"Name": SHARED, "Labels": wrong})


def test_a_creation_as_the_hub_makes_it_passes_without_empty_fields() -> None:
    passed = create(MaskedPaths=[], ReadonlyPaths=[], Privileged=False)
    made = hostile.creation(WORLD)
    assert passed["HostConfig"] == {k: v for k, v in made["HostConfig"].items() if v}
    assert set(passed) == {name for name, value in made.items() if value}


def test_an_image_may_be_named_by_its_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    pinned = f"registry.example/team/uv-lab@sha256:{'0' * 64}"
    policy = from_settings(Settings(pull_from="registry.example/team/"))
    body = hostile.creation(WORLD) | {"Image": pinned}
    target = f"/v1.45/containers/create?name={WORLD.name}"
    with pytest.raises(MissingError):  # not here: never another image in its place
        forwarded("POST", target, body, policy)
    images = Engine().things[f"images/{WORLD.image}"]
    find = Engine._find
    monkeypatch.setattr(
        Engine, "_find", lambda self, *what: images if what[1] == pinned else find(self, *what)
    )
    passed = forwarded("POST", target, body, policy).body
    assert passed is not None
    assert passed["Image"] == pinned
    with pytest.raises(Refused, match="has not the tag latest"):
        forwarded("POST", target, body)


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/_ping"),
        ("HEAD", "/_ping"),
        ("GET", "/version"),
        ("GET", "/v1.45/info"),
        ("POST", "/v1.45/containers/jupyter-ann/start"),
        ("POST", "/v1.45/containers/jupyter-ann/stop?t=10"),
        ("DELETE", "/v1.45/containers/jupyter-ann?v=True&link=False&force=True"),
        ("GET", "/v1.45/containers/jupyter-ann/logs?stdout=1&stderr=1&follow=0&tail=20"),
        ("DELETE", f"/v1.45/volumes/{WORLD.home}"),
    ],
)
def test_calls_of_the_hub_pass(method: str, target: str) -> None:
    assert forwarded(method, target).body is None


def test_networks_are_made_and_joined_as_the_hub_does() -> None:
    made = forwarded("POST", "/v1.45/networks/create", hostile.network(WORLD)).body
    assert made is not None
    assert made["IPAM"]["Config"][0]["Subnet"] == "10.213.9.0/28"
    target = f"/v1.45/networks/{WORLD.server_network}"
    joined = forwarded("POST", f"{target}/connect", hostile.connection(WORLD))
    assert joined.path == f"/networks/{'d' * 64}/connect"
    assert joined.body == hostile.connection(WORLD) | {"Container": "b" * 64}
    # By its id it is known from now on, so its record, which lists all networks, is not asked for.
    again = hostile.connection(WORLD) | {"Container": "b" * 64}
    assert forwarded("POST", f"{target}/connect", again) == joined
    for unknown in ("c" * 64, "jupyter-ann"):
        with pytest.raises((Refused, MissingError)):
            forwarded("POST", f"{target}/connect", again | {"Container": unknown})
    left = forwarded("POST", f"{target}/disconnect", {"Container": WORLD.hub, "Force": True})
    assert left.body == {"Container": "b" * 64, "Force": True}
    assert forwarded("DELETE", target).path == f"/networks/{'d' * 64}"


def test_a_server_gets_its_own_network_and_no_others() -> None:
    body = hostile.creation(WORLD)
    body["Labels"]["io.jhub-docker.server"] = "second"
    with pytest.raises(Refused, match="made for another server"):
        forwarded("POST", f"/v1.45/containers/create?name={WORLD.name}-second", body)


def test_a_container_is_meant_by_its_id_from_then_on() -> None:
    assert forwarded("POST", "/v1.45/containers/jupyter-ann/start").path == (
        f"/containers/{'a' * 64}/start"
    )


def test_looking_at_an_own_container_and_an_offered_image() -> None:
    for target in ("/v1.45/containers/jupyter-ann/json", f"/v1.45/images/{WORLD.image}/json"):
        assert isinstance(ask("GET", target).decision, Answer)


def test_what_is_not_there_is_missing_not_refused() -> None:
    with pytest.raises(MissingError):
        ask("GET", "/v1.45/containers/jupyter-nobody/json")


@pytest.mark.parametrize("kind", ["containers/json", "volumes"])
def test_lists_show_this_platform_only(kind: str) -> None:
    query = "filters=%7B%22label%22%3A+%5B%22io.jhub-docker.user%3Dann%22%5D%7D"
    filters = json.loads(forwarded("GET", f"/v1.45/{kind}?{query}").query["filters"])
    own = "io.jhub-docker.platform=jhub-docker"
    assert filters == {"label": ["io.jhub-docker.user=ann", own]}


def test_images_are_listed_when_they_have_profiles() -> None:
    query = forwarded("GET", "/v1.45/images/json?only_ids=0&all=0").query
    assert json.loads(query["filters"]) == {"label": [PROFILES_LABEL]}


def test_an_image_is_pulled_from_where_the_operator_says_and_nowhere_else() -> None:
    policy = from_settings(Settings(pull_from="registry.example/team/"))
    target = "/v1.45/images/create?tag={}&fromImage={}"
    pulled = forwarded("POST", target.format("1.2", "registry.example%2Fteam%2Flab"), None, policy)
    assert pulled.query == {"fromImage": "registry.example/team/lab", "tag": "1.2"}
    assert pulled.headers == ("X-Registry-Auth",)
    for tag, repository in (
        ("1.2", "registry.example/other/lab"),
        ("1.2", "registry.example/team/../other/lab"),
        ("1.2", "registry.example/team/"),
        ("", "registry.example/team/lab"),
        ("sha256:0", "registry.example/team/lab"),
    ):
        with pytest.raises(Refused):
            forwarded("POST", target.format(tag, repository), None, policy)
    with pytest.raises(Refused, match="none to pull from"):
        forwarded("POST", target.format("1.2", "registry.example/team/lab"))


def test_the_configured_bundle_may_be_mounted_at_its_place_and_read_only() -> None:
    policy = from_settings(Settings(ca_bundle="/etc/ours.pem"))
    home, bind = f"{WORLD.home}:/home/nebula:rw", "/etc/ours.pem:/etc/jhub-docker/ca-bundle.crt:ro"
    assert create(policy, Binds=[home, bind])["HostConfig"]["Binds"] == [home, bind]
    with pytest.raises(Refused, match="may not be mounted"):
        create(policy, Binds=[home, bind.removesuffix("ro") + "rw"])


PROFILE = Profile(
    key=WORLD.profile,
    size="small",
    image=WORLD.image,
    image_title="",
    description="",
    port=8888,
    default_url="",
    memory=hostile.GIB,
    cpu_limit=1,
    cpu_guarantee=1,
)


@pytest.mark.parametrize("sudo", [False, True])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"pids_limit": 300},
        {"log_size": "5m"},
        {"read_only_root": True},
        {"nb_uid": 1234},
        {"gpu_profiles": frozenset({WORLD.profile})},
        {"max_memory_gb": 0.5},
        {"max_cpus": 0.5},
    ],
    ids=str,
)
def test_what_the_hub_makes_of_profile_and_settings_passes_and_no_other_size(
    changes: dict[str, Any], sudo: bool
) -> None:
    granted = frozenset({WORLD.profile} if sudo else ())
    settings = Settings(sudo_profiles=granted, **changes)
    policy = from_settings(settings)
    made = settled(bounded(PROFILE, settings), settings)
    assert set(made) <= set(SETTLED)
    given = {name: made.get(name) for name in SETTLED}
    passed = create(policy, **given)["HostConfig"]
    assert {name: passed[name] for name in SETTLED if name in passed} == made
    if made != settled(PROFILE, Settings()):
        with pytest.raises(Refused, match="has to be"):
            create(**given)
    for name in made.keys() - {"SecurityOpt"}:
        with pytest.raises(Refused, match=f"HostConfig.{name} has to be"):
            create(policy, **(given | {name: None}))


def greedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The image's label asks for sudo and far more than a server may have."""
    size = {"mem_limit": "512G", "cpu_guarantee": 200, "sudo": True}
    label = json.dumps(OFFER | {"profiles": {"small": size}})
    image = {"Config": {"Labels": {PROFILES_LABEL: label}}}
    find = Engine._find
    monkeypatch.setattr(
        Engine, "_find", lambda self, *what: image if what[0] == "images" else find(self, *what)
    )


def test_an_images_label_alone_gives_neither_sudo_nor_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    greedy(monkeypatch)
    most = {"Memory": 16 * hostile.GIB, "MemorySwap": 16 * hostile.GIB}
    most |= {"ShmSize": 8 * hostile.GIB}
    most |= {"CpuPeriod": 100000, "CpuQuota": 1600000, "CpuShares": 16384}
    assert create(**most)["HostConfig"]["Memory"] == 16 * hostile.GIB
    for more in (
        {"Memory": 512 * hostile.GIB, "MemorySwap": 512 * hostile.GIB},
        {"ShmSize": 256 * hostile.GIB},
        {"CpuPeriod": 0, "CpuQuota": 0},
        {"CpuShares": 200 * 1024},
        {"SecurityOpt": [], "CapAdd": SUDO},
    ):
        with pytest.raises(Refused, match="has to be"):
            create(**(most | more))
    allowed = from_settings(Settings(sudo_profiles=frozenset({WORLD.profile}), max_memory_gb=0))
    asked = most | {"Memory": 512 * hostile.GIB, "MemorySwap": 512 * hostile.GIB}
    asked |= {"ShmSize": 256 * hostile.GIB}
    asked |= {"SecurityOpt": [], "CapAdd": SUDO}
    assert create(allowed, **asked)["HostConfig"]["CapAdd"] == SUDO


def test_rules_see_what_the_filter_enforces_and_nothing_else() -> None:
    """A rule that compares with any other setting would trust what the hub can change."""
    enforced = {one.name for one in listed(Settings) if one.enforced_by == "filter"}
    changed = Settings(idle_timeout=1, signup="open", pids_limit=300)
    assert from_settings(changed).settings == Settings(pids_limit=300)
    read = {
        node.attr
        for path in Path(engine_filter.__file__).parent.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and "settings" in ast.unparse(node.value).split(".")[-1:]
    }
    assert {"platform", "pull_from", "group_variables"} <= read
    assert read - enforced <= {"enforced", "log_level"}


# -- variables ---------------------------------------------------------------------------------


def with_env(*env: str, policy: Policy = POLICY, **changes: Any) -> list[str]:
    body = hostile.creation(WORLD) | {"Env": list(env)} | changes
    passed = forwarded("POST", f"/v1.45/containers/create?name={WORLD.name}", body, policy).body
    assert passed is not None
    found: list[str] = passed["Env"]
    return found


def test_variables_of_the_hub_and_of_groups_pass() -> None:
    env = ["JUPYTERHUB_API_TOKEN=0", "MEM_LIMIT=1", "JHUB_IDLE_TIMEOUT=3600"]
    assert with_env(*env) == env
    env.append("API_URL=a=b")
    with pytest.raises(Refused, match="'API_URL' may not be set"):
        with_env(*env)
    assert with_env(*env, policy=from_settings(Settings(group_variables="API_URL"))) == env


def test_groups_variables_are_those_the_operator_permits() -> None:
    policy = from_settings(Settings(group_variables="API_URL, TEAM_*"))
    assert with_env("API_URL=x", "TEAM_A=y", "JUPYTERHUB_USER=ann", policy=policy)
    for other in ("API_URLS=x", "TEA=x", "TEAM-A=x"):
        with pytest.raises(Refused, match="may not be set"):
            with_env(other, policy=policy)


def test_who_the_person_is_follows_from_the_settings() -> None:
    settings = Settings(nb_uid=1234, sudo_profiles=frozenset({WORLD.profile}))
    policy, made = from_settings(settings), settled(bounded(PROFILE, settings), settings)
    config = hostile.creation(WORLD)["HostConfig"] | {"SecurityOpt": None} | made
    passed = with_env("NB_UID=1234", "GRANT_SUDO=yes", policy=policy, HostConfig=config)
    assert passed == ["NB_UID=1234", "GRANT_SUDO=yes"]
    for wrong in ("NB_UID=0", "NB_UID=1235", "NB_GID=0", "GRANT_SUDO=no"):
        with pytest.raises(Refused, match="Env"):
            with_env(wrong, policy=policy, HostConfig=config)


def test_a_start_as_root_is_for_those_who_need_it() -> None:
    body = hostile.creation(WORLD) | {"User": "root"}
    target = f"/v1.45/containers/create?name={WORLD.name}"
    with pytest.raises(Refused, match="User has to be left out"):
        forwarded("POST", target, body)
    settings = Settings(nb_uid=1234)
    body["HostConfig"] |= settled(PROFILE, settings)
    assert forwarded("POST", target, body, from_settings(settings)).body["User"]  # type: ignore[index]


def test_a_disk_limit_is_needed_where_the_engine_can_hold_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    policy = from_settings(Settings(disk_limit_gb=10))
    limit = {"size": "10000000000"}
    with pytest.raises(Refused, match="StorageOpt has to be left out"):
        create(policy, StorageOpt=limit)
    monkeypatch.setattr(Engine, "driver", "btrfs")
    assert create(policy, StorageOpt=limit)["HostConfig"]["StorageOpt"] == limit
    for other in ({}, {"size": "20000000000"}, limit | {"size": 10000000000}):
        with pytest.raises(Refused, match="StorageOpt has to be"):
            create(policy, StorageOpt=other)


def test_gpus_are_for_profiles_that_have_them_and_nothing_else_is_a_device() -> None:
    settings = Settings(gpu_profiles=frozenset({WORLD.profile}))
    policy = from_settings(settings)
    (asked,) = settled(PROFILE, settings)["DeviceRequests"]
    passed = create(policy, DeviceRequests=[asked])["HostConfig"]["DeviceRequests"]
    assert passed == [asked]
    assert (asked["Count"], asked["Capabilities"]) == (-1, [["gpu"]])
    for other in ([asked, asked], [asked | {"Driver": "cdi"}], [asked | {"Options": {"a": "b"}}]):
        with pytest.raises(Refused, match="DeviceRequests has to be"):
            create(policy, DeviceRequests=other)


def test_images_are_pulled_from_the_operators_prefix_only() -> None:
    policy = from_settings(Settings(pull_from="registry.example/team/"))
    pull = "/v1.45/images/create?fromImage={}&tag={}"
    passed = forwarded("POST", pull.format("registry.example/team/lab", "1"), policy=policy)
    assert passed.query == {"fromImage": "registry.example/team/lab", "tag": "1"}
    assert passed.endless
    digest = f"sha256:{'0123456789abcdef' * 4}"
    passed = forwarded("POST", pull.format("registry.example/team/lab", digest), policy=policy)
    assert passed.query == {"fromImage": "registry.example/team/lab", "tag": digest}
    for repository, tag in [
        ("registry.example/other/lab", "1"),
        ("registry.example/team/../other", "1"),
        ("registry.example/team/lab", ""),
        ("registry.example/team/lab", "sha256:0"),
        ("registry.example/team/lab", f"{digest}0"),
        ("docker.io/registry.example/team/lab", "1"),
    ]:
        with pytest.raises(Refused):
            ask("POST", pull.format(repository, tag), policy=policy)


# -- what it does not --------------------------------------------------------------------------

CASES = [(case, policy) for world, policy in POLICIES.items() for case in hostile.cases(world)]
NAMES = [
    f"{case.subject}: {case.title}{' (root)' if policy != POLICY else ''}" for case, policy in CASES
]


@pytest.mark.parametrize(("case", "policy"), CASES, ids=NAMES)
def test_hostile_call_is_refused(case: Any, policy: Policy) -> None:
    with pytest.raises(Refused):
        ask(case.method, case.target, case.body, policy)


@pytest.mark.parametrize("world", POLICIES, ids=["plain", "root"])
def test_the_harmless_body_of_hostile_calls_passes(world: Any) -> None:
    """Otherwise each hostile one could be refused for another reason than its own."""
    target = f"/v1.45/containers/create?name={world.name}"
    body = forwarded("POST", target, hostile.creation(world), POLICIES[world]).body
    assert body is not None
    assert body["Image"] == world.image
