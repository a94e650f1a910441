"""The address of a repository: a folder, an S3 bucket, or restic's own server."""

import re
import socket
from collections.abc import Mapping
from urllib.parse import SplitResult, quote, urlsplit

from jhub_backup.errors import BackupError

REACH_SECONDS = 10

EXPECTED = (
    "a folder of the engine's machine by its whole path, such as /mnt/backup, "
    "s3:https://HOST/BUCKET or rest:https://HOST/PATH"
)


def require(to: str) -> None:
    """Raise BackupError for what can be no repository."""
    if not to:
        raise BackupError(f"no repository is named; expected {EXPECTED} (JHUB_BACKUP_TO, --to)", 2)
    if not (is_folder(to) or (to.startswith(("s3:http", "rest:http")) and _port(to))):
        raise BackupError(
            f"the repository is {shown(to)!r}; expected {EXPECTED} (JHUB_BACKUP_TO, --to)", 2
        )


def is_folder(to: str) -> bool:
    """Whether it is a folder of the engine's machine."""
    return to.startswith("/")


def with_login(to: str, environ: Mapping[str, str]) -> str:
    """The address with who one is: restic before 0.16 reads no variables for it. Pure."""
    user = environ.get("RESTIC_REST_USERNAME")
    if not to.startswith("rest:") or not user or "@" in _parts(to).netloc:
        return to
    scheme, _, rest = to.removeprefix("rest:").partition("://")
    login = [quote(word, safe="") for word in (user, environ.get("RESTIC_REST_PASSWORD", ""))]
    return f"rest:{scheme}://{':'.join(login)}@{rest}"


def shown(to: str) -> str:
    """The address as it may stand in a message or a log: without a password. Pure."""
    return re.sub(r"(://[^/@:]*):(?!\d+(/|$)).*@", r"\1:***@", to)


def require_reachable(to: str) -> None:
    """Raise BackupError for a host that is not there: restic would try for a quarter of an hour."""
    if is_folder(to):
        return
    host, port = _parts(to).hostname, _port(to)
    try:
        socket.create_connection((host or "", port), REACH_SECONDS).close()
    except OSError as error:
        raise BackupError(
            f"{host}:{port} cannot be reached from the backup's container ({error}): "
            "nothing was written; is the address right, and the server up?"
        ) from None


def _parts(to: str) -> SplitResult:
    return urlsplit(to.partition(":")[2])


def _port(to: str) -> int:
    """The port of an address that is no folder; 0 where it has no host or none that can be."""
    try:
        parts = _parts(to)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return 0
    return port if parts.hostname else 0
