"""The peer's hub: the seed's configuration, run from our hub image so that versions are the same.

Its proxy is the one JupyterHub starts itself; anyone may log in with any password.
"""

import json
from collections.abc import Mapping
from importlib import resources

import requests
from docker.models.containers import Container

from jhub_bench.peer_images import SEED
from jhub_testing.archives import archive
from jhub_testing.ownership import SESSION
from jhub_testing.resources import Engine
from jhub_testing.waiting import wait_until

_CONFIG = "jupyterhub_config.py"


class PeerHub:
    """Entering starts it, leaving removes it; what it starts carries the session's labels."""

    def __init__(
        self, engine: Engine, image: str, images: Mapping[str, str], limits: Mapping[str, object]
    ) -> None:
        """`images` maps profile keys to images, `limits` are DockerSpawner's for all of them."""
        self.engine, self.image = engine, image
        self.name = engine.name("peer-hub")
        self.network = engine.network("peer-net")
        self.given = {
            "hub": self.name,
            "network": self.network,
            "volumes": f"{self.name}-home-",
            "labels": engine.labels,
            "images": dict(images),
            "limits": dict(limits),
        }
        self.url = ""

    def home(self, name: str) -> None:
        """Make the home volume of a person, labelled, since DockerSpawner's would not be."""
        volume = f"{self.given['volumes']}{name}"
        self.engine.client.volumes.create(volume, labels=self.engine.labels)

    def __enter__(self) -> "PeerHub":
        client = self.engine.client
        hub: Container = client.containers.create(
            self.image,
            ["jupyterhub", "--config", f"/srv/{_CONFIG}"],
            entrypoint="",
            user="0",
            name=self.name,
            network=self.network,
            environment={"BENCH_PEER": json.dumps(self.given)},
            labels=self.engine.labels,
            ports={"8000/tcp": ("127.0.0.1", None)},
            volumes={"/var/run/docker.sock": {"bind": "/var/run/docker.sock", "mode": "rw"}},
            working_dir="/tmp",  # noqa: S108  in the container
        )
        hub.put_archive("/srv", archive({_CONFIG: (resources.files(SEED) / _CONFIG).read_bytes()}))
        hub.start()
        self.engine.watch(hub)
        hub.reload()
        port = hub.attrs["NetworkSettings"]["Ports"]["8000/tcp"][0]["HostPort"]
        self.url = f"http://127.0.0.1:{port}"

        def open_() -> bool:
            answer = requests.get(f"{self.url}/hub/login", timeout=5)
            return answer.ok and 'name="password"' in answer.text

        wait_until(open_, "the peer's log-in page", ignoring=requests.RequestException)
        return self

    def __exit__(self, *_: object) -> None:
        for record in self.engine.client.api.containers(
            all=True, filters={"network": self.network}
        ):
            self.engine.remove(self.engine.client.containers.get(record["Id"]))

    def server(self, name: str) -> Container:
        """The container of a person's server.

        Its name is not to be relied on: upstream sometimes renders it before the template is set.
        """
        wanted = {"label": f"{SESSION}={self.engine.session}", "network": self.network}
        found = self.engine.client.api.containers(all=True, filters=wanted)
        (record,) = [one for one in found if one["Names"][0].endswith(f"-{name}")]
        return self.engine.client.containers.get(record["Id"])
