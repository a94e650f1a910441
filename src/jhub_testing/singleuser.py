"""One single-user container, started with the environment the hub gives it.

The hub behind it is a real one (`hubs`); where a check needs only that the server starts, the
hub's address is one that nobody listens on.
"""

import json
import os
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import requests
from docker.models.containers import Container
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from jhub_testing.client import Client
from jhub_testing.hubs import Hub
from jhub_testing.resources import Engine
from jhub_testing.waiting import ASK_AGAIN, GaveUpError, wait_until

testcontainers_config.ryuk_disabled = True  # needs an image from a registry; labels do its work

USER = "alice"
PREFIX = f"/user/{USER}/"
HOME = "/home/nebula"
OPERATOR_BUNDLE = "/etc/jhub-docker/ca-bundle.crt"
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


def hub_environment(port: int, hub: Hub | None) -> dict[str, str]:
    """What JupyterHub 6 puts into a server's environment (jupyterhub/spawner.py, get_env)."""
    access = json.dumps([f"access:servers!server={USER}/"])
    api_url = hub.api_url if hub else "http://127.0.0.1:9/hub/api"
    return {
        "JUPYTERHUB_API_TOKEN": hub.server_token if hub else "none",
        "JUPYTERHUB_API_URL": api_url,
        "JUPYTERHUB_ACTIVITY_URL": f"{api_url}/users/{USER}/activity",
        "JUPYTERHUB_BASE_URL": "/",
        "JUPYTERHUB_CLIENT_ID": f"jupyterhub-user-{USER}",
        "JUPYTERHUB_HOST": "",
        "JUPYTERHUB_OAUTH_ACCESS_SCOPES": access,
        "JUPYTERHUB_OAUTH_CALLBACK_URL": f"{PREFIX}oauth_callback",
        "JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES": "[]",
        "JUPYTERHUB_OAUTH_SCOPES": access,
        "JUPYTERHUB_SERVER_NAME": "",
        "JUPYTERHUB_SERVICE_PREFIX": PREFIX,
        "JUPYTERHUB_SERVICE_URL": f"http://0.0.0.0:{port}{PREFIX}",
        "JUPYTERHUB_USER": USER,
    }


class SingleUserContainer(DockerContainer):
    """A container of a single-user image with a home volume, below the prefix `/user/alice/`.

    `home` names a volume (default: a new one); `trust` is a file with certificates, mounted where
    an operator mounts theirs; `alone` leaves the hub out; further `options` are those of
    `docker.containers.create`.
    """

    def __init__(
        self,
        engine: Engine,
        image: str,
        *,
        network: str,
        hub: Hub | None = None,
        port: int = 8888,
        alone: bool = False,
        home: str | None = None,
        trust: str | None = None,
        environment: Mapping[str, str] | None = None,
        command: list[str] | None = None,
        memory_folders: Sequence[str] = (),
        **options: Any,
    ) -> None:
        super().__init__(image)
        if command:
            self.with_command(command)
        self.engine, self.hub, self.port = engine, None if alone else hub, port
        self.prefix = "/" if alone else PREFIX
        self._environments: dict[str, dict[str, str]] | None = None
        self.home = home or engine.volume("home")
        for folder in memory_folders:
            self.with_tmpfs_mount(folder)
        self.with_exposed_ports(port)
        self.with_name(engine.name("server"))
        self.with_volume_mapping(self.home, HOME, "rw")
        if trust:
            self.with_volume_mapping(trust, OPERATOR_BUNDLE, "ro")
        proxies = {name: os.environ[name] for name in _PROXIES if name in os.environ}
        from_hub = {} if alone else hub_environment(port, hub)
        self.env.update(proxies | from_hub | dict(environment or {}))
        if options.get("user") != "root":  # the hub starts it without any privilege
            options = {"cap_drop": ["ALL"], "security_opt": ["no-new-privileges"], **options}
        self.with_kwargs(labels=engine.labels, network=network, **options)

    def start(self) -> "SingleUserContainer":
        """Start the container; returns at once, see `wait_until_ready`."""
        super().start()
        self.engine.watch(self.container)
        return self

    def stop(self, force: bool = True, delete_volume: bool = True) -> None:
        """Keep the log and remove the container."""
        if self._container is not None:
            self.engine.remove(self._container)
        self.get_docker_client().client.close()

    @property
    def container(self) -> Container:
        """The container itself, as docker-py shows it."""
        return self.get_wrapped_container()

    @property
    def token(self) -> str:
        """A token that lets its bearer use the server, as the hub's cookie lets a person."""
        return self.hub.visitor_token if self.hub else self.env.get("JUPYTER_TOKEN", "none")

    def url(self, path: str = "") -> str:
        """The address of a page below the server's prefix, from outside the container."""
        host = self.get_container_host_ip().replace("localhost", "127.0.0.1")
        port = self._get_exposed_port(self.port)
        return f"http://{host}:{port}{self.prefix}{path.lstrip('/')}"

    @property
    def client(self) -> Client:
        """The server as someone sees it who is let in."""
        return Client(self.url(), headers={"Authorization": f"token {self.token}"})

    def wait_until_ready(self) -> "SingleUserContainer":
        """Wait until the server answers below its prefix; raises GaveUpError once it has ended."""

        def answers() -> bool:
            self.container.reload()
            if self.container.status in ("exited", "dead"):
                log = self.container.logs(tail=40).decode(errors="replace")
                raise GaveUpError(f"the server ended before it answered; its log ends:\n{log}")
            return requests.get(self.url("api"), timeout=ASK_AGAIN).status_code == HTTPStatus.OK

        # ConnectionError: testcontainers finds no port of a container that has just ended.
        not_yet = (requests.RequestException, ConnectionError)
        wait_until(answers, f"{self.image} to answer", ignoring=not_yet)
        self._environments = {}
        return self

    def environment(self, user: str = "") -> dict[str, str]:
        """The environment the server has, and so the one every terminal and kernel inherits.

        `user` has to be the one the server runs as, where that is not the container's.
        """
        known = self._environments  # a server that answers has the one it keeps
        if known and user in known:
            return known[user]
        entries = self.of_server("environ", user=user).split("\0")
        found = dict(entry.split("=", 1) for entry in entries if "=" in entry)
        if known is not None:
            known[user] = found
        return found

    def of_server(self, entry: str, *, user: str = "") -> str:
        """A file of the server's own folder in /proc: that of the process tini started."""
        script = f"pid=$(cat /proc/1/task/1/children); cat /proc/${{pid%% *}}/{entry}"
        return self.run(["sh", "-c", script], inherit=False, user=user)

    def attempt(
        self,
        command: list[str],
        *,
        inherit: bool = True,
        user: str = "",
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> tuple[int, str]:
        """Run a command in the container: its exit code, and what it printed on both streams.

        With `inherit` it has the server's environment, as in a terminal of JupyterLab.
        """
        own = {**(self.environment(user) if inherit else {}), **environment}
        code, output = self.container.exec_run(command, user=user, environment=own)
        return int(code), bytes(output).decode(errors="replace")

    def run(self, command: list[str], **more: Any) -> str:
        """Run a command that has to succeed and return what it printed; `more` as `attempt` has."""
        code, output = self.attempt(command, **more)
        assert code == 0, f"{command} ended with {code}:\n{output}"
        return output
