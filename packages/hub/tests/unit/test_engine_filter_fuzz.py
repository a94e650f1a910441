"""Whatever is asked: what gets through the filter is harmless, or it is refused."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine_filter import target
from engine_filter.calls import Forward, MissingError, Refused
from engine_filter.host_config import SETTLED, settled
from engine_filter.policy import Policy, from_settings
from engine_filter.routes import judge
from hub_config import variables
from hub_config.names import DEVICES
from hub_config.offer.profiles import bounded
from hub_config.settings import Settings
from hub_config.spawning import options

from .filter_world import POLICY, PROFILE, WORLD, Engine, hostile

GOOD = hostile.creation(WORLD)["HostConfig"]
FIELDS = sorted(
    {
        *(field for _, change in hostile.HOST_CONFIG for field in change),
        *GOOD,
        *("Init", "NanoCpus", "BlkioDeviceReadBps", "ConsoleSize", "KernelMemory"),
    }
)
WORDS = [
    *("host", "container:x", "ALL", "SYS_ADMIN", "CHOWN", "seccomp=unconfined", "/:/host:rw"),
    *("no-new-privileges", "no-new-privileges:true", WORLD.server_network, GOOD["Binds"][0]),
    *("json-file", "max-size", "10m", "size=10", "core", ""),
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.sampled_from(WORDS) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*WORDS, "Name", "Type", "Config", "Soft"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
SPELLINGS = [spell(name) for name in FIELDS for spell in (str, str.lower, str.upper)]


def ask(method: str, where: str, body: Any, policy: Policy = POLICY) -> Forward | None:
    """What is passed on; None for nothing."""
    raw = json.dumps(body).encode()
    try:
        verdict = asyncio.run(judge(method, where, raw, policy, lambda _version: Engine()))
    except (Refused, MissingError):
        return None
    assert isinstance(verdict.decision, Forward)
    return verdict.decision


@settings(max_examples=20)
@given(VALUES.filter(bool), st.dictionaries(st.sampled_from(SPELLINGS), VALUES, max_size=3))
def test_any_host_config(value: Any, others: dict[str, Any]) -> None:
    for name in SPELLINGS:
        look_at_host_config(others | {name: value})


def look_at_host_config(changes: dict[str, Any]) -> None:
    """Judge a creation with these changes; what is passed on has to be harmless."""
    body = hostile.creation(WORLD)
    body["HostConfig"] |= changes
    passed = ask("POST", f"/v1.45/containers/create?name={WORLD.name}", body)
    if passed is None:
        return
    assert passed.body is not None
    config = passed.body["HostConfig"]
    assert config["NetworkMode"] == WORLD.server_network
    for name in SETTLED:
        assert config.get(name) == GOOD.get(name)
    assert set(config.get("Binds", [])) <= set(GOOD["Binds"])
    assert set(config) <= {*SETTLED, "NetworkMode", "Binds"}


SETTINGS = st.builds(
    Settings,
    pids_limit=st.integers(100, 10**6),
    nb_uid=st.none() | st.integers(1000, 2**31),
    nb_gid=st.none() | st.integers(100, 2**31),
    sudo_profiles=st.sampled_from(["", WORLD.profile]),
    gpu_profiles=st.sampled_from(["", WORLD.profile, f"{WORLD.profile}=1"]),
    gpu_devices=st.just("nvidia.com/gpu=*"),
    read_only_root=st.booleans(),
    max_memory_gb=st.floats(0.01, 4) | st.just(0.0),
    max_cpus=st.floats(0.1, 4) | st.just(0.0),
    log_size=st.sampled_from(["500k", "10m", "1g"]),
    group_variables=st.sampled_from(["", "API_URL", "TEAM_*", "L*, P*, N*, B*"]),
)
"""All that decides what a server gets."""

NAMES = st.sampled_from(
    [
        *(str(variable).partition("=")[0] for _, variable in hostile.VARIABLES),
        *("API_URL", "TEAM_A", "JUPYTERHUB_API_TOKEN", "NB_UID", "NB_GID", "GRANT_SUDO"),
    ]
)
ENV = st.lists(
    st.builds("{}={}".format, NAMES | st.text(max_size=12), st.text(max_size=8)) | st.text()
)
LOADS_CODE = {name.split("=")[0] for _, name in hostile.VARIABLES if "/home/" in str(name)}


@settings(max_examples=300)
@given(SETTINGS, ENV, st.dictionaries(st.sampled_from(SETTLED), VALUES, max_size=2))
def test_any_variables_under_any_settings(
    chosen: Settings, env: list[str], changes: dict[str, Any]
) -> None:
    policy = from_settings(chosen)
    profile = bounded(PROFILE, chosen)
    if profile.gpus:
        profile = replace(profile, devices=("nvidia.com/gpu=0",))
    made, own = settled(profile, chosen), options.environment(profile, chosen)
    body = hostile.creation(WORLD)
    body["User"] = "root" if options.starts_as_root(profile, chosen) else None
    body["HostConfig"] |= {name: made.get(name) for name in SETTLED}
    body["Env"] = [f"{name}={value}" for name, value in own.items()]
    body["Labels"] |= {DEVICES: ",".join(profile.devices)}
    target = f"/v1.45/containers/create?name={WORLD.name}"
    as_the_hub_does = ask("POST", target, body, policy)
    assert as_the_hub_does is not None, "what the hub makes of the same settings passes"
    body["HostConfig"] |= changes
    body["Env"] = env
    if (passed := ask("POST", target, body, policy)) is None:
        return
    assert passed.body is not None
    config, found = passed.body["HostConfig"], passed.body.get("Env", [])
    assert {name: config[name] for name in SETTLED if name in config} == made
    names = [one.partition("=")[0] for one in found]
    assert len(set(names)) == len(names)
    assert not LOADS_CODE & set(names)
    for name, value in (one.split("=", 1) for one in found):
        assert name in variables.OF_THE_HUB or own.get(name, value) == value
        if name not in variables.OF_THE_HUB and name not in own:
            assert variables.permitted(name, chosen.group_variables)
            assert not variables.complaint(name)


@settings(max_examples=150)
@given(st.dictionaries(st.text(max_size=12), VALUES, max_size=4))
def test_any_field_of_a_creation_or_another_body(changes: dict[str, Any]) -> None:
    for path in ("/v1.45/volumes/create", "/v1.45/networks/create"):
        assert ask("POST", path, changes) is None
    body = hostile.creation(WORLD) | changes
    passed = ask("POST", f"/v1.45/containers/create?name={WORLD.name}", body)
    if passed is not None:
        assert passed.body is not None
        assert set(passed.body) <= set(hostile.creation(WORLD))


@settings(max_examples=300)
@given(st.text(alphabet="/.%2feE5cv1045:@?&=;#\\containersjson \x00é", max_size=40))
def test_any_path_is_plain_or_refused(raw: str) -> None:
    try:
        parsed = target.parse("/" + raw)
    except Refused:
        return
    parts = parsed.path.split("/")[1:]
    assert all(parts)
    assert not {".", ".."} & set(parts)
    assert parsed.path.isascii()
    assert "%" not in parsed.path


@pytest.mark.parametrize("text", ["[]", '"x"', "1", "null", "{}", '{"label": "x"}'])
def test_filters_of_any_shape_keep_the_platforms_label(text: str) -> None:
    passed = None
    try:
        where = f"/v1.45/containers/json?filters={text}".replace('"', "%22").replace(" ", "")
        raw = where.replace("{", "%7B").replace("}", "%7D").replace("[", "%5B").replace("]", "%5D")
        verdict = asyncio.run(judge("GET", raw, b"", POLICY, lambda _version: Engine()))
        passed = verdict.decision
    except Refused:
        return
    assert isinstance(passed, Forward)
    assert f"io.jhub-docker.platform={POLICY.settings.platform}" in passed.query["filters"]
