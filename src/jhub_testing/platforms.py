"""A whole platform of its own for a test session, from the project's compose.yaml.

Names, network, volumes and port are the session's, so that it runs beside another platform on the
same engine. What it does not do: build images.
"""

import os
import secrets
import shutil
import subprocess
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import requests
from docker.models.containers import Container

from jhub_docker.catalog.identity import LABEL
from jhub_docker.errors import ActionError
from jhub_docker.nox import TEST_TAG
from jhub_docker.platform.ports import free_port
from jhub_testing.person import Person
from jhub_testing.resources import Engine
from jhub_testing.waiting import ASK_AGAIN, PATIENCE, wait_until

SUDO_PROFILE = "uv-marimo-medium"
"""The one profile of a test platform whose people may use sudo."""


class Platform:
    """Hub and proxy; entering starts them, leaving removes them with all they made."""

    def __init__(
        self,
        engine: Engine,
        root: Path,
        name: str = "",
        *,
        settings: Mapping[str, str] | None = None,
        config: str = "",
    ) -> None:
        """`name` tells several platforms of one session apart; `settings` are further variables,
        `config` is the text of the hub's config.toml.
        """
        self.engine, self.root = engine, root
        self.project = f"jhub-test-{engine.session}{name and '-'}{name}"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **os.environ,
            "JHUB_PLATFORM": self.project,
            "JHUB_NETWORK": f"{self.project}-net",
            "JHUB_DATA_VOLUME": f"{self.project}-data",
            "JHUB_PROXY_VOLUME": f"{self.project}-proxy",
            "JHUB_BACKUP_VOLUME": f"{self.project}-backup-key",
            "JHUB_CONTAINER_PREFIX": f"{self.project}-jupyter",
            "JHUB_USER_VOLUME_PREFIX": f"{self.project}-home-",
            "JHUB_SHARED_VOLUME_PREFIX": f"{self.project}-shared-",
            "JHUB_IMAGE_TAG": os.environ.get(TEST_TAG, "latest"),
            "JHUB_BIND": "127.0.0.1",
            # Other platforms' tests may run on the same machine, which may be a small one.
            "JHUB_MEMORY_OVERCOMMIT": "8",
            # All people of the tests come from one address.
            "JHUB_SIGNUPS_PER_ADDRESS": "0",
            "JHUB_PORT": str(self.port),
            "JHUB_SUDO_PROFILES": SUDO_PROFILE,
            **(settings or {}),
        }
        self._config_text = config
        self.url += self.environment.get("JHUB_BASE_URL", "/").rstrip("/")

    def __enter__(self) -> "Platform":
        self.engine.own_project(self.project)
        if self._config_text:
            self._write_config()
        self.compose("up", "--detach", "--wait", "--wait-timeout", str(PATIENCE))
        for service in self.services:
            self.engine.watch(self.container(service))
        self.wait_until_open()
        return self

    def __exit__(self, *_: object) -> None:
        for service in self.services:
            self.engine.keep_log(self.container(service))
        self.engine.remove_project(self.project)

    def offer(self, config: str) -> None:
        """Have a hub that is not there yet find this in `config.toml`."""
        self._config_text += config

    def make_data_volume(self, options: Mapping[str, str] | None = None) -> str:
        """Make the data volume ahead, as Compose would; `options` are its driver's, as for one in
        memory.
        """
        volume = self.environment["JHUB_DATA_VOLUME"]
        self.engine.own_project(self.project)
        self.engine.client.volumes.create(
            volume,
            driver_opts=dict(options or {}),
            labels={
                f"{LABEL}.platform": self.project,
                "com.docker.compose.project": self.project,
                "com.docker.compose.volume": "jupyterhub_data",
            },
        )
        return volume

    def _write_config(self) -> None:
        """Put config.toml into the data volume before there is a hub."""
        volume = self.make_data_volume()
        self.engine.run(
            f"local/jupyterhub-hub:{self.environment['JHUB_IMAGE_TAG']}",
            ["sh", "-c", 'printf %s "$TEXT" >/srv/jupyterhub/config.toml'],
            environment={"TEXT": self._config_text},
            volumes={volume: {"bind": "/srv/jupyterhub"}},
        )

    def compose(self, *arguments: str, given: str = "") -> str:
        """Run `docker compose` on this platform, with `given` on its standard input; returns what
        it printed.

        Raises ActionError with its messages when it fails.
        """
        if shutil.which("docker") is None:
            raise ActionError("the integration tests need the docker command with Compose v2")
        command = ["docker", "compose", "--project-name", self.project, "--file", "compose.yaml"]
        result = subprocess.run(
            [*command, *arguments],
            cwd=self.root,
            env=self.environment,
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            raise ActionError(
                f"docker compose {' '.join(arguments)} ended with {result.returncode}: "
                f"{result.stdout}{result.stderr}\n{self._hub_log()}"
            )
        return result.stdout

    @cached_property
    def services(self) -> tuple[str, ...]:
        """The services of compose.yaml."""
        return tuple(self.compose("config", "--services").split())

    def _hub_log(self) -> str:
        found = self.engine.client.containers.list(
            all=True,
            filters={"label": f"com.docker.compose.project={self.project}"},
            ignore_removed=True,
        )
        tails = (f"{one.name}:\n{one.logs(tail=30).decode(errors='replace')}" for one in found)
        return "\n".join(tails)

    def container(self, service: str) -> Container:
        """The container of a service."""
        labels = [
            f"com.docker.compose.project={self.project}",
            f"com.docker.compose.service={service}",
        ]
        (found,) = self.engine.client.containers.list(
            all=True, filters={"label": labels}, ignore_removed=True
        )
        return found

    def servers(self, user: str | None = None) -> list[Container]:
        """The single-user containers, running or not; of one person or of all."""
        labels = [
            f"{LABEL}.platform={self.project}",
            f"{LABEL}.user" + (f"={user}" if user else ""),
        ]
        return list(
            self.engine.client.containers.list(
                all=True, filters={"label": labels}, ignore_removed=True
            )
        )

    def wait_until_open(self) -> None:
        """Wait until the log-in page answers on the published port."""

        def open_() -> bool:
            # Whether its certificate is good is a test's business.
            answer = requests.get(f"{self.url}/hub/login", timeout=ASK_AGAIN, verify=False)  # noqa: S501
            return answer.ok and self.is_open(answer.text)

        wait_until(open_, "the log-in page", ignoring=requests.RequestException)

    def is_open(self, page: str) -> bool:
        """Whether this is the log-in page."""
        return 'name="password"' in page

    def one_time_password(self) -> str:
        """The first admin's, as an operator reads it."""
        container = self.container("hub")
        code, output = container.exec_run(["python", "-m", "hub_config", "admin-password"])
        assert code == 0, output.decode()
        return str(output.decode().strip())

    def first_admin(self) -> Person:
        """The first admin, logged in, with another password than the one-time one."""
        admin = Person(self.url, "admin", self.one_time_password())
        admin.log_in()
        answer = admin.change_password(secrets.token_urlsafe(12))
        assert answer.ok, f"{answer.status_code} at {answer.url}: {answer.text[:300]}"
        return admin
