"""What the hub's container does before it becomes JupyterHub, and what is loaded last of all: an
operator's own `config.d/*.py` in the data volume, in name order.

The container is not root at any time, and reaches the Docker Engine only through the filter, whose
container shares a socket with it. The operator's files are Python with JupyterHub's `c`, as in The
Littlest JupyterHub and Zero to JupyterHub, for what no setting is there for. They run in the hub.
What the filter enforces they cannot loosen: it is another container, and reads nothing of the
hub's volume.
"""

import os
import secrets
import socket
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

import requests
from docker.errors import DockerException
from traitlets.config import Config
from traitlets.log import get_logger

from engine_filter import HUB_SOCKET
from hub_config import (
    DatabaseError,
    SettingsError,
    concerns,
    health,
    leading,
    moving,
    postgres,
    reserve,
)
from hub_config.database import (
    drop_repeated_copies,
    is_moved,
    is_there,
    require_known_schema,
    require_sound,
    steps_ahead,
)
from hub_config.first_start import (
    DATABASE_FILE,
    MOUNTED_SECRETS,
    Places,
    make_secrets,
    take_over,
    write_secret,
)
from hub_config.monitoring import written
from hub_config.now import asking
from hub_config.reconcile.desk import Desk
from hub_config.rotation import end_tokens_of_services, reseal_once
from hub_config.runtime.attachments import attach_all
from hub_config.runtime.plan import HUB_PORT
from hub_config.settings import Settings

CONFIG_FILE = "/opt/hub/etc/jupyterhub_config.py"
MOUNTED_CONFIG = Path("/etc/jhub-docker/config.d")
"""Where the chart for Kubernetes mounts an operator's own files."""

WAIT_FOR_ENGINE = 120.0


def run_hub(settings: Settings, places: Places, arguments: Sequence[str]) -> NoReturn:
    """Become the hub. Does not return."""
    if settings.runtime == "kubernetes":  # they are folders of one claim
        for folder in (places.data, places.proxy, places.metrics, places.desk):
            folder.mkdir(exist_ok=True)
    for folder in (places.data, places.proxy):
        require_own(folder)
    for folder in (places.metrics, places.desk):
        require_own(folder, 0o750)
    require_moved(places)
    wait_for_records(settings, places)
    require_in_use(places)
    require_known_schema(places.records)
    if not places.db_url:
        drop_repeated_copies(places.data, places.records)
        reserve.require_room(places.data)
    elif steps_ahead(places.records):
        moving.keep_before_upgrade(places)
    os.umask(0o077)
    take_over(MOUNTED_SECRETS, places)
    if MOUNTED_CONFIG.is_dir() and not places.config_d.exists():
        places.config_d.symlink_to(MOUNTED_CONFIG)
    make_secrets(places)
    reseal_once(places)
    end_tokens_of_services(places)
    Desk(places.desk).make()
    if not written.write(places, settings.base_url, HUB_PORT):
        print("The disk is full: Prometheus may read an older configuration.", file=sys.stderr)
    health.check(health_url(settings))
    asking.make_key()
    if settings.runtime != "kubernetes":
        # docker-py reads it, in the hub and in the services it manages.
        os.environ["DOCKER_HOST"] = f"unix://{HUB_SOCKET}"
        wait_for_engine(HUB_SOCKET)
        # Before JupyterHub looks whether servers answer: it stops those that do not.
        attach_at_start(settings.platform)
        if settings.failover:  # the proxy takes nothing of an older hub any more
            write_secret(places.proxy_token, secrets.token_hex(32))
    os.chdir(places.data)
    become(["jupyterhub", "--config", CONFIG_FILE, *arguments])


def wait_for_records(settings: Settings, places: Places) -> None:
    """Return once this hub may use its database. Raises DatabaseError where it cannot be used."""
    if settings.failover:
        import jupyterhub.app  # noqa: F401, PLC0415  loaded before there is need for it

        leading.lead(places.db_url)
    elif places.db_url:
        postgres.wait(places.db_url)
    else:
        require_sound(places.data)


def become(command: list[str]) -> NoReturn:
    """Become JupyterHub, in this very process: it has a lock (`leading`), and has imported half of
    what JupyterHub does, which a program of its own would import again.
    """
    from jupyterhub.app import main  # noqa: PLC0415

    sys.argv = command
    main()
    sys.exit(0)


def require_in_use(places: Places) -> None:
    """Raises DatabaseError where the records of this database went elsewhere."""
    if is_there(places.records) and is_moved(places.records):
        what, to = (
            ("take JHUB_DB_URL away", "postgres")
            if places.db_url
            else ("set JHUB_DB_URL again", "sqlite")
        )
        raise DatabaseError(
            f"The records were moved away from {places.records}: {what} (.env), or bring them back "
            f"with it set: ./dev invoke db.move --to {to}"
        )


