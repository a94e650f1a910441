"""The address of a repository: a folder, an S3 bucket, or restic's own server."""

import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

from jhub_backup.errors import BackupError

REACH_SECONDS = 10


def require(to: str) -> None:
    """Raise BackupError for what can be no repository."""
    if not (to.startswith(("/", "s3:http", "rest:http"))):
        raise BackupError(
            f"the repository is {to!r}; expected a folder of the engine's machine such as "
            "/mnt/backup, s3:https://HOST/BUCKET or rest:https://HOST/PATH (JHUB_BACKUP_TO, --to)",
            2,
        )


def is_folder(to: str) -> bool:
    """Whether it is a folder of the engine's machine."""
    return to.startswith("/")


def with_login(to: str, environ: Mapping[str, str]) -> str:
    """The address with who one is: restic before 0.16 reads no variables for it. Pure."""
    user = environ.get("RESTIC_REST_USERNAME")
    if not to.startswith("rest:") or not user or "@" in to:
        return to
    scheme, _, rest = to.removeprefix("rest:").partition("://")
    return f"rest:{scheme}://{user}:{environ.get('RESTIC_REST_PASSWORD', '')}@{rest}"


def require_reachable(to: str) -> None:
    """Raise BackupError for a host that is not there: restic would try for a quarter of an hour."""
    if is_folder(to):
        return
    parts = urlsplit(to.partition(":")[2])
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), REACH_SECONDS).close()
    except OSError as error:
        raise BackupError(
            f"{parts.hostname}:{port} cannot be reached from the backup's container ({error}): "
            "nothing was written; is the address right, and the server up?"
        ) from None
