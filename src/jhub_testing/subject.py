"""The image under test, and the running things its tests share.

Booting takes seconds, so a server that a test only looks at is booted once per image and session;
a test that changes or stops one boots its own.
"""

import os
import re
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Thread
from typing import Any

import docker
from docker.errors import ImageNotFound

from jhub_docker.catalog import HUB, Catalog
from jhub_docker.errors import ActionError
from jhub_docker.nox import TEST_TAG
from jhub_testing import layers
from jhub_testing.hubs import Hub
from jhub_testing.resources import Engine
from jhub_testing.singleuser import HOME, SingleUserContainer
from jhub_testing.tls_peer import TlsPeer
from jhub_testing.waiting import PATIENCE


@dataclass(eq=False)
class Subject:
    """One image under test. `hub` says whether a real JupyterHub can be started from it."""

    engine: Engine
    reference: str
    files: Path
    name: str = "image"
    port: int = 8888
    environment: str = "/opt/venv"
    probe: str = "/"
    hub_jupyterhub: str = ""
    with_hub: bool = True

    @cached_property
    def image(self) -> dict[str, Any]:
        """The image's record; raises ActionError when the engine does not have it."""
        try:
            attributes: dict[str, Any] = self.engine.client.images.get(self.reference).attrs
        except ImageNotFound:
            raise ActionError(
                f"the engine has no image {self.reference}; build it with "
                f"`./dev invoke build -i {self.name}` or name another tag in {TEST_TAG}"
            ) from None
        return attributes

    @property
    def config(self) -> dict[str, Any]:
        """The image's configuration: User, Env, Entrypoint, Healthcheck, …"""
        return dict(self.image["Config"])

    @cached_property
    def network(self) -> str:
        """A network for this image's containers."""
        return self.engine.network(self.name)

    @cached_property
    def hub(self) -> Hub | None:
        """A real JupyterHub for its servers."""
        if not self.with_hub:
            return None
        python = f"{self.environment}/bin/python"
        return Hub(self.engine, self.image["Id"], network=self.network, python=python).start()

    @cached_property
    def peer(self) -> TlsPeer:
        """A TLS server with a CA of its own, on the same network."""
        return TlsPeer(self.engine, self.image["Id"], self.network, self.files)

    @cached_property
    def server(self) -> SingleUserContainer:
        """A running server to look at; it trusts the peer's CA by way of the operator's bundle, and
        looks each second whether work is going on.
        """
        each_second = {"JUPYTERHUB_ACTIVITY_INTERVAL": "1"}
        container = self._container(trust=str(self.peer.bundle), environment=each_second)
        return container.start().wait_until_ready()

    @cached_property
    def fresh(self) -> SingleUserContainer:
        """A server to try and then to stop: with an empty home, not one that the engine fills from
        the image, and a read-only root with /tmp in memory.
        """
        home = self.engine.volume("empty")
        self.engine.run(
            self.image["Id"],
            ["sh", "-c", "chown 1000:100 /v && ls -A /v | wc -l"],
            user="root",
            volumes={home: {"bind": "/v", "mode": "rw,nocopy"}},
        )
        container = self._container(home=home, read_only=True, memory_folders=["/tmp"])  # noqa: S108
        return container.start().wait_until_ready()

    @property
    def findings(self) -> layers.Findings:
        """What should not be in the image's layers."""
        return self.being_read.result()

    @cached_property
    def being_read(self) -> "Future[layers.Findings]":
        """The findings on their way: layers take as long to read as many a server to start."""
        bundle = os.environ.get("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt")
        own = layers.own_certificates(Path(bundle)) if Path(bundle).is_file() else ()
        found, image = Future[layers.Findings](), str(self.image["Id"])

        def read() -> None:
            try:
                with closing(docker.from_env(timeout=PATIENCE)) as client:
                    found.set_result(layers.scan(client, image, own, layers.KEPT))
            except Exception as error:  # raised where the findings are wanted
                found.set_exception(error)

        # A daemon: who tries another promise alone does not wait for this one.
        Thread(target=read, daemon=True).start()
        return found

    @contextmanager
    def booted(self, *, ready: bool = True, **options: Any) -> Iterator[SingleUserContainer]:
        """A server of one's own; with `ready` false it is started but not waited for."""
        container = self._container(**options)
        try:
            container.start()
            if ready:
                container.wait_until_ready()
            yield container
        finally:
            container.stop()

    def foreign_home(self, owner: str) -> str:
        """A volume others have used before: its top belongs to `owner` (`uid:gid`).

        In it are files and folders of root and of uid 4242 that the person may not read, under
        names a server or a shell would like to use.
        """
        volume = self.engine.volume("foreign")
        script = (
            "cd /v && mkdir -p lost+found junk/deep .cache/theirs && touch junk/deep/file .theirs"
            " && echo 'exit 1' >.bashrc && touch .bash_history"
            " && chown 4242:4242 .theirs junk/deep/file && chmod 600 .theirs .bash_history .bashrc"
            f" && chmod 700 junk lost+found && chmod 1777 .cache && chown {owner} /v"
        )
        mounts = {volume: {"bind": "/v", "mode": "rw,nocopy"}}
        self.engine.run(self.image["Id"], ["sh", "-c", script], user="root", volumes=mounts)
        return volume

    def owners(self, volume: str, *paths: str) -> dict[str, str]:
        """`uid:gid` of paths in a volume."""
        mounts = {volume: {"bind": HOME, "mode": "rw,nocopy"}}
        command = ["stat", "-c", "%u:%g", *(f"{HOME}/{path}" for path in paths)]
        output = self.engine.run(self.image["Id"], command, user="root", volumes=mounts)
        return dict(zip(paths, output.split(), strict=True))

    def _container(self, **options: Any) -> SingleUserContainer:
        return SingleUserContainer(
            self.engine,
            self.image["Id"],
            network=self.network,
            hub=self.hub,
            port=self.port,
            **options,
        )


def from_catalog(engine: Engine, catalog: Catalog, name: str, files: Path) -> Subject:
    """The image of a package as the build tags it, or as JHUB_TEST_TAG says."""
    spec = catalog[name]
    folder = files / re.sub(r"\W", "_", name)
    folder.mkdir(parents=True, exist_ok=True)
    return Subject(
        engine,
        f"{spec.repository}:{os.environ.get(TEST_TAG, 'latest')}",
        folder,
        name=name,
        port=spec.port or 8888,
        environment=spec.environment,
        probe=spec.probe or "/",
        hub_jupyterhub=(catalog.specs[HUB].jupyterhub or "") if HUB in catalog.specs else "",
    )
