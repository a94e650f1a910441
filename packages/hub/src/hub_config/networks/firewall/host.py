"""What the firewall has to know of the host, from where kernel and resolver tell it."""

from ipaddress import AddressValueError, IPv4Address, IPv4Network
from pathlib import Path

from hub_config.networks.firewall.rules import Host

RESOLV_CONF = Path("/etc/resolv.conf")
INTERFACES = Path("/sys/class/net")
ROUTES = Path("/proc/net/route")

OWN = "jh-"


def look(
    resolv_conf: Path = RESOLV_CONF, interfaces: Path = INTERFACES, routes: Path = ROUTES
) -> Host:
    """The host as it is now; the container has the host's network and, from Docker, its resolver.

    A bridge with a default route is the host's own way out, no network of containers.
    """
    known = parse_routes(routes.read_text())
    outwards = {name for name, network in known if network.prefixlen == 0}
    bridges = {path.parent.name for path in interfaces.glob("*/bridge")}
    return Host(
        nameservers(resolv_conf.read_text()),
        tuple(sorted(name for name in bridges - outwards if not name.startswith(OWN))),
    )


def own_bridges(prefix: str, interfaces: Path = INTERFACES) -> list[str]:
    """The bridges whose name begins so."""
    return [path.name for path in interfaces.glob(f"{prefix}*")]


def nameservers(text: str) -> tuple[IPv4Address, ...]:
    """The IPv4 nameservers of a resolv.conf(5)."""
    found = []
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["nameserver"] and len(words) > 1:
            try:
                found.append(IPv4Address(words[1]))
            except AddressValueError:
                continue
    return tuple(found)


def parse_routes(text: str) -> list[tuple[str, IPv4Network]]:
    """Interface and destination of each route in /proc/net/route (proc(5); little-endian hex)."""
    found = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        destination, mask = (int.from_bytes(bytes.fromhex(fields[i]), "little") for i in (1, 7))
        found.append((fields[0], IPv4Network((destination, mask.bit_count()))))
    return found


def clashes(pool: IPv4Network, routes: str) -> list[str]:
    """The host's networks that share addresses with the pool and are no server's, such as
    `192.168.0.0/24 on eth0`: those within it, and a LAN around it, whose hosts at the pool's
    addresses no server could reach. A default route is no network.
    """
    return [
        f"{network} on {name}"
        for name, network in parse_routes(routes)
        if network.prefixlen and network.overlaps(pool) and not name.startswith(OWN)
    ]
