"""What membership of a JupyterHub group means: `[groups.<name>]` in the hub's `config.toml`.

Groups themselves are made and filled on the admin page or through the API; this says what they
may do. Pure: names of groups in, rules out.
"""

from collections.abc import Iterable, Mapping

from pydantic import BaseModel, ConfigDict, Field


class GroupRules(BaseModel):
    """What the members of one group get, on top of what everybody gets."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    profiles: frozenset[str] = Field(
        frozenset(), description="Profiles only members of groups that name them may use."
    )


Rules = Mapping[str, GroupRules]


def may_use(rules: Rules, profile: str, groups: Iterable[str]) -> bool:
    """Whether someone in `groups` may use `profile`; one that no group names is everybody's."""
    members = frozenset(groups)
    owners = {name for name, rule in rules.items() if profile in rule.profiles}
    return not owners or bool(owners & members)
