"""Profiles from image labels, and what they mean for the engine and the form."""

import json
from dataclasses import replace
from typing import Any

import pytest
from docker.types import HostConfig

from hub_config import names
from hub_config.offer.profiles import PROFILES_LABEL, Profile, bounded, from_images, size
from hub_config.settings import Settings
from hub_config.spawning import options

SIZES = {
    "small": {"cpu_guarantee": 1, "cpu_limit": 2, "mem_limit": "2G"},
    "large": {"cpu_guarantee": 4, "mem_limit": "8G"},
}


def image(name: str, *tags: str, **changes: Any) -> dict[str, Any]:
    offer = {"name": name, "title": name.upper(), "port": 8888, "default_url": "/lab"}
    offer |= {"profiles": SIZES, **changes}
    return {"RepoTags": list(tags), "Labels": {PROFILES_LABEL: json.dumps(offer)}}


def profile(**changes: Any) -> Profile:
    values: dict[str, Any] = {
        "key": "uv-lab-small",
        "size": "small",
        "image": "local/uv-lab:latest",
        "image_title": "JupyterLab",
        "description": "",
        "port": 8888,
        "default_url": "/lab",
        "memory": 2 * 2**30,
        "cpu_limit": 2.0,
        "cpu_guarantee": 1.0,
    }
    return Profile(**(values | changes))


def test_one_profile_per_image_and_size_in_the_images_order() -> None:
    found = from_images([image(name, f"r/{name}:latest") for name in ("a-b", "b", "a")], "latest")
    assert [p.image_title for p in found] == ["A", "A", "A-B", "A-B", "B", "B"]
    assert [p.key for p in found[:2]] == ["a-small", "a-large"]
    assert found[0].memory == 2 * 2**30
    assert found[1].cpu_limit is None


def test_only_images_with_the_tag_and_the_label_count() -> None:
    images = [
        image("a", "r/a:0.1.0", "r/a:other"),
        {"RepoTags": ["r/b:latest"], "Labels": None},
        {"RepoTags": None, "Labels": {PROFILES_LABEL: "{}"}},
    ]
    assert from_images(images, "latest") == ()


@pytest.mark.parametrize(
    "label",
    ["not json", "[]", "{}", '{"name": "x", "profiles": {"s": {"mem_limit": "lots"}}}',
     '{"name": "x", "profiles": {"s": {"mem_limit": "2G", "cpu_limit": -1}}}',
     '{"name": "x", "profiles": {"s": {"mem_limit": "1e999G"}}}'],
)  # fmt: skip
def test_an_unusable_label_hides_its_image_only(label: str) -> None:
    broken = {"RepoTags": ["r/x:latest"], "Labels": {PROFILES_LABEL: label}}
    found = from_images([broken, image("a", "r/a:latest")], "latest")
    assert [p.key for p in found] == ["a-small", "a-large"]


def test_two_images_with_one_key_offer_it_once() -> None:
    found = from_images([image("a", "r/a:latest"), image("a", "s/a:latest")], "latest")
    assert {p.image for p in found} == {"r/a:latest"}


def test_limits_reach_the_host_config_and_swap_does_not_widen_them() -> None:
    config = options.host_config(profile(), Settings(pids_limit=300))
    assert config["mem_limit"] == config["memswap_limit"] == 2 * 2**30
    assert config["shm_size"] == 2**30, "shared memory is half of the memory"
    assert config["cpu_shares"] == 1024
    assert config["pids_limit"] == 300


def test_no_privileges_by_default() -> None:
    config = options.host_config(profile(), Settings())
    assert config["security_opt"] == ["no-new-privileges"]
    assert config["cap_drop"] == ["ALL"]
    assert "cap_add" not in config
    assert not options.starts_as_root(profile(), Settings())


def test_other_ids_need_root_at_the_start_but_still_gain_nothing() -> None:
    operator = Settings(nb_uid=1234)
    config = options.host_config(profile(), operator)
    assert config["security_opt"] == ["no-new-privileges"]
    assert "SETUID" in config["cap_add"]
    assert "SYS_ADMIN" not in config["cap_add"]
    assert options.environment(profile(), operator) == {"NB_UID": "1234"}


def test_sudo_is_for_the_profile_that_says_so() -> None:
    operator = Settings()
    assert options.environment(profile(), operator) == {}
    assert options.environment(profile(sudo=True), operator) == {"GRANT_SUDO": "yes"}
    assert "security_opt" not in options.host_config(profile(sudo=True), operator)