def require_moved(places: Places) -> None:
    """Raises DatabaseError where PostgreSQL is in use while records are in SQLite's file: it was
    set a moment ago, or they are of a backup.
    """
    file = places.data / DATABASE_FILE
    if places.db_url and is_there(file) and not is_moved(file):
        raise DatabaseError(
            f"JHUB_DB_URL is {places.db_url}, and {file} holds records: ./dev invoke db.move --to "
            "postgres takes them over, with --replace in place of those that are there"
        )


def require_own(folder: Path, mode: int = 0o700) -> None:
    """Raises SettingsError unless this process's user owns `folder` and so can keep secrets in it.
    It has this mode then.

    A new volume takes over the image's owner. One of another origin, such as a copy, may not have.
    """
    try:
        owner = folder.stat().st_uid
    except OSError as error:
        raise SettingsError(f"{folder} cannot be used: {error.strerror}") from None
    if owner != os.getuid() or not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise SettingsError(
            f"The volume at {folder} belongs to uid {owner}, not to the hub's, {os.getuid()}. Hand "
            f"it over once: docker compose run --rm --no-deps --user root --cap-add CHOWN "
            f"--cap-add DAC_OVERRIDE hub chown -R jupyterhub:jupyterhub {folder}"
        )
    folder.chmod(mode)


def attach_at_start(platform: str) -> None:
    """Attach hub and proxy before JupyterHub looks whether servers answer: it stops those that do
    not. An engine that does not answer is no reason not to start: people can still log in, and the
    log says what is missing.
    """
    try:
        for line in attach_all(platform):
            print(f"Attached {line}", file=sys.stderr)
    except (DockerException, requests.RequestException) as error:
        print(f"Networks of running servers may lack the hub: {error}", file=sys.stderr)


def wait_for_engine(path: Path, seconds: float = WAIT_FOR_ENGINE) -> None:
    """Return once something listens on the filter's socket; after `seconds` end this process."""
    deadline = time.monotonic() + seconds
    while True:
        with socket.socket(socket.AF_UNIX) as connection:
            try:
                connection.connect(str(path))
            except OSError as error:
                if time.monotonic() > deadline:
                    raise SystemExit(
                        f"The filter before the Docker Engine does not answer at {path} ({error}); "
                        "does the service `engine` run?"
                    ) from None
            else:
                return
        time.sleep(0.1)


def health_url(settings: Settings) -> str:
    """What the hub's health check asks."""
    return f"http://127.0.0.1:{HUB_PORT}{settings.base_url}hub/health"


def own_files(folder: Path) -> list[Path]:
    """The files, in the order in which they are loaded."""
    # Hidden ones are an editor's locks and a Mac's notes, here as in The Littlest JupyterHub.
    return sorted(path for path in folder.glob("*.py") if not path.name.startswith("."))


def load_own(c: Config, folder: Path) -> list[Path]:
    """Run them on `c`; returns which. Raises SettingsError with file and line of one that fails."""
    found = own_files(folder)
    settled = c.UserServerSpawner.get("enforced")
    for path in found:
        try:
            code = compile(path.read_bytes(), str(path), "exec")
            exec(code, {"c": c, "get_config": lambda: c, "__file__": str(path)})  # noqa: S102
        except (Exception, SystemExit) as error:
            raise SettingsError(_told(path, error)) from None
        if c.UserServerSpawner.get("enforced") != settled:
            raise SettingsError(
                f"{path} changes UserServerSpawner.enforced, which the filter would refuse at "
                "every start; set the variables of those settings instead"
            )
    return found


def _told(path: Path, error: BaseException) -> str:
    """One sentence: file, line, what is wrong."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        line, message = error.lineno, f"SyntaxError: {error.msg}"
    else:
        frames = traceback.extract_tb(error.__traceback__)
        line = next((one.lineno for one in reversed(frames) if one.filename == str(path)), None)
        message = f"{type(error).__name__}: {' '.join(str(error).split())}"
    where = f"{path}, line {line}" if line else str(path)
    return f"{where}: {message} (it is loaded last, as Python with JupyterHub's `c`)"


def load_or_end(c: Config, folder: Path) -> None:
    """For JupyterHub's start: name them in its log, or end the program with the one sentence."""
    try:
        for path in load_own(c, folder):
            get_logger().info("Loaded last, after all settings: %s", path)
    except SettingsError as error:
        print(f"Wrong settings:\n{error}", file=sys.stderr)
        sys.exit(2)


def check_own(settings: Settings, folder: Path) -> list[Path]:
    """Run them as `load_own` does, on a configuration that is thrown away; returns which."""
    if not own_files(folder):
        return []
    with TemporaryDirectory() as made_up:
        own = Path(made_up)
        places = Places(own, own, own, own)
        make_secrets(places)
        c = Config()
        concerns.apply(c, settings, places)
        return load_own(c, folder)
