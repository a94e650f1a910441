"""Which addresses a server's network gets, and what servers may reach. Pure: text and numbers out.

Docker's default pools end at about thirty networks. Here a pool is cut into subnets of sixteen
addresses, and in every one of them the same place belongs to the same member: the firewall can
tell hub, proxy and server apart by that alone, and a recreated hub comes back at its address.

What servers may reach are nftables rules in two tables. `inet` sees what the host is asked to route
or to take itself; it decides by the bridge interface, which only this platform's networks have, so
other software on the host is left alone. `bridge` sees what passes between a server and its hub and
proxy on their common bridge, where no routing happens (and where `inet` sees nothing, unless
br_netfilter is on). Rules only ever drop: what they let through is still up to Docker's own and the
operator's. Language and hooks: nft(8) of nftables 1.0.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv4Network

from hub_config.settings import Settings
from hub_config.settings.values import Destination, parse_destinations

PREFIX = 28
"""Length of a subnet's prefix: sixteen addresses."""

SIZE = 2 ** (32 - PREFIX)
GATEWAY, HUB, PROXY, SERVER = 1, 2, 3, 4
"""Places of the members in a subnet. The upper half is for what an operator attaches by hand."""

_PLATFORM_DIGITS = 5


@dataclass(frozen=True)
class Subnet:
    """The addresses of one server's network."""

    network: IPv4Network

    def _at(self, place: int) -> str:
        return str(self.network.network_address + place)

    @property
    def gateway(self) -> str:
        """The host's address on it."""
        return self._at(GATEWAY)

    @property
    def hub(self) -> str:
        """The hub's address on it."""
        return self._at(HUB)

    @property
    def proxy(self) -> str:
        """The proxy's address on it."""
        return self._at(PROXY)

    @property
    def server(self) -> str:
        """The address of the person's container."""
        return self._at(SERVER)

    @property
    def for_others(self) -> str:
        """The range Docker gives addresses from to containers that ask for none."""
        return f"{self._at(SIZE // 2)}/{PREFIX + 1}"


def hub_beside(server: str) -> str:
    """The hub's address on the network on which a server has this one."""
    return Subnet(IPv4Network((server, PREFIX), strict=False)).hub


