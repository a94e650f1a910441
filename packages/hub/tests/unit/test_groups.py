"""What a group's members may do that others may not."""

from hub_config.groups import GroupRules, may_use

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
