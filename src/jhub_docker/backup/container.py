"""Asks the image that backs up, while everything runs: backups are made, listed, verified.

A request is JSON on its standard input, answers come line by line. Neither a password nor a
credential is ever an argument.
"""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jhub_docker.backup import plan
from jhub_docker.errors import ActionError, UsageError, failure
from jhub_docker.platform import audit_log, chosen, compose
from jhub_docker.platform.compose import Platform
from jhub_docker.progress import say, stage
from jhub_docker.table import counted

SERVICE = compose.BACKUP

A_REPOSITORY = (
    "a folder of the engine's machine by its whole path, such as /mnt/backup, "
    "s3:https://HOST/BUCKET or rest:https://HOST/PATH"
)


KEEP_THE_KEY = (
    "A new repository was made. Without its key nobody can read it, and this engine alone has it:\n"
    "  ./dev invoke backup.key > jhub-backup.key\n"
    "and keep that file elsewhere, with no backup and not on this machine."
)


@dataclass(frozen=True)
class Place:
    """Where backups are: a repository, and the key where it is not this platform's own."""

    to: str = ""
    key_file: str = ""

    def request(self, platform: Platform) -> dict[str, str]:
        """What the container has to know of it. Raises UsageError for a place that is none, and a
        key that cannot be read."""
        if not (self.to or platform.backup_settings.get("JHUB_BACKUP_TO")):
            # The container says so too, but for it Compose makes all volumes that a platform has.
            raise UsageError(
                f"no repository is named; expected {A_REPOSITORY} (JHUB_BACKUP_TO, --to)"
            )
        if self.to and ":" not in self.to and not self.to.startswith("/"):
            raise UsageError(f"--to is {self.to!r}; expected {A_REPOSITORY}")
        said = {"to": self.to} if self.to else {}
        if not self.key_file:
            return said
        try:
            key = Path(self.key_file).read_text("ascii").strip()
        except OSError as error:
            raise UsageError(f"--key-file {self.key_file}: {error.strerror}") from None
        except UnicodeDecodeError:
            key = ""
        if not key:
            raise UsageError(f"--key-file {self.key_file} has no key in it")
        return {**said, "password": key}


@contextmanager
def held(root: Path, place: Place) -> Iterator[Platform]:
    """The platform, which nobody else changes meanwhile, once the place is one to ask."""
    with chosen.held(root) as platform:
        place.request(platform)
        yield platform


def ask(platform: Platform, place: Place, do: str, **request: Any) -> Any:
    """Have something done by the image; its answer. Raises what it says was wrong."""
    wanted = {"do": do, **place.request(platform), **request}
    platform.require_image(SERVICE)
    answer: dict[str, Any] = {}

    def line(text: str) -> None:
        try:
            entry = json.loads(text)
        except ValueError:
            return
        if isinstance(entry, dict) and "say" in entry:
            say(f"    {entry['say']}")
        elif isinstance(entry, dict):
            answer.update(entry)

    ended = platform.once(SERVICE, "run", given=json.dumps(wanted), on_line=line)
    if "error" in answer:
        raise failure(answer["code"], str(answer["error"]))
    if ended.code or "result" not in answer:
        raise ActionError(f"the backup's container ended with {ended.code}: {ended.tail()}")
    return answer["result"]


def backup(
    root: Path, place: Place, *, hub: bool, people: Sequence[str], new_repository: bool
) -> str:
    """Back everything up, or the hub, or some people's homes; what to tell.

    Raises ActionError when anything is missing in it: then it is no backup of all that was asked.
    """
    file = root / ".env"
    with (
        held(root, place) as platform,
        stage("backing up"),
        audit_log.telling(platform, "backup", people=list(people)) as entry,
    ):
        made = ask(
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
    answer: dict[str, Any] = ask(chosen.read(root), place, "snapshots")
    return answer | {"snapshots": answer["snapshots"][::-1]}


def key(root: Path) -> str:
    """The key of this platform's backups."""
    platform = chosen.read(root)
    with audit_log.telling(platform, "backup.key"):
        platform.require_image(SERVICE)
        ended = platform.once(SERVICE, "key")
        if ended.code:
            said = json.loads(ended.out) if ended.out.startswith("{") else {"error": ended.tail()}
            raise ActionError(str(said["error"]))
        return ended.out.strip()


def settings(root: Path, place: Place, of: str) -> str:
    """The `.env` of the newest backup: as it was, or made of what was set."""
    platform = chosen.read(root)
    found = ask(platform, place, "snapshots")["snapshots"]
    (hub,) = plan.of_hub(plan.of_platform(found, platform.project, of))
    said = ask(platform, place, "manifest", snapshot=hub["id"])
    # As Compose reads it from `.env`, whatever is in it.
    quoted = {name: value.replace("'", r"\'") for name, value in said["variables"].items()}
    return str(said["env"]).rstrip() or "\n".join(f"{one}='{quoted[one]}'" for one in quoted)


def verify(root: Path, place: Place, part: str) -> str:
    """Read the data back; what was found to be sound. Raises ActionError with what is damaged."""
    if part and not (re.fullmatch(r"\d+(\.\d+)?%", part) and 0 < float(part[:-1]) <= 100):
        raise UsageError(f"--part is {part!r}; expected a percentage such as 10%")
    with (
        held(root, place) as platform,
        stage("verifying the backups"),
        audit_log.telling(platform, "backup.verify"),
    ):
        said = ask(platform, place, "verify", part=part)
    database = f"; the database of {said['database'][:16]} opens" if said["database"] else ""
    sound = counted(said["snapshots"], "snapshot is", "snapshots are")
    return f"{sound} sound ({part or 'all'} of the data was read){database}."
