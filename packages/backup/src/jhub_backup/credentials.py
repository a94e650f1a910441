"""Who one is at a repository elsewhere: from variables or files, and never in a container's
configuration, which every `docker inspect` shows.

`NAME_FILE` names a file in the container; without it a file called NAME beside the key counts,
which `python -m jhub_backup setting` keeps. The worker gets all of it in its request.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from jhub_backup.errors import BackupError
from jhub_backup.repository import STATE
from jhub_backup.secret_file import write_secret

SECRET = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "RESTIC_REST_PASSWORD")
PLAIN = ("AWS_DEFAULT_REGION", "RESTIC_REST_USERNAME")

FOLDER = STATE / "settings"


def given(environ: Mapping[str, str], folder: Path = FOLDER) -> dict[str, str]:
    """The credentials there are. Raises BackupError for a file that is named and cannot be read."""
    found = {name: environ[name] for name in (*SECRET, *PLAIN) if environ.get(name)}
    for name in SECRET:
        named = environ.get(f"{name}_FILE", "")
        path = Path(named or folder / name)
        if name in found or not (named or path.exists()):
            continue
        try:
            found[name] = path.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise BackupError(f"{name}_FILE is {str(path)!r}: cannot be read: {why}", 2) from None
    return found


def command(arguments: Sequence[str], folder: Path = FOLDER) -> int:
    """`setting set NAME`, the value on standard input, or `setting remove NAME`."""
    match list(arguments):
        case ["set", name] if name in SECRET:
            value = sys.stdin.read().strip()
            if not value or not value.isascii():
                raise BackupError(f"{name} is expected on standard input, as ASCII", 2)
            folder.mkdir(mode=0o700, exist_ok=True)
            write_secret(folder / name, value)
            return 0
        case ["remove", name] if name in SECRET:
            if not (folder / name).exists():
                raise BackupError(f"{name} is not kept, so there is nothing to remove")
            (folder / name).unlink()
            return 0
    raise BackupError(f"setting set|remove NAME, of: {', '.join(SECRET)}", 2)
