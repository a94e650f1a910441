"""Asks the image that backs up: a request as JSON on its standard input, answers line by line.

Neither a password nor a credential is ever an argument.
"""

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jhub_docker.backup import plan
from jhub_docker.errors import ActionError, UsageError, failure
from jhub_docker.platform import compose
from jhub_docker.platform.compose import Platform
from jhub_docker.progress import say

SERVICE = compose.BACKUP

A_REPOSITORY = (
    "a folder of the engine's machine by its whole path, such as /mnt/backup, "
    "s3:https://HOST/BUCKET or rest:https://HOST/PATH"
)


@dataclass(frozen=True)
class Place:
    """Where backups are: a repository, and the key where it is not this platform's own."""

    to: str = ""
    key_file: str = ""

    @property
    def listing(self) -> str:
        """The command that shows what is there, as it has to be called for this place."""
        said = {"--to": self.to, "--key-file": self.key_file}
        flags = [part for flag, value in said.items() if value for part in (flag, value)]
        return shlex.join([*plan.LIST.split(), *flags])

    def request(self) -> dict[str, str]:
        """What the container has to know of it. Raises UsageError for a place that is none, and a
        key that cannot be read."""
        to = self.to
        if to and ":" not in to and not to.startswith("/"):
            raise UsageError(f"--to is {to!r}; expected {A_REPOSITORY}")
        said = {"to": to} if to else {}
        if self.key_file:
            try:
                said["password"] = Path(self.key_file).read_text("ascii").strip()
            except OSError as error:
                raise UsageError(f"--key-file {self.key_file}: {error.strerror}") from None
            except UnicodeDecodeError:
                raise UsageError(f"--key-file {self.key_file} has no key in it") from None
            if not said["password"]:
                raise UsageError(f"--key-file {self.key_file} is empty; expected the key")
        return said


def ask(platform: Platform, place: Place, do: str, **request: Any) -> Any:
    """Have something done by the image; its answer. Raises what it says was wrong."""
    wanted = {"do": do, **place.request(), **request}
    if not (place.to or platform.backup_settings.get("JHUB_BACKUP_TO")):
        # The container says so too, but for it Compose makes all volumes that a platform has.
        raise UsageError(f"no repository is named; expected {A_REPOSITORY} (JHUB_BACKUP_TO, --to)")
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


def key(platform: Platform) -> str:
    """The key of this platform's backups."""
    platform.require_image(SERVICE)
    ended = platform.once(SERVICE, "key")
    if ended.code:
        said = json.loads(ended.out) if ended.out.startswith("{") else {"error": ended.tail()}
        raise ActionError(str(said["error"]))
    return ended.out.strip()
