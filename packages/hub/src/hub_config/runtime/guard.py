"""Puts the firewall's rules in place on the host and keeps them there: the command of the container
`guard`, which has the host's network and looks at it where kernel and resolver tell it.

The rules stay when this ends, however it ends: servers run on behind them. Only an orderly stop
with no server's network left takes them away, which is how `down` leaves nothing behind.
"""

import errno
import fcntl
import logging
import re
import signal
import socket
import struct
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from pathlib import Path

from hub_config import health, tracing
from hub_config.runtime import plan
from hub_config.runtime.plan import BridgeRules, Host, bridge_prefix
from hub_config.settings import Settings

RESOLV_CONF = Path("/etc/resolv.conf")
INTERFACES = Path("/sys/class/net")
ROUTES = Path("/proc/net/route")

OWN_BRIDGES = "jh-"


def look_at_host(
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
        tuple(sorted(name for name in bridges - outwards if not name.startswith(OWN_BRIDGES))),
        next((network for name, network in known if name == plan.GATEWAY_BRIDGE), None),
    )


def own_bridges(prefix: str, interfaces: Path = INTERFACES) -> list[str]:
    """The bridges whose name begins so."""
    return [path.name for path in interfaces.glob(f"{prefix}*")]


def nameservers(text: str) -> tuple[IPv4Address, ...]:
    """The IPv4 nameservers of a resolv.conf(5)."""
    found = []
    for word in re.findall(r"^[ \t]*nameserver[ \t]+(\S+)", text, re.MULTILINE):
        with suppress(AddressValueError):
            found.append(IPv4Address(word))
    return tuple(found)


def parse_routes(text: str) -> list[tuple[str, IPv4Network]]:
    """Interface and destination of each route in /proc/net/route (proc(5); little-endian hex)."""
    found = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        destination, mask = (int.from_bytes(bytes.fromhex(fields[i]), "little") for i in (1, 7))
        found.append((fields[0], IPv4Network((destination, mask.bit_count()))))
    return found


def pool_clashes(pool: IPv4Network, routes: str) -> list[str]:
    """The host's networks that share addresses with the pool and are no server's, such as
    `192.168.0.0/24 on eth0`: those within it, and a LAN around it, whose hosts at the pool's
    addresses no server could reach. A default route is no network.
    """
    return [
        f"{network} on {name}"
        for name, network in parse_routes(routes)
        if network.prefixlen and network.overlaps(pool) and not name.startswith(OWN_BRIDGES)
    ]


def members(interfaces: Path = INTERFACES) -> dict[str, int]:
    """How many interfaces are plugged into each bridge of any platform of this kind."""
    return {
        path.parent.name: len(list(path.iterdir()))
        for path in interfaces.glob(f"{OWN_BRIDGES}*/brif")
    }


def dead_bridges(plugged: Mapping[str, int], routes: str) -> dict[str, str]:
    """Bridges that an engine left behind when it was killed, each with the one that has its
    addresses now. `plugged` is what `members` says.

    An engine gives no subnet to two networks. So of two bridges with the same one, that without a
    member is no network's, and what is sent to the other's server would go there.
    """
    ours = [(name, subnet) for name, subnet in parse_routes(routes) if name in plugged]
    return {
        dead: alive
        for dead, subnet in ours
        for alive, other in ours
        if subnet.overlaps(other) and plugged[alive] and not plugged[dead]
    }


_SIOCGIFFLAGS, _SIOCSIFFLAGS, _SIOCBRDELBR = 0x8913, 0x8914, 0x89A1
_IFF_UP = 0x1
_GONE = (errno.ENODEV, errno.ENXIO)


def remove_bridge(name: str) -> None:
    """Remove a bridge of the host (netdevice(7), linux/sockios.h); none of that name is no error.

    Raises OSError when the kernel refuses.
    """
    request = "16sH14x"
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as kernel:
            found = fcntl.ioctl(kernel, _SIOCGIFFLAGS, struct.pack(request, name.encode(), 0))
            down = struct.unpack(request, found)[1] & ~_IFF_UP
            fcntl.ioctl(kernel, _SIOCSIFFLAGS, struct.pack(request, name.encode(), down))
            fcntl.ioctl(kernel, _SIOCBRDELBR, name.encode() + b"\0")
    except OSError as error:
        if error.errno not in _GONE:
            raise


