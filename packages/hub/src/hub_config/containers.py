"""What the hub's container does before it becomes JupyterHub.

It is not root at any time, and reaches the Docker Engine only through the filter, whose container
shares a socket with it.
"""

import os
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from engine_filter import HUB_SOCKET
from hub_config.concerns import HUB_PORT
from hub_config.database import require_known_schema
from hub_config.errors import SettingsError
from hub_config.first_start import Places, make_secrets
from hub_config.health import URL_FILE
from hub_config.networks.members import attach_at_start
from hub_config.settings import Settings

CONFIG_FILE = "/opt/hub/etc/jupyterhub_config.py"
WAIT_FOR_ENGINE = 120.0


def run_hub(settings: Settings, places: Places, arguments: Sequence[str]) -> NoReturn:
    """Become the hub. Does not return."""
    for folder in (places.data, places.proxy):
        require_own(folder)
    require_known_schema(places.data)
    # docker-py reads it, in the hub and in the services it manages.
    os.environ["DOCKER_HOST"] = f"unix://{HUB_SOCKET}"
    os.umask(0o077)
    make_secrets(places)
    URL_FILE.write_text(health_url(settings), encoding="ascii")
    wait_for_engine(HUB_SOCKET)
    # Before JupyterHub looks whether servers answer: it stops those that do not.
    attach_at_start(settings.platform)
    os.chdir(places.data)
    os.execvp(  # noqa: S606
        "jupyterhub", ["jupyterhub", "--config", CONFIG_FILE, *arguments]
    )


def require_own(folder: Path) -> None:
    """Raises SettingsError unless this process's user owns `folder` and so can keep secrets in it.

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
    folder.chmod(0o700)


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


def run_engine() -> NoReturn:
    """Become the filter between the hub and the engine. Does not return.

    It is a program of its own, so that it holds nothing of JupyterHub in memory.
    """
    os.execv(sys.executable, [sys.executable, "-m", "engine_filter"])  # noqa: S606


def health_url(settings: Settings) -> str:
    """What the hub's health check asks."""
    return f"http://127.0.0.1:{HUB_PORT}{settings.base_url}hub/health"
