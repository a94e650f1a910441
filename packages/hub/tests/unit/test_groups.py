"""What a group's members may do that others may not."""

from hub_config.groups import GroupRules, UserLimits, may_use, user_limits

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