def remove_dead_bridges() -> None:
    """Remove them, and say so."""
    for dead, alive in dead_bridges(members(), ROUTES.read_text()).items():
        try:
            remove_bridge(dead)
        except OSError as error:
            said = f"cannot be removed ({error.strerror}); remove it with: ip link delete {dead}"
        else:
            said = "is removed"
        log.warning(
            "The bridge %s, left by an engine that was killed, took what is sent to the servers on "
            "%s; it %s",
            dead,
            alive,
            said,
        )


log = logging.getLogger(__name__)

INTERVAL = 2.0
"""Seconds between two looks whether the rules are still there."""

SEEN = Path("/tmp/firewall-seen")  # noqa: S108
"""Touched whenever the rules were found as they should be; the health check looks at its age."""

IMPOSSIBLE = """The host's firewall cannot be put in place: %s
Servers could reach the host, the cloud's metadata and published ports, so the hub starts none.
Where this kernel or engine cannot do it, and everybody on the platform is trusted,
JHUB_FIREWALL=off starts servers without it."""


class FirewallError(Exception):
    """The rules cannot be put in place; the message says why."""


def run_guard(settings: Settings, *, only_remove: bool = False) -> int:
    """Keep the rules in place until told to stop, or take them away; returns the exit code."""
    tracing.configure_logs(settings.log_format, "%(message)s")
    if only_remove:
        remove(settings)
        return 0
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    health.check(SEEN.as_uri())
    try:
        if settings.firewall == "off":
            _stay_without(settings, stop)
        else:
            _keep(settings, stop)
    except FirewallError as error:
        log.error(IMPOSSIBLE, error)
        return 1
    return 0


def _stay_without(settings: Settings, stop: threading.Event) -> None:
    log.warning("JHUB_FIREWALL=off: servers can reach the host and its networks.")
    remove(settings)
    while not stop.is_set():
        remove_dead_bridges()
        SEEN.touch()
        stop.wait(INTERVAL)


def _keep(settings: Settings, stop: threading.Event) -> None:
    _refuse_clashes(settings.address_pool)
    bridge_rules = best_bridge_rules(settings)
    wanted = seen = ""
    while not stop.is_set():
        text = plan.ruleset(settings, look_at_host(), bridge_rules)
        if text != wanted or listing(settings, bridge_rules) != seen:
            nft("-f", "-", text=text)
            if text == wanted:
                log.warning("Somebody changed the rules; they are back in place.")
            wanted, seen = text, listing(settings, bridge_rules)
        remove_dead_bridges()
        SEEN.touch()
        stop.wait(INTERVAL)
    # On a swarm's node the bridge tells nothing: it is there without servers, too.
    if settings.runtime != "swarm" and not own_bridges(bridge_prefix(settings.platform)):
        remove(settings)
        log.info("No server is left, so the rules are removed.")


def _refuse_clashes(pool: IPv4Network) -> None:
    if clashes := pool_clashes(pool, ROUTES.read_text()):
        raise FirewallError(
            f"the address pool {pool} shares addresses with this host's networks "
            f"({', '.join(clashes)}); "
            "set JHUB_ADDRESS_POOL to addresses nobody uses"
        )


def best_bridge_rules(settings: Settings) -> BridgeRules:
    """The most exact rules this kernel takes; what is lost with others is said."""
    for choice in (BridgeRules.BY_INTERFACE, BridgeRules.BY_ADDRESS):
        try:
            nft("--check", "-f", "-", text=plan.ruleset(settings, look_at_host(), choice))
        except FirewallError:
            continue
        return choice
    log.warning(
        "This kernel filters no bridges (nf_tables, family bridge): a server with raw sockets can "
        "reach more of hub and proxy than the hub's API."
    )
    return BridgeRules.NONE


def listing(settings: Settings, bridge_rules: BridgeRules) -> str:
    """The rules as the kernel has them, empty when a table is not there."""
    families = ["inet"] if bridge_rules is BridgeRules.NONE else ["inet", "bridge"]
    try:
        return "".join(
            nft("--stateless", "list", "table", family, plan.table_name(settings.platform))
            for family in families
        )
    except FirewallError:
        return ""


def remove(settings: Settings) -> None:
    """Take the rules away; no harm where there are none."""
    for command in plan.removal(settings):
        try:
            nft("-f", "-", text=command)
        except FirewallError:
            continue


def nft(*arguments: str, text: str = "") -> str:
    """Run nft and return what it says; raises FirewallError with its words when it fails."""
    try:
        done = subprocess.run(
            ["nft", *arguments], input=text, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise FirewallError(f"nft: {error.strerror}") from None
    if done.returncode:
        raise FirewallError(f"nft: {done.stderr.strip()[:400]}")
    return done.stdout
