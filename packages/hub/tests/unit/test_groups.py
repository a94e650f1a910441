"""What a group's members may do that others may not."""

import pytest
from pydantic import ValidationError

from hub_config.groups import GroupRules, UserLimits, environment, folders, may_use, user_limits

RULES = {
    "analysts": GroupRules(profiles=frozenset({"uv-lab-large"})),
    "authors": GroupRules(profiles=frozenset({"uv-lab-large", "uv-marimo-large"})),
}


def test_a_profile_no_group_names_is_everybodys() -> None:
    assert may_use(RULES, "uv-lab-small", [])


def test_a_profile_of_several_groups_is_for_members_of_any() -> None:
    assert may_use(RULES, "uv-lab-large", ["authors", "unknown"])
    assert not may_use(RULES, "uv-marimo-large", ["analysts"])
    assert not may_use(RULES, "uv-lab-large", [])


def test_the_widest_limit_of_ones_groups_holds_and_zero_is_the_widest() -> None:
    rules = {
        "analysts": GroupRules(server_limit=2, memory_limit_gb=8),
        "authors": GroupRules(server_limit=3),
        "staff": GroupRules(memory_limit_gb=0),
    }
    everybody = UserLimits(servers=1, memory_gb=4, cpus=2)
    assert user_limits(rules, [], everybody) == everybody
    assert user_limits(rules, ["analysts", "authors"], everybody) == UserLimits(3, 8, 2)
    assert user_limits(rules, ["analysts", "staff", "unknown"], everybody) == UserLimits(2, 0, 2)


def test_the_wider_mode_of_a_folder_holds() -> None:
    rules = {
        "authors": GroupRules(folders={"data": "read-write", "texts": "read-only"}),
        "readers": GroupRules(folders={"data": "read-only"}),
    }
    assert folders(rules, ["readers", "unknown"]) == {"data": "read-only"}
    assert folders(rules, ["readers", "authors"])["data"] == "read-write"
    assert folders(rules, ["authors"])["texts"] == "read-only"


def test_the_first_group_in_the_alphabet_wins_and_its_secret_before_its_variable() -> None:
    rules = {
        "a": GroupRules(environment={"X": "a", "Y": "a"}),
        "b": GroupRules(environment={"X": "b", "Z": "b"}),
    }
    secrets = {"a": {"Y": "a's secret"}, "b": {"X": "b's secret"}, "c": {"Z": "no member"}}
    assert environment(rules, ["b", "a"], secrets) == {"X": "a", "Y": "a's secret", "Z": "b"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"folders": {"../etc": "read-only"}},
        {"folders": {"data": "rw"}},
        {"environment": {"JUPYTERHUB_API_TOKEN": "x"}},
        {"environment": {"LD_PRELOAD": "x"}},
        {"environment": {"A B": "x"}},
    ],
)
def test_what_cannot_be_shared_is_said(wrong: dict[str, dict[str, str]]) -> None:
    with pytest.raises(ValidationError):
        GroupRules.model_validate(wrong)


@pytest.mark.parametrize("value", ["a\0b", "é" * 40_000])
def test_a_value_that_no_container_can_have_is_refused_when_it_is_declared(value: str) -> None:
    with pytest.raises(ValidationError, match=r"NUL|80000 bytes; at most 65000"):
        GroupRules(environment={"TEXT": value})


def test_only_names_that_mean_something_are_reserved() -> None:
    rules = GroupRules(environment={"RESULTS_DIR": "/x", "RESEARCH_GROUP": "a"})
    assert set(rules.environment) == {"RESULTS_DIR", "RESEARCH_GROUP"}
    for name in ("RES_OPTIONS", "RESOLV_HOST_CONF"):
        with pytest.raises(ValidationError, match="meaning of its own"):
            GroupRules(environment={name: "x"})
