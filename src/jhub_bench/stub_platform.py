"""A platform of the real hub, filter, proxy and database whose engine is `stub_host`.

Docker connects hub and proxy with the stub host's container by the platform's own network; a route
in their network namespaces leads there what goes to the addresses of servers.
"""

import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from docker.models.containers import Container

from jhub_bench.stub_host import addresses
from jhub_testing import stub_servers
from jhub_testing.platforms import Platform
from jhub_testing.resources import Engine
from jhub_testing.waiting import wait_until

POOL = "10.117.0.0/16"


@dataclass(frozen=True)
class Stubs:
    """The platform, its one profile, and the container that is its engine and all servers."""

    platform: Platform
    profile: str
    host: Container

    def lead(self, service: str) -> None:
        """Lead a service to the servers; one that was restarted has forgotten the way."""
        self.host.reload()
        network = self.platform.environment["JHUB_NETWORK"]
        there = self.host.attrs["NetworkSettings"]["Networks"][network]["IPAddress"]
        self.platform.engine.run(
            _hub_image(self.platform),
            ["python", "-c", Path(addresses.__file__).read_text("utf-8"), POOL, there],
            network_mode=f"container:{self.platform.container(service).id}",
            user="root",
            cap_add=["NET_ADMIN"],
        )


def settings(stub: stub_servers.Stub) -> dict[str, str]:
    """What any platform of a crowd of stubs is set to."""
    return {"JHUB_SIGNUP": "open", "JHUB_MEMORY_OVERCOMMIT": "100", **stub.settings}


@contextmanager
def run(engine: Engine, root: Path, name: str, more: Mapping[str, str]) -> Iterator[Stubs]:
    """A platform whose engine is `stub_host`; `more` are settings of its own."""
    folder = engine.volume("stub-engine")
    where = engine.client.volumes.get(folder).attrs["Mountpoint"]
    stub = stub_servers.offer(f"{engine.name('stubs')}/")
    given = {
        **settings(stub),
        **more,
        "JHUB_DOCKER_SOCKET": f"{where}/docker.sock",
        "JHUB_ADDRESS_POOL": POOL,
        # No server is on this host, so there is nothing that its firewall could see.
        "JHUB_FIREWALL": "off",
    }
    platform = Platform(engine, root, name, settings=given, config=stub.config)
    host = _stub_host(engine, platform, stub, folder)
    with platform:
        try:
            engine.client.networks.get(platform.environment["JHUB_NETWORK"]).connect(host)
            stubs = Stubs(platform, stub.profile, host)
            for service in ("hub", "proxy"):
                stubs.lead(service)
            yield stubs
        finally:
            engine.remove(host)  # it is on the platform's network


def _hub_image(platform: Platform) -> str:
    return f"local/jupyterhub-hub:{platform.environment['JHUB_IMAGE_TAG']}"


def _stub_host(
    engine: Engine, platform: Platform, stub: stub_servers.Stub, folder: str
) -> Container:
    """The engine's container, which answers already."""
    image = {"Id": f"sha256:{'0' * 64}", "RepoTags": [stub.reference], "Labels": stub.labels}
    words = ["python", "-m", "jhub_bench.stub_host", POOL, platform.project, json.dumps(image)]
    made = engine.client.containers.create(
        _hub_image(platform),
        words,
        entrypoint="",
        user="root",
        cap_add=["NET_ADMIN"],
        environment={"PYTHONPATH": "/srv/stubs"},
        labels=engine.labels,
        volumes={folder: {"bind": "/srv/engine"}},
        name=engine.name("stub-host"),
    )
    engine.watch(made)
    made.put_archive("/srv", _program())
    made.start()
    wait_until(lambda: b"ready" in made.logs(), "the stub engine")
    return made


def _program() -> bytes:
    """`stub_host` as an archive for /srv."""
    packed, here = io.BytesIO(), Path(__file__).parent
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path in (here / "__init__.py", *sorted((here / "stub_host").glob("*.py"))):
            archive.add(path, f"stubs/jhub_bench/{path.relative_to(here)}")
    return packed.getvalue()
