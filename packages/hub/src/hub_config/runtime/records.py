"""What the engine's records say: servers' containers, networks and homes, and the containers of the
platform's services, which are found by what Compose labels them.

The engine says what it saw (Engine API, ContainerInspect, State and HostConfig). `OOMKilled` is
true from the moment the kernel killed any process of the container for want of memory, also while
the container runs on (seen with Docker Engine 26.1, cgroup v1).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network
from typing import Any

from docker import APIClient

from hub_config import names
from hub_config.runtime.interface import Container, Network, Usage, Volume
from hub_config.runtime.plan import Subnet

HUB, PROXY, GUARD = "hub", "proxy", "guard"
"""Services of compose.yaml; the first two are aliases on every server's network as well."""

ATTACHED = (HUB, PROXY)

HUBS = (HUB, "standby")
"""Services of compose.yaml of which one is the hub (`leading`); another one is a rival."""

RIVAL = "rival"


@dataclass(frozen=True)
class Member:
    """A container of one of the platform's services."""

    service: str
    container: str
    state: str
    """As the engine puts it, with the health check's word: `Up 5 minutes (healthy)`."""
    networks: frozenset[str]
    """Ids of the networks it is attached to."""

    @property
    def is_healthy(self) -> bool:
        """Whether its health check says so."""
        return "(healthy)" in self.state

    @property
    def is_doubtful(self) -> bool:
        """Whether it runs and its health check was not asked yet, or had no answer in time: on a
        busy machine it may be well all the same.
        """
        return self.state.endswith(("(health: starting)", "(unhealthy)"))


def members(client: APIClient, platform: str, service: str = "") -> dict[str, Member]:
    """The containers of the platform's services, or of one, by service; running ones before others.

    While Compose replaces a container there are two for a moment; one-off ones do not count.
    """
    label = [f"com.docker.compose.project={platform}"]
    label += [f"com.docker.compose.service={service}"] if service else []
    found: dict[str, Member] = {}
    listed = client.containers(all=True, filters={"label": label})
    for record in sorted(listed, key=lambda record: record["State"] != "running"):
        labels: Mapping[str, str] = record["Labels"]
        name = labels.get("com.docker.compose.service", "")
        if name in HUBS:
            name = HUB if name == names.SERVICE else RIVAL
        if labels.get("com.docker.compose.oneoff") != "True" and name not in found:
            attached = record["NetworkSettings"]["Networks"].values()
            found[name] = Member(
                name,
                record["Id"],
                record["Status"],
                frozenset(network["NetworkID"] for network in attached),
            )
    return found


def address(service: str, subnet: Subnet) -> str:
    """Where hub and proxy are on a server's network."""
    return subnet.hub if service == HUB else subnet.proxy


def server_networks(client: APIClient, platform: str) -> list[dict[str, Any]]:
    """The engine's records of the platform's networks that were made for servers."""
    wanted = [f"{names.PLATFORM}={platform}", names.USER]
    return [one for one in client.networks(filters={"label": wanted}) if has_addresses(one)]


def has_addresses(network: Mapping[str, Any]) -> bool:
    """Whether anything can be attached: a swarm gives them a moment after an overlay was made."""
    return bool(network["IPAM"]["Config"])


def subnet_of(network: dict[str, Any]) -> Subnet:
    """The addresses of a network, from the engine's record."""
    return Subnet(IPv4Network(network["IPAM"]["Config"][0]["Subnet"]))


KILLED = 137
"""What a shell, and tini, make of SIGKILL (128 + 9)."""

_GB = 2**30


def why(record: Mapping[str, Any]) -> str:
    """Why the container of this record ended, in a sentence or two."""
    state = record["State"]
    code = state["ExitCode"]
    if state.get("OOMKilled") and code in (KILLED, 0):
        return (
            f"It needed more memory than {_limit(record)}, and was ended. A larger profile has "
            "more; or work on less data at a time."
        )
    if code == 0:
        return "It ended by itself."
    if code == KILLED:
        return "It was killed from outside."
    return f"It ended by itself with exit code {code}."