def test_sudo_gets_back_a_few_capabilities_of_dockers_default_set() -> None:
    config = options.host_config(profile(sudo=True), Settings())
    assert config["cap_drop"] == ["ALL"]
    assert not {"MKNOD", "NET_RAW", "SETFCAP", "SYS_CHROOT"} & set(config["cap_add"])


def test_gpus_are_for_the_profiles_that_have_them() -> None:
    operator = Settings(gpu_profiles=frozenset({"uv-lab-small"}))
    made = HostConfig(version="1.45", **options.host_config(profile(), operator))
    (request,) = made["DeviceRequests"]
    assert (request["Count"], request["Capabilities"]) == (-1, [["gpu"]])
    assert "device_requests" not in options.host_config(profile(key="x"), operator)


def test_logs_and_core_dumps_cannot_fill_the_disk() -> None:
    config = options.host_config(profile(), Settings(log_size="5m"))
    assert config["log_config"]["config"] == {"max-size": "5m", "max-file": "3"}
    assert {"name": "core", "soft": 0, "hard": 0} in config["ulimits"]


def test_a_read_only_root_leaves_memory_to_write_to_and_is_not_for_sudo() -> None:
    operator = Settings(read_only_root=True)
    config = options.host_config(profile(), operator)
    assert config["read_only"]
    places = {place.strip("/"): text.split(",") for place, text in config["tmpfs"].items()}
    assert {"exec", f"size={2**30}"} <= set(places["tmp"])
    assert "read_only" not in options.host_config(profile(sudo=True), operator)


@pytest.mark.parametrize(
    ("driver", "backing", "possible"),
    [
        ("overlay2", "xfs", True),
        ("overlay2", "extfs", False),
        ("btrfs", "", True),
        ("overlayfs", "", False),
    ],
)
def test_a_disk_limit_that_cannot_be_is_told(driver: str, backing: str, possible: bool) -> None:
    info = {"Driver": driver, "DriverStatus": [["Backing Filesystem", backing]]}
    assert (bool(options.storage_opt(10, info))) is possible
    assert ("no effect" in options.disk_limit_notice(10, info)) is not possible
    assert options.disk_limit_notice(0, info) == ""


@pytest.mark.parametrize(
    ("most", "memory", "limit", "guarantee"),
    [
        ({}, 2**31, 2, 1),
        ({"max_memory_gb": 1, "max_cpus": 0.5}, 2**30, 0.5, 0.5),
        ({"max_memory_gb": 0, "max_cpus": 0}, 2**31, 2, 1),
    ],
)
def test_an_images_label_is_a_wish(
    most: dict[str, float], memory: int, limit: float, guarantee: float
) -> None:
    wish = replace(profile(), memory=2**31, cpu_limit=2, cpu_guarantee=1)
    got = bounded(wish, Settings(**most))
    assert (got.memory, got.cpu_limit, got.cpu_guarantee) == (memory, limit, guarantee)


def test_without_a_limit_of_cpus_the_operators_is_it() -> None:
    wish = replace(profile(), cpu_limit=None, cpu_guarantee=None, sudo=True)
    got = bounded(wish, Settings(max_cpus=8))
    assert (got.cpu_limit, got.cpu_guarantee, got.sudo) == (8, None, False)
    assert bounded(wish, Settings(max_cpus=0, sudo_profiles=wish.key)) == wish


@pytest.mark.parametrize("most", [0.000001, 0.001])
def test_the_smallest_limit_of_cpus_is_one_that_the_engine_takes(most: float) -> None:
    assert size(bounded(profile(), Settings(max_cpus=most)))["CpuQuota"] == 1000


def test_different_servers_never_share_a_container_name() -> None:
    pairs = [("a", ""), ("a-b", ""), ("a", "b"), ("a", "2db"), ("a", "-b"), ("a-", "b"), ("a_", "")]
    pairs += [("a.b", ""), ("a", "B"), ("a_2db", "")]
    assert len({names.container("jupyter", *pair) for pair in pairs}) == len(pairs)
    assert names.container("jupyter", "alice", "lab") == "jupyter-alice-lab"
    assert names.container("jupyter", "alice", "") == "jupyter-alice"


def test_different_people_never_share_a_home() -> None:
    users = ["a-b", "a.b", "a_b", "a_2db", "a@b", "ab"]
    assert len({names.home_volume("jupyterhub-user-", user) for user in users}) == len(users)
