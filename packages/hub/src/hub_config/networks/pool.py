"""Which addresses a server's network gets: a small subnet of the platform's own pool. Pure.

Docker's default pools end at about thirty networks. Here a pool is cut into subnets of sixteen
addresses, and in every one of them the same place belongs to the same member: the firewall can
tell hub, proxy and server apart by that alone, and a recreated hub comes back at its address.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

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


def free(pool: IPv4Network, taken: Iterable[IPv4Network]) -> Iterator[Subnet]:
    """The subnets of `pool` that overlap nothing in `taken`, lowest first, so gaps are used again.

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
    for index in range(count):
        if index not in occupied:
            yield Subnet(IPv4Network((IPv4Address(first + index * SIZE), PREFIX)))


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
