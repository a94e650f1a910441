"""What membership of a JupyterHub group means: `[groups.<name>]` in the hub's `config.toml`, and
the secrets beside it.

Groups themselves are made and filled on the admin page or through the API; this says what their
members get: names of groups in, rules, folders and variables out. Secrets are one file each in the
data volume, of the hub's user alone, read at each start: they are in no database, no settings and
no log. `python -m hub_config secret` keeps them; the value comes from standard input, since
arguments can be seen by everybody on a machine.
"""

import logging
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from hub_config import variables
from hub_config.first_start import write_secret
from hub_config.names import part

Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]

Mode = Literal["read-only", "read-write"]


def _without(complaint: Callable[[str], str], wanted: str) -> AfterValidator:
    def checked(text: str) -> str:
        if wrong := complaint(text):
            raise ValueError(f"{wanted} ({wrong})")
        return text

    return AfterValidator(checked)


def _folder(name: str) -> str:
    if not re.fullmatch("[a-z0-9][a-z0-9_-]{0,62}", name):
        raise ValueError("up to 63 letters a-z, digits and _ -, such as raw-data")
    return name


Folder = Annotated[str, AfterValidator(_folder)]
Variable = Annotated[str, _without(variables.complaint, "a name such as TEAM_URL")]
Value = Annotated[str, _without(variables.value_complaint, "text that a container can have")]


class GroupRules(BaseModel):
    """What the members of one group get, on top of what everybody gets."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    profiles: frozenset[str] = frozenset()
    """Profiles only members of groups that name them may use."""
    server_limit: Annotated[int, Field(ge=0)] | None = None
    """Servers each member may run at the same time; 0: no limit."""
    memory_limit_gb: Amount | None = None
    """Memory of each member's servers together; 0: no limit."""
    cpu_limit: Amount | None = None
    """CPUs promised to each member's servers together; 0: no limit."""
    folders: dict[Folder, Mode] = {}
    """Shared folders, and what members may do in them."""
    environment: dict[Variable, Value] = {}
    """Variables in each member's servers; nothing secret."""


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


USAGE = """python -m hub_config secret set GROUP NAME < file-with-the-value
python -m hub_config secret remove GROUP NAME
python -m hub_config secret list"""


NAME_MAX = 255
"""Bytes of a file's name (limits.h); a group's escaped one may be longer than that."""


def read_group(folder: Path, group: str) -> dict[str, str]:
    """The secrets of a group by the variable's name. Raises OSError for one that cannot be read."""
    return {path.name: path.read_text("utf-8") for path in _files(folder / part(group))}


def _files(folder: Path) -> list[Path]:
    if len(folder.name) > NAME_MAX:  # there can be none, and looking would be an OSError
        return []
    return sorted(path for path in folder.glob("*") if not path.name.startswith("."))


def keep_secret(folder: Path, group: str, name: str, value: str) -> None:
    """Keep a secret; an older one of the name is replaced."""
    place = folder / part(group)
    for one in (folder, place):
        one.mkdir(mode=0o700, parents=True, exist_ok=True)
        _as_owner_of(folder.parent, one)
    write_secret(place / name, value)
    _as_owner_of(folder.parent, place / name)


def _as_owner_of(pattern: Path, path: Path) -> None:
    """Somebody who is root in the container makes files the hub can read."""
    if os.getuid() == 0:
        owner = pattern.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def secret_command(
    folder: Path, arguments: Sequence[str], may_set: Callable[[], Iterable[str]]
) -> int:
    """Run `secret ...`; returns the exit code: 0 done, 1 not there, 2 wrong usage.

    `may_set` tells which variables groups may set (JHUB_GROUP_VARIABLES).
    """
    match list(arguments):
        case ["set", group, name]:
            wrong = _name_complaint(group, name, may_set())
            value = "" if wrong else _given()
            wrong = wrong or _value_complaint(value)
            if wrong:
                print(wrong, file=sys.stderr)
                return 2
            keep_secret(folder, group, name, value)
            return 0
        case ["remove", group, name]:
            path = folder / part(group) / name
            if path not in _files(folder / part(group)):
                print(f"The group {group} has no secret {name}.", file=sys.stderr)
                return 1
            path.unlink()
            return 0
        case ["list"]:
            for place in sorted(folder.glob("*")):
                for path in _files(place):
                    print(place.name, path.name)
            return 0
    print(USAGE, file=sys.stderr)
    return 2


def _given() -> str:
    """What is on standard input; where that is not UTF-8, something that is not either."""
    try:
        return sys.stdin.read().removesuffix("\n")
    except UnicodeDecodeError:
        return "\udcff"


def _name_complaint(group: str, name: str, may_set: Iterable[str]) -> str:
    longest = max(len(part(group)), len(f".{name}.new"))
    if not group or longest > NAME_MAX:
        return f"Group and name are files' names, escaped of 1 to {NAME_MAX} characters."
    if wrong := variables.complaint(name):
        return wrong
    if not variables.permitted(name, may_set):
        told = ", ".join(sorted(may_set)) or "none"
        return f"Groups may set what JHUB_GROUP_VARIABLES names, now {told}; add {name} there."
    return ""


def _value_complaint(value: str) -> str:
    if not value:
        return "The secret is empty; its value is expected on standard input."
    return variables.value_complaint(value)


log = logging.getLogger(__name__)


class SharingError(Exception):
    """A group's variables cannot be had; the message is for its member."""


@dataclass(frozen=True)
class Shared:
    """What the groups called `members` share at a start; `variables` are those they may set."""

    rules: Rules
    members: Sequence[str]
    secrets: Path
    variables: frozenset[str]

    def environment(self) -> Mapping[str, str]:
        """Variables and secrets.

        Raises SharingError when a secret cannot be read, since the person's work would fail later
        without it, and for a name that the filter would refuse.
        """
        try:
            secrets = {name: read_group(self.secrets, name) for name in self.members}
        except (OSError, UnicodeDecodeError) as error:
            log.error("Cannot read a group's secret: %s", type(error).__name__)
            raise SharingError(
                "A secret of one of your groups cannot be read. An administrator finds more in "
                "the hub's log."
            ) from None
        found = environment(self.rules, self.members, secrets)
        may_set = self.variables
        if beyond := sorted(name for name in found if not variables.permitted(name, may_set)):
            raise SharingError(
                f"One of your groups sets {beyond[0]}, which JHUB_GROUP_VARIABLES does not permit. "
                "Tell an administrator."
            )
        return found
