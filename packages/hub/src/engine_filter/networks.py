"""Rules for calls about networks: one per server, with hub and proxy on it, and no other."""

from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Any

from engine_filter import ownership
from engine_filter.bodies import as_it_is, fields, one_of, table, text, texts, yes
from engine_filter.calls import Call, Forward, Record, Refused
from engine_filter.policy import SERVER, USER
from hub_config.runtime.networks import driver
from hub_config.runtime.plan import PREFIX, Subnet

_services: dict[tuple[str, str], str] = {}
"""Hub and proxy by platform and id. A container's labels never change, and the record of these two
lists everybody's networks: it is asked for once."""


async def create(call: Call) -> Forward:
    """POST /networks/create: what `driver` makes, a bridge in the platform's pool or an overlay."""
    body = fields(
        call.body,
        {
            "Name": text,
            "Driver": one_of("bridge", "overlay"),
            "Attachable": yes,
            "CheckDuplicate": yes,
            "IPAM": as_it_is,
            "Options": table,
            "Labels": table,
        },
        "",
    )
    policy, name = call.policy, body.get("Name", "")
    platform, pool = policy.settings.platform, policy.settings.address_pool
    if not policy.network_name.fullmatch(name):
        raise Refused(f"a network may not be called {name[:100]!r}")
    ownership.require_own_labels(body.get("Labels", {}), policy)
    body["IPAM"], subnet = _addresses(body.get("IPAM"), pool)
    wanted = driver(platform, pool, subnet, overlay=policy.settings.runtime == "swarm")
    if body.get("Driver") != wanted["driver"]:
        raise Refused(f"Driver has to be {wanted['driver']}")
    if body.get("Options") != wanted["options"]:
        raise Refused("Options has to name the subnet's bridge and nothing else")
    if body.get("Attachable", False) != wanted.get("attachable", False):
        raise Refused("Attachable is for the overlays of a swarm alone")
    return Forward(call.path, {}, body)


def _addresses(value: Any, pool: IPv4Network) -> tuple[dict[str, Any], Subnet]:
    """What to pass on of IPAM, and the subnet: one of the pool's, cut as all are."""
    ipam = fields(value, {"Driver": one_of("default"), "Config": as_it_is}, "IPAM")
    match ipam.get("Config"):
        case [one]:
            config = fields(one, {"Subnet": text, "Gateway": text, "IPRange": text}, "IPAM.Config")
        case _:
            raise Refused("IPAM.Config has to be one subnet")
    try:
        subnet = Subnet(IPv4Network(config.get("Subnet", "")))
    except ValueError:
        raise Refused("IPAM.Config.Subnet is not an IPv4 subnet") from None
    if subnet.network.prefixlen != PREFIX or not subnet.network.subnet_of(pool):
        raise Refused(f"IPAM.Config.Subnet {subnet.network} is not a /{PREFIX} of the pool {pool}")
    cut = {"Subnet": str(subnet.network), "Gateway": subnet.gateway, "IPRange": subnet.for_others}
    if config != cut:
        raise Refused("IPAM.Config does not divide the subnet as all are divided")
    return ipam | {"Config": [config]}, subnet


async def connect(call: Call) -> Forward:
    """POST /networks/{name}/connect: hub or proxy to a server's network, at its place there."""
    body = fields(call.body, {"Container": text, "EndpointConfig": as_it_is}, "")
    network, container, service = await _both(call, body)
    subnet = subnet_of(network)
    place = {"hub": subnet.hub, "proxy": subnet.proxy}[service]
    config = endpoint(body.get("EndpointConfig"), place, [service], "EndpointConfig")
    given = {"Container": container, "EndpointConfig": config}
    return Forward(f"/networks/{network['Id']}/connect", {}, given)


async def disconnect(call: Call) -> Forward:
    """POST /networks/{name}/disconnect: hub or proxy from a server's network."""
    body = fields(call.body, {"Container": text, "Force": yes}, "")
    network, container, _ = await _both(call, body)
    return Forward(f"/networks/{network['Id']}/disconnect", {}, body | {"Container": container})


async def on_own(call: Call) -> Forward:
    """A call about one server's network of this platform; passed on with the network's id."""
    return Forward(f"/networks/{(await _own(call))['Id']}", call.query)


async def _own(call: Call) -> Record:
    record = await call.engine.one("networks", call.name)
    ownership.require_persons(record, call.policy, f"network {call.name[:100]}")
    return record


async def _both(call: Call, body: Mapping[str, Any]) -> tuple[Record, str, str]:
    """The network, the container's id and which service that is."""
    network, named = await _own(call), body.get("Container", "")
    platform = call.policy.settings.platform
    if service := _services.get((platform, named)):
        return network, named, service
    container = await call.engine.one("containers", named)
    service = ownership.service(container, call.policy)
    if not service:
        raise Refused("only hub and proxy of this platform are attached to servers' networks")
    _services[platform, container["Id"]] = service
    return network, container["Id"], service


def endpoint(value: Any, place: str, aliases: list[str], where: str) -> dict[str, Any]:
    """How a container is attached: at this address, under these names and no others."""
    kept = fields(value, {"IPAMConfig": table, "Aliases": texts}, where)
    if kept.get("IPAMConfig") != {"IPv4Address": place}:
        raise Refused(f"{where}.IPAMConfig has to be the address {place}")
    if kept.get("Aliases", []) != aliases:
        raise Refused(f"{where}.Aliases has to be {aliases}")
    return kept


def check_servers(record: Record, labels: Mapping[str, str], call: Call, name: str) -> Subnet:
    """The subnet of a new container's network, which has to be made for its server, or Refused."""
    ownership.require_persons(record, call.policy, f"network {name[:100]}")
    found = ownership.labels(record)
    if [found.get(key, "") for key in (USER, SERVER)] != [
        labels.get(key, "") for key in (USER, SERVER)
    ]:
        raise Refused(f"network {name[:100]} was made for another server")
    return subnet_of(record)


def subnet_of(record: Record) -> Subnet:
    """The addresses of one of our networks, from the engine's record."""
    return Subnet(IPv4Network(record["IPAM"]["Config"][0]["Subnet"]))
