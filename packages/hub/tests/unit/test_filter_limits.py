"""What a container may get follows from profile and settings, and the filter permits just that."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest

import engine_filter
from engine_filter.calls import Record, Refused
from engine_filter.host_config import SETTLED, settled
from engine_filter.policy import Policy, from_settings
from hub_config.names import DEVICES
from hub_config.offer.profiles import PROFILES_LABEL, bounded
from hub_config.settings import Settings
from hub_config.settings.declaration import listed
from hub_config.spawning.options import SUDO

from .filter_world import OFFER, POLICY, PROFILE, WORLD, Engine, create, forwarded, hostile


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
    find = Engine.one

    async def one(self: Engine, kind: str, name: str) -> Record:
        return image if kind == "images" else await find(self, kind, name)

    monkeypatch.setattr(Engine, "one", one)


def test_an_images_label_alone_gives_neither_sudo_nor_size(monkeypatch: pytest.MonkeyPatch) -> None:
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


GPUS = "nvidia.com/gpu=*, nvidia.com/gpu=0:1 as nvidia.com/mig-1g.10gb, 7"
SLICE = "nvidia.com/gpu=0:1"
CDI = {"Driver": "cdi", "DeviceIDs": ["nvidia.com/gpu=1"]}


def given(settings: Settings, label: str, *requests: dict[str, Any]) -> Any:
    """What passes of a server with this label and these requests for devices."""
    body = hostile.creation(WORLD)
    body["Labels"] |= {DEVICES: label} if label else {}
    body["HostConfig"]["DeviceRequests"] = list(requests)
    target = f"/v1.45/containers/create?name={WORLD.name}"
    passed = forwarded("POST", target, body, from_settings(settings)).body
    assert passed is not None
    (asked,) = passed["HostConfig"]["DeviceRequests"]
    return {name: value for name, value in asked.items() if value}


@pytest.mark.parametrize(
    ("profile", "device", "request_"),
    [
        ("=1", "nvidia.com/gpu=1", CDI),
        ("=1*nvidia.com/mig-1g.10gb", SLICE, CDI | {"DeviceIDs": [SLICE]}),
        ("=1", "7", {"DeviceIDs": ["7"], "Capabilities": [["gpu"]]}),
    ],
)
def test_a_server_has_just_the_device_that_its_label_names(
    profile: str, device: str, request_: dict[str, Any]
) -> None:
    settings = Settings(gpu_profiles=WORLD.profile + profile, gpu_devices=GPUS)
    asked = {"Count": 0, "Options": {}, "Driver": "", "Capabilities": [], **request_}
    assert given(settings, device, asked) == request_
    for other in (
        asked | {"DeviceIDs": ["nvidia.com/gpu=2"]},
        asked | {"DeviceIDs": [device, "nvidia.com/gpu=2"]},
        asked | {"DeviceIDs": []},
        asked | {"Driver": "evil"},
        asked | {"Count": -1},
        asked | {"Capabilities": [["gpu", "display"]]},
        asked | {"Options": {"a": "b"}},
    ):
        with pytest.raises(Refused, match="DeviceRequests has to be"):
            given(settings, device, other)
    for more in ((), (asked, asked)):
        with pytest.raises(Refused, match="DeviceRequests has to be"):
            given(settings, device, *more)


@pytest.mark.parametrize(
    "devices",
    [
        "",
        "nvidia.com/gpu=all",
        SLICE,
        "nvidia.com/gpu=1,nvidia.com/gpu=2",
        "nvidia.com/gpu=1,nvidia.com/gpu=1",
        "vendor.com/disk=0",
        "nvidia.com/gpu=٣",
        "nvidia.com/gpu=1\n",
        "nvidia.com/gpu=*",
        "70",
    ],
)
def test_a_server_has_no_device_but_of_its_kind_and_as_many_as_its_profile_asks_for(
    devices: str,
) -> None:
    settings = Settings(gpu_profiles=f"{WORLD.profile}=1", gpu_devices=GPUS)
    asked = {**CDI, "Count": 0, "Options": {}, "Capabilities": [], "DeviceIDs": devices.split(",")}
    with pytest.raises(Refused, match=r"devices has to name 1 different ones of nvidia.com/gpu"):
        given(settings, devices, asked)


@pytest.mark.parametrize(
    "settings",
    [
        Settings(gpu_devices=GPUS),
        Settings(gpu_profiles=WORLD.profile, gpu_devices=GPUS),
        Settings(gpu_profiles="other=1", gpu_devices=GPUS),
        Settings(gpu_profiles=f"{WORLD.profile}=1"),
    ],
)
def test_who_asks_for_no_device_or_where_none_is_to_give_has_none(settings: Settings) -> None:
    asked = {**CDI, "Count": 0, "Options": {}, "Capabilities": []}
    with pytest.raises(Refused, match="devices has to name"):
        given(settings, "nvidia.com/gpu=1", asked)


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
    assert read - enforced <= {"enforced", "log_level", "log_format"}


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
    settings = Settings(
        nb_uid=1234,
        sudo_profiles=frozenset({WORLD.profile}),
        timezone="Europe/Berlin",
        locale="de_DE.UTF-8",
    )
    policy, made = from_settings(settings), settled(bounded(PROFILE, settings), settings)
    config = hostile.creation(WORLD)["HostConfig"] | {"SecurityOpt": None} | made
    right = ("NB_UID=1234", "GRANT_SUDO=yes", "TZ=Europe/Berlin", "LANG=de_DE.UTF-8")
    assert with_env(*right, policy=policy, HostConfig=config) == list(right)
    for wrong in (
        "TZ=:/etc/shadow",
        "LANG=x",
        "NB_UID=0",
        "NB_UID=1235",
        "NB_GID=0",
        "GRANT_SUDO=no",
    ):
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
