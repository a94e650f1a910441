"""An engine in memory: the calls of docker-py that the hub makes, with faults on demand.

`Faults.at` is called before each call with its name; what it raises, the engine fails with, and
while it blocks, the engine hangs. Calls come from threads, as with the real one.
"""

import asyncio
import itertools
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from docker.errors import APIError, NotFound

from hub_config.offer.counter import Counter
from hub_config.offer.images import ImageStore
from hub_config.runtime.docker import DockerRuntime
from hub_config.runtime.networks import ServerNetworks
from hub_config.settings import Settings

BEGAN = datetime(2026, 11, 30, 5, tzinfo=UTC)

PLATFORM, NETWORK = "jhub-docker", "jupyterhub-net"


def engine_says(status: int, text: str = "") -> APIError:
    response = SimpleNamespace(status_code=status, url="http://engine", reason="")
    return (NotFound if status == 404 else APIError)("", response=response, explanation=text)


class FakeEngine:
    """The objects of one engine; the names of methods are docker-py's."""

    def __init__(self) -> None:
        self.containers_: dict[str, dict[str, Any]] = {}
        self.networks_: dict[str, dict[str, Any]] = {}
        self.volumes_: dict[str, dict[str, Any]] = {}
        self.image_list: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self.at: Callable[[str], None] = lambda _: None
        """Called before each call, outside of the lock."""
        self.after: Callable[[str], None] = lambda _: None
        """Called after each call, before its answer is on its way."""
        self._lock = threading.RLock()
        self._ids = itertools.count(1)
        self._looks = itertools.count()
        for service in ("hub", "proxy", "guard"):
            self._service(service)

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name.startswith("_") or not callable(found) or name in {"at", "after"}:
            return found
        if name.startswith("create_") and name.endswith("config"):
            return found

        def called(*args: Any, **kwargs: Any) -> Any:
            self.calls.append(name)
            self.at(name)
            with self._lock:
                answer = found(*args, **kwargs)
            self.after(name)
            return answer

        return called

    def _service(self, service: str) -> None:
        labels = {
            "com.docker.compose.project": PLATFORM,
            "com.docker.compose.service": service,
            "io.jhub-docker.platform": PLATFORM,
        }
        self._add(service, labels, {}, "running")

    def _add(self, name: str, labels: Any, host: Any, state: str) -> dict[str, Any]:
        record = {
            "Id": f"id{next(self._ids)}",
            "Name": f"/{name}",
            "Config": {"Labels": dict(labels)},
            "HostConfig": dict(host),
            "State": {"Status": state, "Running": state == "running", "ExitCode": 0},
            "NetworkSettings": {"Networks": {}},
        }
        self.containers_[name] = record
        return record

    def _find(self, key: str) -> dict[str, Any]:
        for name, record in self.containers_.items():
            if key in (name, record["Id"]):
                return record
        raise engine_says(404, f"no such container {key}")

    def _set(self, record: dict[str, Any], state: str) -> None:
        record["State"] |= {"Status": state, "Running": state in ("running", "paused")}

    # -- containers --------------------------------------------------------------------------

    def containers(self, *, all: bool, filters: dict[str, Any]) -> list[dict[str, Any]]:
        wanted = filters["label"]
        return [
            {
                "Id": one["Id"],
                "Names": [one["Name"]],
                "Labels": one["Config"]["Labels"],
                "State": one["State"]["Status"],
                "Status": "Up (healthy)",
                "NetworkSettings": {
                    "Networks": {
                        name: {"NetworkID": self.networks_[name]["Id"]}
                        for name in one["NetworkSettings"]["Networks"]
                        if name in self.networks_
                    }
                },
            }
            for one in self.containers_.values()
            if all and _has(one["Config"]["Labels"], wanted)
        ]

    def inspect_container(self, key: str) -> dict[str, Any]:
        found = self._find(key)
        at = {"IPAddress": "10.213.0.4" if found["State"].get("Running") else ""}
        there = {n: at for n in found["NetworkSettings"]["Networks"] if n in self.networks_}
        return {**found, "State": dict(found["State"]), "NetworkSettings": {"Networks": there}}

    def create_container(self, *, name: str, **body: Any) -> dict[str, Any]:
        if name in self.containers_:
            raise engine_says(409, f"the name {name} is in use")
        host = {"Memory": body["host_config"].get("mem_limit", 0), "CpuShares": 1024}
        record = self._add(name, body.get("labels", {}), host, "created")
        record["Config"]["Env"] = body.get("environment")
        network = body["host_config"].get("network_mode")
        if network not in self.networks_:
            raise engine_says(404, f"no such network {network}")
        record["NetworkSettings"]["Networks"] = {network: {}}
        return {"Id": record["Id"]}

    def start(self, key: str) -> None:
        self._set(self._find(key), "running")

    def stop(self, key: str) -> None:
        self._set(self._find(key), "exited")

    def remove_container(self, key: str, *, force: bool = False, v: bool = False) -> None:
        record = self._find(key)
        if record["State"]["Running"] and not force:
            raise engine_says(409, "it runs")
        del self.containers_[record["Name"].lstrip("/")]

    def logs(self, key: str, *, tail: int) -> bytes:
        self._find(key)
        return b"last words"[:tail]

    def stats(self, key: str, *_: object) -> dict[str, Any]:
        """Each look is two seconds after the one before, in which the server took one of CPU."""
        self._find(key)
        look = next(self._looks)
        return {
            "read": (BEGAN + timedelta(seconds=2 * look)).isoformat(),
            "memory_stats": {"usage": 300 * 2**20, "stats": {"inactive_file": 100 * 2**20}},
            "cpu_stats": {"cpu_usage": {"total_usage": look * 10**9}},
            "pids_stats": {"current": 12, "limit": 4096},
        }

    # -- networks ----------------------------------------------------------------------------

    def networks(self, filters: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        wanted = (filters or {}).get("label", [])
        name = (filters or {}).get("name", "")
        return [
            dict(one)
            for one in self.networks_.values()
            if name in one["Name"] and _has(one["Labels"], wanted)
        ]

    def create_network(self, name: str, *, labels: Any, ipam: Any, **_: Any) -> None:
        if name in self.networks_:
            raise engine_says(409, "it is there")
        subnet = ipam["Config"][0]["Subnet"]
        for one in self.networks_.values():
            there = one["IPAM"]["Config"][0]["Subnet"]
            if subnet == there:
                raise engine_says(500, "failed to allocate gateway: Address already in use")
            if IPv4Network(subnet).overlaps(IPv4Network(there)):
                raise engine_says(403, "Pool overlaps with other one on this address space")
        self.networks_[name] = {
            "Id": f"id{next(self._ids)}",
            "Name": name,
            "Labels": labels,
            "IPAM": {"Config": [{"Subnet": subnet}]},
        }

    def connect_container_to_network(self, container: str, network: str, **_: Any) -> None:
        self._find(container)["NetworkSettings"]["Networks"][self._network(network)] = {}

    def disconnect_container_from_network(self, container: str, network: str, **_: Any) -> None:
        there, name = self._find(container)["NetworkSettings"]["Networks"], self._network(network)
        if name not in there:
            raise engine_says(500, f"container is not connected to network {name}")
        del there[name]

    def remove_network(self, network: str) -> None:
        name = self._network(network)
        for one in self.containers_.values():
            if name in one["NetworkSettings"]["Networks"] and one["State"]["Running"]:
                raise engine_says(403, f"network {name} has active endpoints")
        del self.networks_[name]

    def _network(self, key: str) -> str:
        for name, record in self.networks_.items():
            if key in (name, record["Id"]):
                return name
        raise engine_says(404, f"no such network {key}")

    # -- volumes and images ------------------------------------------------------------------

    def volumes(self, filters: dict[str, Any]) -> dict[str, Any]:
        found = [v for v in self.volumes_.values() if _has(v["Labels"], filters["label"])]
        return {"Volumes": found or None}

    def inspect_volume(self, name: str) -> dict[str, Any]:
        if name not in self.volumes_:
            raise engine_says(404, f"no such volume {name}")
        return self.volumes_[name]

    def create_volume(self, name: str, *, labels: Any) -> dict[str, Any]:
        return self.volumes_.setdefault(name, {"Name": name, "Labels": labels})

    def remove_volume(self, name: str) -> None:
        self.inspect_volume(name)
        del self.volumes_[name]

    def images(self) -> list[dict[str, Any]]:
        return self.image_list

    def inspect_image(self, reference: str) -> dict[str, Any]:
        for one in self.image_list:
            if reference in one["RepoTags"]:
                return {"Config": {"Labels": one["Labels"]}}
        raise engine_says(404, f"no such image {reference}")

    def info(self) -> dict[str, Any]:
        return {"MemTotal": 64 * 2**30, "NCPU": 2}

    # -- docker-py's own forms ---------------------------------------------------------------

    def create_host_config(self, **given: Any) -> dict[str, Any]:
        return given

    def create_endpoint_config(self, **given: Any) -> dict[str, Any]:
        return given

    def create_networking_config(self, given: Any) -> Any:
        return given


def _has(labels: Any, wanted: Any) -> bool:
    wanted = [wanted] if isinstance(wanted, str) else wanted
    pairs = (one.partition("=") for one in wanted)
    return all(key in labels and (not eq or labels[key] == value) for key, eq, value in pairs)


def fake_runtime(engine: FakeEngine) -> DockerRuntime:
    """The real runtime on that engine."""
    runtime = DockerRuntime(ServerNetworks(PLATFORM, IPv4Network("10.213.0.0/16")))
    runtime.__dict__["client"] = engine
    return runtime


def fake_counter(operator: Settings, folder: Path, known: Any = None, **info: Any) -> Counter:
    """Where people are served by a runtime that knows these containers and says that of itself."""

    async def told() -> dict[str, Any]:
        await asyncio.sleep(0)
        return info

    there = {} if known is None else known
    runtime: Any = SimpleNamespace(known=there, seen=True, info=told)
    return Counter(operator, folder, ImageStore(operator), runtime)
