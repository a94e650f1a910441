"""What membership of a JupyterHub group means: `[groups.<name>]` in the hub's `config.toml`.

Groups themselves are made and filled on the admin page or through the API; this says what they
may do. Pure: names of groups in, rules out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from hub_config import variables

Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]

Mode = Literal["read-only", "read-write"]


def _checked_name(name: str) -> str:
    if wrong := variables.complaint(name):
        raise ValueError(wrong)
    return name


def _checked_value(value: str) -> str:
    if wrong := variables.value_complaint(value):
        raise ValueError(wrong)
    return value


Folder = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
Variable = Annotated[str, AfterValidator(_checked_name)]
Value = Annotated[str, AfterValidator(_checked_value)]


class GroupRules(BaseModel):
    """What the members of one group get, on top of what everybody gets."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    profiles: frozenset[str] = Field(
        frozenset(), description="Profiles only members of groups that name them may use."
    )
    server_limit: Annotated[int, Field(ge=0)] | None = Field(
        None, description="Servers each member may run at the same time; 0: no limit."
    )
    memory_limit_gb: Amount | None = Field(
        None, description="Memory of each member's servers together; 0: no limit."
    )
    cpu_limit: Amount | None = Field(
        None, description="CPUs promised to each member's servers together; 0: no limit."
    )
    folders: dict[Folder, Mode] = Field(
        default_factory=dict, description="Shared folders, and what members may do in them."
    )
    environment: dict[Variable, Value] = Field(
        default_factory=dict, description="Variables in each member's servers; nothing secret."
    )


Rules = Mapping[str, GroupRules]


@dataclass(frozen=True)
class UserLimits:
    """What one person's servers may have together; 0: no limit. Memory in 2³⁰ bytes."""

    servers: int = 0
    memory_gb: float = 0
    cpus: float = 0


def may_use(rules: Rules, profile: str, groups: Iterable[str]) -> bool:
    """Whether someone in `groups` may use `profile`; one that no group names is everybody's."""
    members = frozenset(groups)
    owners = owners_of(rules, profile)
    return not owners or bool(owners & members)


def owners_of(rules: Rules, profile: str) -> frozenset[str]:
    """The groups whose members may use `profile`; none: everybody may."""
    return frozenset(name for name, rule in rules.items() if profile in rule.profiles)


def user_limits(rules: Rules, groups: Iterable[str], everybody: UserLimits) -> UserLimits:
    """The limits of someone in `groups`: the widest their groups set, else everybody's."""
    own = [rules[name] for name in groups if name in rules]
    return UserLimits(
        servers=int(_widest([rule.server_limit for rule in own], everybody.servers)),
        memory_gb=_widest([rule.memory_limit_gb for rule in own], everybody.memory_gb),
        cpus=_widest([rule.cpu_limit for rule in own], everybody.cpus),
    )


def _widest(limits: Iterable[float | None], otherwise: float) -> float:
    known = [limit for limit in limits if limit is not None] or [otherwise]
    return 0 if 0 in known else max(known)


def folders(rules: Rules, members_of: Iterable[str]) -> dict[str, Mode]:
    """The shared folders of someone in these groups; the wider mode holds."""
    found: dict[str, Mode] = {}
    for name in sorted(members_of):
        for folder, mode in (rules[name].folders if name in rules else {}).items():
            if found.get(folder) != "read-write":
                found[folder] = mode
    return found


def environment(
    rules: Rules, members_of: Iterable[str], secrets: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    """The variables of someone in these groups; `secrets` are by group and name.

    Of groups that set the same variable, the first in alphabetical order wins; within a group its
    secret does.
    """
    found: dict[str, str] = {}
    for name in sorted(members_of, reverse=True):
        found |= rules[name].environment if name in rules else {}
        found |= secrets.get(name, {})
    return found
