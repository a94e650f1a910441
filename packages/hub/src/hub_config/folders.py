"""Which shared folders somebody has, and what they may do in them. Pure.

Three kinds: those that `config.toml` gives to groups, by `groups.folders`; one of each group, made
on the admin page or through the API; one of everybody. What a group's folder is for is said in the
group's properties, which admins set on the same page:

- `folder`: what members may do in the group's own folder, `read-write` (as without it),
  `read-only`, or `none`, which is no folder;
- `writes` and `reads`: other groups, or `everybody`, in whose folders members may do that; a list,
  or names separated by commas.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from hub_config.groups import Mode

EVERYBODY = "everybody"
"""What everybody's folder is called; a group of that name has none of its own."""

OFF = "off"


def granted(members_of: Mapping[str, Mapping[str, Any]], *, own: bool) -> dict[str, Mode]:
    """The folders of groups that somebody has, by the groups' names; the wider mode holds.

    `members_of` are their groups' properties, `own` is whether each group has a folder.
    """
    found: dict[str, Mode] = {}
    for name, said in members_of.items() if own else ():
        match "none" if name == EVERYBODY else said.get("folder", "read-write"):
            case "read-write":
                _widen(found, [name], "read-write")
            case "read-only":
                _widen(found, [name], "read-only")
        _widen(found, _names(said.get("writes")), "read-write")
        _widen(found, _names(said.get("reads")), "read-only")
    return found


def everybodys(setting: str, asked: Mapping[str, Mode]) -> Mode | None:
    """What somebody may do in everybody's folder, None for none; `asked` is their groups' say."""
    if setting == OFF:
        return None
    return "read-write" if "read-write" in (setting, asked.get(EVERYBODY)) else "read-only"


def _widen(found: dict[str, Mode], names: Iterable[str], mode: Mode) -> None:
    for name in names:
        if found.get(name) != "read-write":
            found[name] = mode


def _names(said: Any) -> list[str]:
    names = said.split(",") if isinstance(said, str) else said if isinstance(said, list) else []
    return [name for one in names if (name := str(one).strip())]
