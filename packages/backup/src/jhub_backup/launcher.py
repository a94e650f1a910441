"""Starts the worker: one container with the volumes and the repository, and without the socket.

Its name is the lock: the engine gives a name once, whoever asks from wherever.
"""

import hashlib
import io
import json
import os
import secrets
import socket
import sys
import tarfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import docker
from docker.errors import APIError, DockerException, NotFound
from docker.models.containers import Container
from docker.types import LogConfig, Mount
from requests.exceptions import RequestException

from jhub_backup import address, credentials, status, volumes
from jhub_backup.errors import BackupError, BusyError
from jhub_backup.repository import FOLDER, STATE, remembered
from jhub_backup.speech import say

READ = ("DAC_READ_SEARCH", "DAC_OVERRIDE", "SETUID", "SETGID", "CHOWN")
WRITE = (*READ, "FOWNER", "FSETID", "MKNOD", "SETFCAP")
"""Capabilities of a worker that reads people's files, and of one that writes them."""

CA_BUNDLE = "/etc/ca-bundle"
"""Where a worker finds what else it trusts: the file of the engine's machine (JHUB_CA_BUNDLE)."""

MISSING = "bind source path does not exist"
"""How an engine says that a folder of its machine is not there."""

LOOKS = ("snapshots", "manifest")
"""What only looks, and so may be done beside a backup: it needs no lock."""

Request = dict[str, Any]


def run(
    request: Request, environ: Mapping[str, str] = os.environ, out: TextIO | None = None
) -> int:
    """Carry a request out in a worker, whose words are ours, or go to `out`; its exit code.

    Raises BackupError where another one is at work, or the engine refuses.
    """
    try:
        return _run(docker.from_env(timeout=600), request, environ, out or sys.stdout)
    except APIError as error:
        raise BackupError(f"the engine refuses: {error.explanation or error}") from None
    except (DockerException, RequestException) as error:
        raise BackupError(f"the engine does not answer: {error}") from None
    finally:
        status.tell(STATE)


def _run(client: Any, request: Request, environ: Mapping[str, str], words: TextIO) -> int:
    project = environ["JHUB_PLATFORM"]
    wanted = {"to": environ.get("JHUB_BACKUP_TO", ""), "platform": project, **request}
    wanted["own"] = environ.get("JHUB_BACKUP_TO", "") in ("", wanted["to"])
    wanted["credentials"] = credentials.given(environ)
    address.require(wanted["to"])
    if wanted["do"] == "backup":
        wanted |= _what_to_back_up(client, wanted, environ)
        if environ.get("JHUB_DB_URL") and any(
            one["kind"] == volumes.HUB for one in wanted["volumes"]
        ):
            _have_copied(client, project)
            wanted["postgres"] = True
    container = _create(client, wanted, environ)
    try:
        container.put_archive("/", _packed(wanted))
        said = container.attach(stream=True, logs=True, demux=True)
        container.start()
    except APIError:  # a folder that cannot be mounted; its name would say that it is at work
        container.remove(force=True)
        raise
    for out, err in said or ():
        for text, stream in ((out, words), (err, sys.stderr)):
            if text:
                stream.write(text.decode(errors="replace"))
                stream.flush()
    code = int(container.wait()["StatusCode"])
    container.remove(force=True)
    if code == 128 + 9:
        raise BackupError("the backup's container was killed: run it again, nothing is damaged")
    return code


def _have_copied(client: Any, project: str) -> None:
    """Have the hub keep a copy of its records, which are in PostgreSQL, in its data volume."""
    labels = [f"com.docker.compose.project={project}", "com.docker.compose.service=hub"]
    if not (found := client.containers.list(filters={"label": labels})):
        raise BackupError("the hub does not run, and it alone reaches its database in PostgreSQL")
    ended = found[0].exec_run(["/opt/hub/bin/python", "-m", "hub_config", "copy"])
    if ended.exit_code:
        said = ended.output.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise BackupError(f"the hub's database in PostgreSQL was not copied: {said[-1]}")


def _packed(request: Request) -> bytes:
    """The request as an archive with one file that only root can read."""
    with io.BytesIO() as archive:
        with tarfile.open(fileobj=archive, mode="w") as tar:
            content = json.dumps(request).encode()
            entry = tarfile.TarInfo("request.json")
            entry.mode, entry.size = 0o600, len(content)
            tar.addfile(entry, io.BytesIO(content))
        return archive.getvalue()


