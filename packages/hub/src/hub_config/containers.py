"""What the hub's and the proxy's container do before they become JupyterHub and its proxy.

The hub begins as root to own its volumes and to learn the group of the Docker socket, which is
different on every machine; then it is the user `jupyterhub` for good. The proxy never is root.
"""

import os
import pwd
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from hub_config.concerns import HUB_FOR_PROXY, HUB_PORT
from hub_config.first_start import Places, make_secrets, read_secret
from hub_config.networks.at_start import prepare_networks
from hub_config.settings import Settings

USER = "jupyterhub"
SOCKET = Path("/var/run/docker.sock")
CONFIG_FILE = "/opt/hub/etc/jupyterhub_config.py"
HEALTH_URL_FILE = Path("/tmp/health-url")  # noqa: S108  a tmpfs of the container's own
WAIT_FOR_TOKEN = 120.0


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


def run_proxy(places: Places) -> NoReturn:
    """Become the proxy once the hub has made the token. Does not return.

    The token goes by environment, never by argument. The API listens only on the network that
    hub and proxy have for themselves (its alias there is `proxy-api`).
    """
    deadline = time.monotonic() + WAIT_FOR_TOKEN
    while not places.proxy_token.exists():
        if time.monotonic() > deadline:
            raise SystemExit(f"The hub made no {places.proxy_token}; is its container running?")
        time.sleep(0.1)
    environment = {**os.environ, "CONFIGPROXY_AUTH_TOKEN": read_secret(places.proxy_token)}
    HEALTH_URL_FILE.write_text("http://127.0.0.1:8000/_chp_healthz", encoding="ascii")
    os.execvpe(proxy_command()[0], proxy_command(), environment)  # noqa: S606


def proxy_command() -> list[str]:
    """configurable-http-proxy's command line (its README, Command-line options)."""
    return [
        "configurable-http-proxy",
        "--ip=0.0.0.0",
        "--port=8000",
        "--api-ip=proxy-api",
        "--api-port=8001",
        f"--default-target={HUB_FOR_PROXY}",
        f"--error-target={HUB_FOR_PROXY}/hub/error",
        "--log-level=warn",
    ]
