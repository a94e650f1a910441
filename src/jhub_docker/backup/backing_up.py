"""Makes backups and judges them, while everything runs."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jhub_docker.backup import container, plan
from jhub_docker.backup.container import Place
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.platform import audit_log, chosen
from jhub_docker.progress import stage
from jhub_docker.table import counted

KEEP_THE_KEY = (
    "A new repository was made. Without its key nobody can read it, and this engine alone has it:\n"
    "  ./dev invoke backup.key > jhub-backup.key\n"
    "and keep that file elsewhere, with no backup and not on this machine."
)


def backup(
    root: Path, place: Place, *, hub: bool, people: Sequence[str], new_repository: bool
) -> str:
    """Back everything up, or the hub, or some people's homes; what to tell.

    Raises ActionError when anything is missing in it: then it is no backup of all that was asked.
    """
    file = root / ".env"
    with (
        chosen.held(root) as platform,
        stage("backing up"),
        audit_log.telling(platform, "backup", people=list(people)) as entry,
    ):
        made = container.ask(
            platform,
            place,
            "backup",
            hub=hub,
            people=list(people),
            env=file.read_text("utf-8") if file.is_file() else "",
            new_repository=new_repository,
        )
        entry |= {"run": made["run"], "volumes": len(made["snapshots"])}
        entry["result"] = "incomplete" if made["wrong"] else "ok"
    told = [KEEP_THE_KEY] if made["made"] else []
    if made["wrong"]:
        raise ActionError("\n".join(["the backup is not complete:", *made["wrong"], *told]))
    told.insert(0, f"Backup {made['run']}: {counted(len(made['snapshots']), 'volume')}.")
    if made["forgotten"]:
        gone = counted(made["forgotten"], "snapshot was", "snapshots were")
        told.append(f"{gone} removed, as JHUB_BACKUP_KEEP says.")
    if made["kept"]:
        told.append(f"Warning: {made['kept']}.")
    return "\n".join(told)


def listing(root: Path, place: Place) -> dict[str, Any]:
    """The snapshots there are, the newest first, and how the last tries went."""
    answer: dict[str, Any] = container.ask(chosen.read(root), place, "snapshots")
    return answer | {"snapshots": answer["snapshots"][::-1]}


def key(root: Path) -> str:
    """The key of this platform's backups."""
    platform = chosen.read(root)
    with audit_log.telling(platform, "backup.key"):
        return container.key(platform)


def settings(root: Path, place: Place, of: str) -> str:
    """The `.env` of the newest backup: as it was, or made of what was set."""
    platform = chosen.read(root)
    found = container.ask(platform, place, "snapshots")["snapshots"]
    (hub,) = plan.of_hub(plan.of_platform(found, platform.project, of), listing=place.listing)
    said = container.ask(platform, place, "manifest", snapshot=hub["id"])
    lines = [f"{name}={quoted(value)}" for name, value in said["variables"].items()]
    return str(said["env"]).rstrip() or "\n".join(lines)


def quoted(value: str) -> str:
    """A value as Compose reads it from `.env`, whatever is in it."""
    return "'" + value.replace("'", "\\'") + "'"


def verify(root: Path, place: Place, part: str) -> str:
    """Read the data back; what was found to be sound. Raises ActionError with what is damaged."""
    if part and not (re.fullmatch(r"\d+(\.\d+)?%", part) and 0 < float(part[:-1]) <= 100):
        raise UsageError(f"--part is {part!r}; expected a percentage such as 10%")
    with (
        chosen.held(root) as platform,
        stage("verifying the backups"),
        audit_log.telling(platform, "backup.verify"),
    ):
        said = container.ask(platform, place, "verify", part=part)
    database = f"; the database of {said['database'][:16]} opens" if said["database"] else ""
    sound = counted(said["snapshots"], "snapshot is", "snapshots are")
    return f"{sound} sound ({part or 'all'} of the data was read){database}."