def _create(client: Any, request: Request, environ: Mapping[str, str]) -> Container:
    """The worker's container, not started. Raises BackupError while there is another one."""
    looks = request["do"] in LOOKS
    name = f"{request['platform']}-backup-{secrets.token_hex(4) if looks else 'worker'}"
    reads = request["do"] in ("backup", "verify", "rekey")
    # What only reads the repository cannot change it, whatever a file in a home does.
    own = "rw" if reads or looks or request["do"] == "drilled" else "ro"
    own = "rw" if request.get("password") else own
    binds = {environ["JHUB_BACKUP_VOLUME"]: {"bind": str(STATE), "mode": own}}
    items: list[dict[str, str]] = request.get("items") or request.get("volumes") or []
    for item in items:
        volume = item.get("volume") or item["name"]
        # A database may have a journal that has to be played back.
        has_database = item["kind"] in (volumes.HUB, volumes.SPACES)
        writes = request["do"] != "compare" and (not reads or has_database)
        binds[volume] = {"bind": f"/volumes/{volume}", "mode": "rw" if writes else "ro"}
    local = address.is_folder(request["to"])
    image = client.containers.get(socket.gethostname()).image.id
    mounts = []
    if local and request["do"] == "backup" and _is_new(client, image, request):
        binds[request["to"]] = {"bind": FOLDER, "mode": "rw"}  # which makes the folder
    elif local and request["do"] != "drilled":
        mounts = [Mount(FOLDER, request["to"], "bind", read_only=not reads)]
    known = {}
    if (bundle := environ.get("JHUB_CA_BUNDLE")) and not local:
        binds[bundle] = {"bind": CA_BUNDLE, "mode": "ro"}
        known["SSL_CERT_FILE"] = CA_BUNDLE
    _remove_ended(client, name)
    try:
        return client.containers.create(
            image,
            ["work"],
            name=name,
            # A lock in the repository has it: another engine's platform may have our name.
            hostname=f"{name[:50]}-{hashlib.sha256(client.info()['ID'].encode()).hexdigest()[:12]}",
            labels={volumes.PLATFORM: request["platform"], f"{volumes.LABEL}.backup": "worker"},
            environment=known,
            volumes=binds,
            mounts=mounts,
            network_mode="none" if local else "bridge",
            cap_drop=["ALL"],
            cap_add=list(READ if reads else WRITE),
            security_opt=["no-new-privileges"],
            healthcheck={"test": ["NONE"]},
            init=True,
            detach=True,
            log_config=LogConfig(type="json-file", config={"max-size": "10m"}),
        )
    except APIError as error:
        if error.status_code == 409:
            raise BusyError(
                f"another backup, restore or verification of {request['platform']} is at work "
                f"(container {name}): wait for its end, or end it with docker rm -f {name}"
            ) from None
        if MISSING in str(error.explanation):
            raise BackupError(
                f"the engine's machine has no {request['to']}: is the path right, is its disk "
                "mounted? A backup makes a folder that is new"
            ) from None
        raise


def _is_new(client: Any, image: str, request: Request) -> bool:
    """Whether a backup makes its folder, which is told then. Raises BackupError where no folder is
    to be made: the one above is not there either, or a repository that was known is gone.
    """
    to, wrong = Path(request["to"]), ""
    if _is_there(client, image, to):
        return False
    if remembered(request["to"]).exists() and not request.get("new_repository"):
        wrong = (
            f"the repository {to} was there before and is gone: is its disk mounted? "
            "--new-repository makes a new one there"
        )
    elif not _is_there(client, image, to.parent):
        wrong = (
            f"the engine's machine has no {to.parent}: is the path right, is its disk mounted? A "
            "backup makes the last folder of a path, and no other"
        )
    if wrong:
        # No worker lives to tell it.
        status.write(STATE, "backup", wrong, to=request["to"], own=request["own"])
        raise BackupError(wrong)
    say(f"{to} was not there: the folder is made on the engine's machine")
    return True


def _is_there(client: Any, image: str, folder: Path) -> bool:
    """Whether the engine's machine has it: the engine mounts nothing that is not there."""
    try:
        client.containers.create(image, mounts=[Mount(FOLDER, str(folder), "bind")]).remove()
    except APIError as error:
        if MISSING in str(error.explanation):
            return False
        raise
    return True


def _remove_ended(client: Any, name: str) -> None:
    """Remove a worker that has ended and whose launcher did not live to remove it."""
    try:
        found = client.containers.get(name)
        created = datetime.fromisoformat(found.attrs["Created"][:19] + "+00:00")
        started = found.status != "created" or time.time() - created.timestamp() > 60
        if started and found.status not in ("running", "paused"):
            found.remove()
    except NotFound:
        pass


def _what_to_back_up(client: Any, request: Request, environ: Mapping[str, str]) -> dict[str, Any]:
    """The volumes, and what has to be known of the platform to set it up again."""
    listing = client.api.volumes()["Volumes"] or []
    project = request["platform"]
    found = volumes.of_platform(listing, project, environ["JHUB_DATA_VOLUME"])
    people, hub = request.get("people"), request.get("hub")
    if people or hub:
        found = [
            one
            for one in found
            if (one["kind"] == volumes.HUB and hub) or one["person"] in (people or ())
        ]
        lacking = set(people or ()) - {one["person"] for one in found}
        if lacking:
            raise BackupError(f"there is no home of {', '.join(sorted(lacking))}", 2)
    if not found:
        raise BackupError(f"the engine has no volumes of the platform {project}", 2)
    images = [
        {
            "tags": image["RepoTags"],
            "id": image["Id"],
            "digests": image["RepoDigests"],
            "build_id": image["Labels"].get(f"{volumes.LABEL}.build-id"),
        }
        for image in client.api.images(filters={"label": f"{volumes.LABEL}.build-id"})
        if image["RepoTags"]
    ]
    variables = {
        key: environ[key] for key in sorted(environ) if key.startswith("JHUB_") and environ[key]
    }
    now = datetime.now(UTC)
    return {
        "run": f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}",
        "extent": volumes.PART if people or hub else volumes.WHOLE,
        "volumes": found,
        "keep": keep(environ.get("JHUB_BACKUP_KEEP", "")),
        "manifest": {
            "format": 1,
            "time": now.isoformat(timespec="seconds"),
            "platform": project,
            "variables": variables,
            "env": request.get("env", ""),
            "images": images,
        },
    }


PERIODS = ("last", "hourly", "daily", "weekly", "monthly", "yearly")


def keep(text: str) -> dict[str, str]:
    """What `JHUB_BACKUP_KEEP` says, such as `daily=7 weekly=4`; empty: everything is kept. Pure."""
    kept = {}
    for word in text.replace(",", " ").split():
        period, _, count = word.partition("=")
        if period not in PERIODS or not count.isdecimal() or not int(count):
            raise BackupError(
                f"JHUB_BACKUP_KEEP has {word!r}; expected words such as daily=7 weekly=4 "
                f"monthly=12, of {', '.join(PERIODS)}",
                2,
            )
        kept[period] = count
    return kept