def lost(record: Mapping[str, Any]) -> str:
    """What a container that runs has lost for want of memory; empty for nothing."""
    if not record["State"].get("OOMKilled"):
        return ""
    return (
        f"A program in this server, such as a notebook's kernel, needed more memory than "
        f"{_limit(record)}, and was ended. Start that program again, or stop the server and start "
        "it with a larger profile."
    )


def _limit(record: Mapping[str, Any]) -> str:
    memory = (record.get("HostConfig") or {}).get("Memory") or 0
    return f"the {memory / _GB:g} GB of its profile" if memory else "there was"


def container(record: Mapping[str, Any]) -> Container:
    """From the engine's answer to an inspection (Engine API, ContainerInspect)."""
    labels = record["Config"]["Labels"] or {}
    limits = record["HostConfig"]
    runs = record["State"]["Running"]
    return Container(
        id=record["Id"],
        name=record["Name"].lstrip("/"),
        user=labels.get(names.USER, ""),
        server=labels.get(names.SERVER, ""),
        state=record["State"]["Status"],
        database=labels.get(names.DATABASE, ""),
        memory=limits.get("Memory") or 0,
        cpus=(limits.get("CpuShares") or 0) / names.SHARES_OF_A_CPU,
        started=record["State"].get("StartedAt", ""),
        **attached(record),
        why="" if runs else why(record),
        lost=lost(record) if runs else "",
        starved=bool(record["State"].get("OOMKilled")),
        exit_code=None if runs else record["State"].get("ExitCode"),
        devices=names.devices(labels),
    )


def attached(record: Mapping[str, Any]) -> dict[str, Any]:
    """The networks of a container, and its address, which is empty while it does not run."""
    found = record["NetworkSettings"]["Networks"]
    addresses = (one["IPAddress"] for one in found.values() if (one or {}).get("IPAddress"))
    return {"networks": frozenset(found), "address": next(addresses, "")}


_UNLIMITED = 2**31
"""Engines say a number of 64 bits where there is no limit."""


def usage(record: Mapping[str, Any]) -> Usage | None:
    """From the engine's answer about what a container takes (Engine API, ContainerStats), by its
    own documented sum; None for one that does not run.
    """
    memory, pids = record.get("memory_stats") or {}, record.get("pids_stats") or {}
    if "usage" not in memory:
        return None
    details = memory.get("stats") or {}
    # Version 1 of the kernel's control groups, then version 2.
    idle = details.get("total_inactive_file", details.get("inactive_file", 0))
    limit = pids.get("limit") or _UNLIMITED
    return Usage(
        at=datetime.fromisoformat(record["read"]).timestamp(),
        memory=max(0, memory["usage"] - idle),
        processor=record["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9,
        processes=pids.get("current") or 0,
        processes_limit=limit if limit < _UNLIMITED else None,
    )


def network(record: Mapping[str, Any], attached: Mapping[str, Member]) -> Network:
    """From the engine's list of networks, and the services' containers."""
    labels = record["Labels"] or {}
    lacks = (
        service
        for service in ATTACHED
        if service in attached and record["Id"] not in attached[service].networks
    )
    return Network(
        record["Name"], labels.get(names.USER, ""), labels.get(names.SERVER, ""), tuple(lacks)
    )


def volume(record: Mapping[str, Any]) -> Volume:
    """From the engine's answer about a volume."""
    labels = record["Labels"] or {}
    return Volume(
        record["Name"],
        user=labels.get(names.USER, labels.get(names.FOLDER, "")),
        token=labels.get(names.HOME, ""),
        database=labels.get(names.DATABASE, ""),
        owner=labels.get(names.OWNER, ""),
    )


WORDS = 2**14
"""Bytes of a log's end: each of its last lines can be as long as a program likes."""


def readable(lines: bytes) -> str:
    """The end of a server's log for people and for the database, which may take no NUL."""
    end = lines[-WORDS:].decode("utf-8", "replace").replace("\0", "\ufffd").strip()
    return end or "(it wrote nothing)"
