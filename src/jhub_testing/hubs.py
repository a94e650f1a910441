"""The real JupyterHub that answers a single-user server in the image tests.

A single-user server asks the hub who is calling (`GET /hub/api/user`). Nothing here imitates that:
the image under test has the `jupyterhub` distribution, so the hub process is started from the very
same image, without proxy or spawner, with one token for the server and one for a visitor. What it
does not cover (log-in, cookies, spawning, the proxy) is the subject of `integration/`.
"""

import secrets
from importlib import resources

import requests
from testcontainers.core.container import DockerContainer

from jhub_testing.resources import Engine
from jhub_testing.waiting import ASK_AGAIN, GaveUpError, wait_until

_PORT = 8081


class Hub(DockerContainer):
    """JupyterHub's API on a test network, reachable there as `hub`."""

    def __init__(self, engine: Engine, image: str, *, network: str, python: str) -> None:
        super().__init__(image)
        self.engine = engine
        self.server_token, self.visitor_token = secrets.token_hex(32), secrets.token_hex(32)
        self.api_url = f"http://hub:{_PORT}/hub/api"
        self.env.update(TEST_SERVER_TOKEN=self.server_token, TEST_VISITOR_TOKEN=self.visitor_token)
        config = resources.files("jhub_testing.peers") / "jupyterhub_config.py"
        self.with_copy_into_container(config.read_bytes(), "/jupyterhub_config.py")
        self.with_exposed_ports(_PORT)
        self.with_name(engine.name("hub"))
        self.with_command([python, "-m", "jupyterhub", "-f", "/jupyterhub_config.py"])
        self.with_kwargs(
            labels=engine.labels,
            entrypoint="",
            working_dir="/tmp",  # noqa: S108
            network=network,
            networking_config={network: engine.endpoint("hub")},
            healthcheck={"test": ["NONE"]},
        )

    def start(self) -> "Hub":
        """Start the hub and wait until its API answers."""
        super().start()
        container = self.get_wrapped_container()
        self.engine.watch(container)
        port = self._get_exposed_port(_PORT)
        url = f"http://{self.get_container_host_ip()}:{port}/hub/api/".replace(
            "localhost", "127.0.0.1"
        )

        def answers() -> bool:
            container.reload()
            if container.status in ("exited", "dead"):
                log = container.logs(tail=40).decode(errors="replace")
                raise GaveUpError(f"the hub of the image test ended; its log ends:\n{log}")
            return requests.get(url, timeout=ASK_AGAIN).ok

        wait_until(answers, "the hub's API", ignoring=requests.RequestException)
        return self

    def stop(self, force: bool = True, delete_volume: bool = True) -> None:
        """Keep the log and remove the container."""
        if self._container is not None:
            self.engine.remove(self._container)
        self.get_docker_client().client.close()
