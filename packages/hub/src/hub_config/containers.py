"""What the hub's container does before it becomes JupyterHub.

The hub begins as root to own its volumes and to learn the group of the Docker socket, which is
different on every machine; then it is the user `jupyterhub` for good.
"""

import os
import pwd
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from hub_config.concerns import HUB_PORT
from hub_config.first_start import Places, make_secrets
from hub_config.networks.at_start import prepare_networks
from hub_config.settings import Settings

USER = "jupyterhub"
SOCKET = Path("/var/run/docker.sock")
CONFIG_FILE = "/opt/hub/etc/jupyterhub_config.py"
HEALTH_URL_FILE = Path("/tmp/health-url")  # noqa: S108  a tmpfs of the container's own


def run_hub(settings: Settings, places: Places, arguments: Sequence[str]) -> NoReturn:
    """Become the hub. Does not return."""
    if os.getuid() == 0:
        user = pwd.getpwnam(USER)
        for folder in (places.data, places.proxy):
            own(folder, user.pw_uid, user.pw_gid)
        groups = {user.pw_gid}
        if SOCKET.exists():
            groups.add(SOCKET.stat().st_gid)
        os.setgroups(sorted(groups))
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
        os.environ["HOME"] = user.pw_dir
    os.umask(0o077)
    make_secrets(places)
    HEALTH_URL_FILE.write_text(health_url(settings), encoding="ascii")
    # Before JupyterHub looks whether servers answer: it stops those that do not.
    prepare_networks(settings)
    os.chdir(places.data)
    os.execvp(  # noqa: S606
        "jupyterhub", ["jupyterhub", "--config", CONFIG_FILE, *arguments]
    )


def own(folder: Path, uid: int, gid: int) -> None:
    """Give `folder` and what is in it to the hub's user; what is right is left alone."""
    for path in (folder, *folder.rglob("*")):
        if path.lstat().st_uid != uid:
            os.chown(path, uid, gid, follow_symlinks=False)
    folder.chmod(0o700)


def health_url(settings: Settings) -> str:
    """What the hub's health check asks."""
    return f"http://127.0.0.1:{HUB_PORT}{settings.base_url}hub/health"
