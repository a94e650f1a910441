"""Where a request really comes from, seen through the platform's own proxy.

The proxy appends the address it saw to `X-Forwarded-For`. That header is believed only when the
request came from the proxy's container; anybody else who reaches the hub, such as a person's
server, can write what they like into it. `X-Real-IP`, which Tornado would prefer, is never looked
at: the proxy passes on what a visitor sent.
"""

import asyncio
import ipaddress
import re
import socket
import time
from collections.abc import Iterable, Sequence

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_REMEMBERED = 60.0
"""Seconds for which the engine's answer about an address is believed."""


def networks(text: str) -> list[Network]:
    """Networks from a list with commas; raises ValueError for one that is none."""
    return [ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip()]


def client_address(peer: str, forwarded: Sequence[str], trusted: Iterable[Network] = ()) -> str:
    """Whose request it is, when `peer` is the platform's proxy and `forwarded` its header.

    Read from the right: addresses in `trusted`, other reverse proxies before this one, are passed
    over. An IPv6 visitor is their /64, since one has all addresses in it.
    """
    trusted = list(trusted)
    found = peer
    for entry in reversed([part.strip() for part in ",".join(forwarded).split(",")]):
        try:
            address = ipaddress.ip_address(entry)
        except ValueError:
            break
        found = entry
        if not any(address in network for network in trusted if network.version == address.version):
            break
    return _grouped(found)


def _grouped(text: str) -> str:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return text
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


class PlatformProxy:
    """Tells whether an address is the proxy's container, by the engine's name service.

    The engine answers a reverse look-up with the container's name, which Compose makes of project
    and service and which nobody in a container can choose.
    """

    def __init__(self, project: str) -> None:
        self._name = re.compile(rf"{re.escape(project)}[-_]proxy[-_]\d+(\.|$)")
        self._known: dict[str, tuple[float, bool]] = {}

    async def is_at(self, address: str) -> bool:
        """Whether the proxy has this address."""
        now = time.monotonic()
        at, answer = self._known.get(address, (0.0, False))
        if address in self._known and now - at < _REMEMBERED:
            return answer
        if len(self._known) > 1000:
            self._known.clear()
        loop = asyncio.get_running_loop()
        name = await loop.run_in_executor(None, _name_of, address)
        self._known[address] = now, bool(self._name.match(name))
        return self._known[address][1]


def _name_of(address: str) -> str:
    try:
        return socket.gethostbyaddr(address)[0]
    except OSError:
        return ""
