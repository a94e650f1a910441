"""Puts the firewall's rules in place and keeps them there: the command of the container `guard`.

The rules stay when this ends, however it ends: servers run on behind them. Only an orderly stop
with no server's network left takes them away, which is how `down` leaves nothing behind.
"""

import signal
import subprocess
import sys
import threading
from ipaddress import IPv4Network
from pathlib import Path

from hub_config.networks.firewall import host, rules
from hub_config.networks.firewall.rules import BridgeRules, Policy
from hub_config.networks.pool import bridge_prefix
from hub_config.settings import Settings, destinations

INTERVAL = 2.0
"""Seconds between two looks whether the rules are still there."""

HEALTH_URL_FILE = Path("/tmp/health-url")  # noqa: S108  a tmpfs of the container's own
SEEN = Path("/tmp/firewall-seen")  # noqa: S108
"""Touched whenever the rules were found as they should be; the health check looks at its age."""

IMPOSSIBLE = """The host's firewall cannot be put in place: {reason}
Servers could reach the host, the cloud's metadata and published ports, so the hub starts none.
Where this kernel or engine cannot do it, and everybody on the platform is trusted,
JHUB_FIREWALL=off starts servers without it."""


class FirewallError(Exception):
    """The rules cannot be put in place; the message says why."""


def run_guard(settings: Settings, *, only_remove: bool = False) -> int:
    """Keep the rules in place until told to stop, or take them away; returns the exit code."""
    policy = policy_of(settings)
    if only_remove:
        remove(policy)
        return 0
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    HEALTH_URL_FILE.write_text(SEEN.as_uri(), encoding="ascii")
    try:
        if settings.firewall == "off":
            _stay_without(policy, stop)
        else:
            _keep(policy, stop)
    except FirewallError as error:
        print(IMPOSSIBLE.format(reason=error), file=sys.stderr)
        return 1
    return 0


def policy_of(settings: Settings) -> Policy:
    """What the settings mean for the rules."""
    return Policy(
        settings.platform,
        settings.address_pool,
        settings.block_private_networks,
        destinations.parse(settings.allowed_destinations),
        destinations.parse(settings.blocked_destinations),
    )


def _stay_without(policy: Policy, stop: threading.Event) -> None:
    print("JHUB_FIREWALL=off: servers can reach the host and its networks.", file=sys.stderr)
    remove(policy)
    while not stop.is_set():
        SEEN.touch()
        stop.wait(INTERVAL)


def _keep(policy: Policy, stop: threading.Event) -> None:
    _refuse_clashes(policy.pool)
    bridge_rules = best_bridge_rules(policy)
    wanted = seen = ""
    while not stop.is_set():
        text = rules.ruleset(policy, host.look(), bridge_rules)
        if text != wanted or listing(policy, bridge_rules) != seen:
            nft("-f", "-", text=text)
            if text == wanted:
                print("Somebody changed the rules; they are back in place.", file=sys.stderr)
            wanted, seen = text, listing(policy, bridge_rules)
        SEEN.touch()
        stop.wait(INTERVAL)
    if not host.own_bridges(bridge_prefix(policy.platform)):
        remove(policy)
        print("No server is left, so the rules are removed.", file=sys.stderr)


def _refuse_clashes(pool: IPv4Network) -> None:
    if clashes := host.clashes(pool, host.ROUTES.read_text()):
        raise FirewallError(
            f"the address pool {pool} shares addresses with this host's networks "
            f"({', '.join(clashes)}); "
            "set JHUB_ADDRESS_POOL to addresses nobody uses"
        )


def best_bridge_rules(policy: Policy) -> BridgeRules:
    """The most exact rules this kernel takes; what is lost with others is said."""
    for choice in (BridgeRules.BY_INTERFACE, BridgeRules.BY_ADDRESS):
        try:
            nft("--check", "-f", "-", text=rules.ruleset(policy, host.look(), choice))
        except FirewallError:
            continue
        return choice
    print(
        "This kernel filters no bridges (nf_tables, family bridge): a server with raw sockets can "
        "reach more of hub and proxy than the hub's API.",
        file=sys.stderr,
    )
    return BridgeRules.NONE


def listing(policy: Policy, bridge_rules: BridgeRules) -> str:
    """The rules as the kernel has them, empty when a table is not there."""
    families = ["inet"] if bridge_rules is BridgeRules.NONE else ["inet", "bridge"]
    try:
        return "".join(
            nft("--stateless", "list", "table", family, rules.table(policy.platform))
            for family in families
        )
    except FirewallError:
        return ""


def remove(policy: Policy) -> None:
    """Take the rules away; no harm where there are none."""
    for command in rules.removal(policy):
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
