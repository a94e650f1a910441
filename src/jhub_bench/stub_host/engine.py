"""The engine: the calls that the hub's filter lets through, answered from memory at once."""

import asyncio
import itertools
import json
import os
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

PORT = 8888
SERVICES = ("hub", "proxy", "guard")
LABEL, COMPOSE = "io.jhub-docker", "com.docker.compose"

Record = dict[str, Any]


class Trouble(Exception):  # noqa: N818  it is an answer
    """What the engine answers instead: status and words."""


def now() -> str:
    """This moment as both APIs write it."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


@dataclass
class Server:
    """One container, as created."""

    record: Record
    variables: dict[str, str]
    address: str
    tasks: list["asyncio.Task[None]"] = field(default_factory=list)
    sockets: set[Any] = field(default_factory=set)
    seen: bool = False


@dataclass
class Engine:
    """What there is: by name, and servers also by address."""

    platform: str
    image: Record
    containers: dict[str, Record] = field(default_factory=dict)
    networks: dict[str, Record] = field(default_factory=dict)
    volumes: dict[str, Record] = field(default_factory=dict)
    servers: dict[str, Server] = field(default_factory=dict)
    addresses: dict[str, Server] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    """Names by id."""
    ids: Any = field(default_factory=lambda: itertools.count(1))
    begin: Callable[[Server], Coroutine[Any, Any, None]] | None = None
    """What a server does by itself from its start on."""

    def __post_init__(self) -> None:
        for service in SERVICES:
            labels = {f"{COMPOSE}.project": self.platform, f"{COMPOSE}.service": service}
            self._contain(service, labels | {f"{LABEL}.platform": self.platform}, {}, "running")

    def _id(self, name: str) -> str:
        made = f"{next(self.ids):064x}"
        self.names[made] = name
        return made

    def _contain(self, name: str, labels: Any, host: Record, state: str) -> Record:
        record: Record = {
            "Id": self._id(name), "Name": f"/{name}", "Created": now(), "Path": "start", "Args": [],
            "Image": self.image["Id"], "RestartCount": 0, "Driver": "overlay2", "Mounts": [],
            "Config": {"Labels": labels, "Image": self.image["RepoTags"][0], "Env": []},
            "HostConfig": host,
            "State": {"ExitCode": 0, "OOMKilled": False, "StartedAt": now()},
            "NetworkSettings": {"Networks": {}},
        }  # fmt: skip
        self._set(record, state)
        self.containers[name] = record
        return record

    def _set(self, record: Record, state: str) -> None:
        record["State"] |= {"Status": state, "Running": state == "running"}

    def find(self, kind: dict[str, Record], key: str) -> Record:
        """By name or id."""
        record = kind.get(key) or kind.get(self.names.get(key, ""))
        if record is None:
            raise Trouble(404, f"no such object: {key}")
        return record

    # -- containers --------------------------------------------------------------------------

    def listed(self, one: Record) -> Record:
        """A container as the list has it, with what a real engine's list has besides."""
        state = one["State"]["Status"]
        return {
            "Id": one["Id"], "Names": [one["Name"]], "Image": one["Config"]["Image"],
            "ImageID": one["Image"], "Command": "tini -- start", "Created": 1_700_000_000,
            "Ports": [{"PrivatePort": PORT, "Type": "tcp"}], "Labels": one["Config"]["Labels"],
            "State": state, "Status": "Up 5 minutes (healthy)" if state == "running" else "Exited",
            "HostConfig": {"NetworkMode": one["HostConfig"].get("NetworkMode", "")},
            "NetworkSettings": one["NetworkSettings"], "Mounts": one["Mounts"],
        }  # fmt: skip

    def create(self, name: str, body: Record) -> Record:
        """A container that does not run yet."""
        if name in self.containers:
            raise Trouble(409, f"the name {name} is in use")
        host, variables = body["HostConfig"], dict(one.split("=", 1) for one in body["Env"])
        ((network, place),) = body["NetworkingConfig"]["EndpointsConfig"].items()
        address = place["IPAMConfig"]["IPv4Address"]
        record = self._contain(name, body["Labels"], host, "created")
        record["Config"]["Env"] = body["Env"]
        record["Mounts"] = [
            {"Type": "volume", "Name": bind.split(":")[0], "Destination": bind.split(":")[1],
             "Source": f"/var/lib/docker/volumes/{bind.split(':')[0]}/_data",
             "Driver": "local", "Mode": "rw", "RW": True, "Propagation": ""}
            for bind in host.get("Binds", [])
        ]  # fmt: skip
        self._join(record, self.find(self.networks, network), address)
        self.servers[name] = Server(record, variables, address)
        return {"Id": record["Id"], "Warnings": []}

    def _join(self, record: Record, network: Record, address: str) -> None:
        record["NetworkSettings"]["Networks"][network["Name"]] = {
            "IPAMConfig": {"IPv4Address": address}, "Links": None, "Aliases": None,
            "NetworkID": network["Id"], "EndpointID": record["Id"], "Gateway": address,
            "IPAddress": address, "IPPrefixLen": 28, "MacAddress": "02:42:0a:75:00:04",
            "IPv6Gateway": "", "GlobalIPv6Address": "", "GlobalIPv6PrefixLen": 0,
            "DriverOpts": None,
        }  # fmt: skip

    def start(self, record: Record) -> None:
        """From now on it answers, and tells of its activity."""
        self._set(record, "running")
        server = self.servers[record["Name"][1:]]
        self.addresses[server.address] = server
        if self.begin:
            server.tasks.append(asyncio.ensure_future(self.begin(server)))

    async def stop(self, record: Record) -> None:
        """It closes what is open and answers no more."""
        self._set(record, "exited")
        server = self.servers[record["Name"][1:]]
        self.addresses.pop(server.address, None)
        for task in server.tasks:
            task.cancel()
        for one in list(server.sockets):
            await one.close()

    async def remove(self, record: Record) -> None:
        """It is gone, also when it ran."""
        await self.stop(record)
        name = record["Name"][1:]
        del self.containers[name], self.servers[name], self.names[record["Id"]]

    # -- everything --------------------------------------------------------------------------

    def make_network(self, body: Record) -> Record:
        """As the hub asks for it."""
        if body["Name"] in self.networks:
            raise Trouble(409, "it is there")
        made = body | {"Id": self._id(body["Name"]), "Scope": "local", "Created": now()}
        made |= {"EnableIPv6": False, "Internal": False, "Attachable": False, "Ingress": False}
        self.networks[body["Name"]] = made | {"ConfigOnly": False, "Containers": {}}
        return {"Id": made["Id"]}

    def make_volume(self, body: Record) -> Record:
        """The one that is there, if one is."""
        place = {"Driver": "local", "Mountpoint": "/", "Options": None, "Scope": "local"}
        made = {"Labels": body.get("Labels") or {}, "CreatedAt": now(), **place}
        return self.volumes.setdefault(body["Name"], {"Name": body["Name"], **made})

    async def answer(self, method: str, path: list[str], query: Any, body: Record) -> Any:  # noqa: PLR0911, PLR0912
        """What the engine says to one call; raises Trouble."""
        filters = json.loads(query.get("filters") or "{}")
        match method, path:
            case "GET", ["version"]:
                return {"ApiVersion": "1.45", "MinAPIVersion": "1.24", "Version": "26.1.5"}
            case "GET", ["info"]:
                size = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
                return {"MemTotal": size, "NCPU": os.cpu_count(), "Driver": "overlay2"}
            case "GET", ["images", "json"]:
                return [self.image]
            case "GET", ["images", *_]:
                return {**self.image, "Config": {"Labels": self.image["Labels"]}}
            case "GET", ["containers", "json"]:
                every = self.containers.values()
                return [self.listed(x) for x in every if fits(x["Config"]["Labels"], filters)]
            case "POST", ["containers", "create"]:
                return self.create(query["name"], body)
            case "POST", ["containers", key, "start"]:
                return self.start(self.find(self.containers, key))
            case "POST", ["containers", key, "stop"]:
                return await self.stop(self.find(self.containers, key))
            case "DELETE", ["containers", key]:
                return await self.remove(self.find(self.containers, key))
            case "GET", ["containers", key, "json"]:
                return self.find(self.containers, key)
            case "GET", ["containers", key, "stats"]:
                self.find(self.containers, key)
                memory = {"usage": 200 * 2**20, "stats": {"inactive_file": 0}}
                used = {"cpu_usage": {"total_usage": 10**9}}
                pids = {"current": 12}
                said = {"memory_stats": memory, "cpu_stats": used, "pids_stats": pids}
                return {"read": now(), **said}
            case "GET", ["networks"]:
                every, name = self.networks.values(), filters.get("name", [""])[0]
                return [x for x in every if name in x["Name"] and fits(x["Labels"], filters)]
            case "POST", ["networks", "create"]:
                return self.make_network(body)
            case "POST", ["networks", key, "connect"]:
                at = body["EndpointConfig"]["IPAMConfig"]["IPv4Address"]
                container = self.find(self.containers, body["Container"])
                return self._join(container, self.find(self.networks, key), at)
            case "POST", ["networks", key, "disconnect"]:
                there = self.find(self.containers, body["Container"])["NetworkSettings"]["Networks"]
                if there.pop(self.find(self.networks, key)["Name"], None) is None:
                    raise Trouble(500, "the container is not connected to the network")
                return None
            case "GET", ["networks", key]:
                return self.find(self.networks, key)
            case "DELETE", ["networks", key]:
                gone = self.networks.pop(self.find(self.networks, key)["Name"])
                del self.names[gone["Id"]]
                return None
            case "GET", ["volumes"]:
                every = self.volumes.values()
                return {"Volumes": [x for x in every if fits(x["Labels"], filters)], "Warnings": []}
            case "POST", ["volumes", "create"]:
                return self.make_volume(body)
            case "GET", ["volumes", key]:
                return self.find(self.volumes, key)
        raise Trouble(501, f"the stub engine does not know {method} {'/'.join(path)}")


def fits(labels: Record, filters: Record) -> bool:
    """Whether an object has all the labels that a list is narrowed down to."""
    pairs = (one.partition("=") for one in filters.get("label", []))
    return all(key in labels and (not eq or labels[key] == value) for key, eq, value in pairs)


def engine_handler(engine: Engine) -> Any:
    """For the engine's socket."""

    async def handle(request: Any) -> Any:
        path = re.sub(r"^/v[\d.]+/", "/", request.path).strip("/").split("/")
        if path == ["_ping"]:
            return web.Response(text="OK", headers={"Api-Version": "1.45"})
        text = await request.text()
        try:
            said = await engine.answer(
                request.method, path, request.query, json.loads(text) if text else {}
            )
        except Trouble as trouble:
            return web.json_response({"message": trouble.args[1]}, status=trouble.args[0])
        return web.Response(status=204) if said is None else web.json_response(said)

    return handle