def free_subnets(
    pool: IPv4Network, taken: Iterable[IPv4Network], begin: int = 0
) -> Iterator[Subnet]:
    """The subnets of `pool` that overlap nothing in `taken`: from number `begin` on, upwards, then
    from the lowest. `begin` may be any number.

    Whoever makes networks begins somewhere else each time: the proxy keeps connections by address,
    and is not told when a network was removed by hand. The next server at that address would answer
    its first page with a reset, which the proxy turns into a 503.

    `taken` may lie outside the pool, and may hold networks of any size.
    """
    first = int(pool.network_address)
    count = pool.num_addresses // SIZE
    occupied: set[int] = set()
    for network in taken:
        if network.overlaps(pool):
            low = max(0, (int(network.network_address) - first) // SIZE)
            high = min(count - 1, (int(network.broadcast_address) - first) // SIZE)
            occupied.update(range(low, high + 1))
    for index in range(begin, begin + count):
        if index % count not in occupied:
            yield Subnet(IPv4Network((IPv4Address(first + index % count * SIZE), PREFIX)))


def bridge_prefix(platform: str) -> str:
    """How the names of all bridge interfaces of a platform begin.

    Linux allows fifteen characters (if.h, IFNAMSIZ): three, five for the platform, and what
    `bridge` adds.
    """
    return f"jh-{hashlib.sha256(platform.encode()).hexdigest()[:_PLATFORM_DIGITS]}-"


def bridge(platform: str, pool: IPv4Network, subnet: Subnet) -> str:
    """The name of a network's bridge interface on the host: different for different subnets."""
    offset = int(subnet.network.network_address) - int(pool.network_address)
    return f"{bridge_prefix(platform)}{offset // SIZE:x}"


HUB_PORT = 8081
"""Port of the hub's API."""

TRACKING_PORT = 8082
"""Port of the service `mlflow` beside it, where nobody listens without that Compose profile."""

DNS_PORT = 53

METADATA = ("169.254.0.0/16", "100.100.100.200", "168.63.129.16", "192.0.0.192")
"""Where clouds tell a machine its secrets: link-local (all large ones), Alibaba, Azure, Oracle."""

PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
"""Networks of organisations and providers (RFC 1918, RFC 6598)."""

GATEWAY_BRIDGE = "docker_gwbridge"
"""By which an engine's containers on overlays get out (Docker documentation, Overlay network)."""

BRIDGES = "jh-*"
"""Bridges of any platform of this kind on the host."""


def bridges(operator: Settings) -> str:
    """The servers' bridges, as nft matches interfaces. Of overlays the host has only the bridge of
    their way out.
    """
    swarm = operator.runtime == "swarm"
    return f'"{GATEWAY_BRIDGE}"' if swarm else f'"{bridge_prefix(operator.platform)}*"'


@dataclass(frozen=True)
class Host:
    """What the host looks like."""

    nameservers: tuple[IPv4Address, ...] = ()
    """They are asked from within the containers' networks, wherever they are."""
    bridges: tuple[str, ...] = ()
    """Bridge interfaces with containers or machines of others behind them."""
    ways_out: IPv4Network | None = None
    """The addresses on the bridge by which containers of overlays get out; None where there is no
    such bridge."""


class BridgeRules(Enum):
    """How well this kernel can tell on which bridge a frame is."""

    BY_INTERFACE = "by interface"
    BY_ADDRESS = "by address"
    """Without CONFIG_NFT_BRIDGE_META."""
    NONE = "none"
    """Without the bridge family."""


def table_name(platform: str) -> str:
    """The name of the platform's tables."""
    word = re.sub(r"[^A-Za-z0-9]+", "_", platform)
    return f"jhub_{word}_{hashlib.sha256(platform.encode()).hexdigest()[:5]}"


def ruleset(operator: Settings, host: Host, bridge_rules: BridgeRules) -> str:
    """Both tables, replacing what was there in one transaction (`nft -f`)."""
    name = table_name(operator.platform)
    parts = [_replace("inet", name, _routed(operator, host))]
    if bridge_rules is not BridgeRules.NONE:
        swarm = operator.runtime == "swarm"
        bridged = _apart(host, bridge_rules) if swarm else _bridged(operator, bridge_rules)
        parts.append(_replace("bridge", name, bridged))
    return "\n".join(parts) + "\n"


def removal(operator: Settings) -> list[str]:
    """What takes each table away, whether it is there or not; a kernel may lack one's family."""
    name = table_name(operator.platform)
    return [f"table {f} {name}\ndelete table {f} {name}\n" for f in ("inet", "bridge")]


def _replace(family: str, name: str, chains: Iterable[str]) -> str:
    inner = "\n".join(chains)
    start = f"table {family} {name}"
    return f"{start}\ndelete {start}\n{start} {{\n{inner}\n}}"


def _chain(name: str, *rules: str) -> str:
    lines = "".join(f"    {rule}\n" for rule in rules)
    return f"  chain {name} {{\n{lines}  }}"


def _routed(operator: Settings, host: Host) -> Iterable[str]:
    ours, pool = bridges(operator), str(operator.address_pool)
    within = [
        f"ip saddr != {pool} drop",
        # Another server's network, and the host's address on it.
        f"ip daddr {pool} fib daddr . iif oif missing drop",
        f"ip daddr {pool} fib daddr type unicast accept",
    ]
    swarm = operator.runtime == "swarm"
    allowed = [
        _rule(entry, "accept") for entry in parse_destinations(operator.allowed_destinations)
    ]
    # After connection tracking (-200), so that answers are known; before Docker's published ports
    # are rewritten (-100), so that the host's addresses are still seen as such.
    yield _chain(
        "arriving",
        "type filter hook prerouting priority mangle; policy accept;",
        f"iifname {ours} jump from_server",
    )
    yield _chain(
        "from_server",
        "ct direction reply accept",
        "meta nfproto ipv6 drop",
        *([] if swarm else within),
        *[
            f"ip daddr {server} meta l4proto {{ tcp, udp }} th dport {DNS_PORT} accept"
            for server in host.nameservers
        ],
        *allowed,
        # The host's own addresses with all ports published on them, broadcast and multicast.
        "fib daddr type != unicast drop",
        f"ip daddr {{ {', '.join(METADATA)} }} drop",
        *([f"ip daddr {{ {', '.join(PRIVATE)} }} drop"] if operator.block_private_networks else []),
        *[_rule(entry, "drop") for entry in parse_destinations(operator.blocked_destinations)],
    )
    others = ", ".join(f'"{bridge}"' for bridge in host.bridges)
    yield _chain(
        "passing",
        "type filter hook forward priority filter - 1; policy accept;",
        # On a swarm the ports that services publish are reached by the same bridge.
        *(["ct status dnat accept"] if swarm else []),
        f"oifname {ours} iifname != {ours} ct direction original drop",
        f"iifname {ours} jump to_others",
    )
    yield _chain(
        "to_others",
        "ct direction reply accept",
        *allowed,
        f'oifname "{BRIDGES}" ip daddr != {pool} drop',
        *([f"oifname {{ {others} }} drop"] if others else []),
    )


def _apart(host: Host, bridge_rules: BridgeRules) -> Iterable[str]:
    """No container of an overlay reaches another one by the bridge that all of them have."""
    hook = "type filter hook forward priority filter; policy accept;"
    if bridge_rules is BridgeRules.BY_INTERFACE:
        yield _chain("passing", hook, f'meta ibrname "{GATEWAY_BRIDGE}" drop')
    elif host.ways_out:
        yield _chain("passing", hook, f"ip saddr {host.ways_out} ip daddr {host.ways_out} drop")


def _bridged(operator: Settings, bridge_rules: BridgeRules) -> Iterable[str]:
    ours, pool = bridges(operator), str(operator.address_pool)
    if bridge_rules is BridgeRules.BY_INTERFACE:
        strangers = [f"meta ibrname {ours} ip daddr != {pool} drop"]
        strangers += [f"meta ibrname {ours} ether type ip6 drop"]
        here = f"meta ibrname {ours} "
    else:
        strangers = [f"ip saddr {pool} ip daddr != {pool} drop"]
        here = f"ip daddr {pool} "
    place = f"{here}ip daddr & {IPv4Address(SIZE - 1)} =="
    # A frame to the proxy's or hub's hardware address with another address of theirs in it would be
    # taken by them: Linux answers for every address on every interface.
    yield _chain(
        "passing",
        "type filter hook forward priority filter; policy accept;",
        *strangers,
        f"{place} {IPv4Address(HUB)} jump to_hub",
        f"{place} {IPv4Address(PROXY)} jump to_proxy",
    )
    new = "tcp flags & (syn | ack) == syn"
    nothing_else = "meta l4proto != { tcp, icmp } drop"
    yield _chain(
        "to_hub", f"{new} tcp dport != {{ {HUB_PORT}, {TRACKING_PORT} }} drop", nothing_else
    )
    yield _chain("to_proxy", f"{new} drop", nothing_else)


def _rule(destination: Destination, verdict: str) -> str:
    if destination.port is None:
        return f"ip daddr {destination.network} {verdict}"
    ports = f"meta l4proto {{ tcp, udp }} th dport {destination.port}"
    return f"ip daddr {destination.network} {ports} {verdict}"
