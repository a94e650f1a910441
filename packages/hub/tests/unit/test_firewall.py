"""What the firewall's rules are made of. That they hold is tested on a real host."""

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from hub_config import SettingsError
from hub_config.runtime import guard
from hub_config.runtime.plan import BridgeRules, Host, bridge_prefix, ruleset, table_name
from hub_config.settings import Settings
from hub_config.settings.reading import read
from hub_config.settings.values import Destination, parse_destinations

POOL = IPv4Network("10.213.0.0/16")
ROUTES = """Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
"""


def rules(operator: Settings, seen: Host | None = None) -> list[str]:
    text = ruleset(operator, seen or Host(), BridgeRules.BY_ADDRESS)
    return [line.strip() for line in text.splitlines()]


def test_private_networks_are_blocked_when_told_and_dns_goes_first() -> None:
    assert not any("192.168.0.0/16" in rule for rule in rules(Settings()))
    found = rules(Settings(block_private_networks=True), Host((IPv4Address("192.168.1.1"),)))
    (dns,) = [i for i, rule in enumerate(found) if rule.startswith("ip daddr 192.168.1.1 ")]
    (private,) = [i for i, rule in enumerate(found) if "192.168.0.0/16" in rule]
    assert "dport 53 accept" in found[dns]
    assert dns < private


def test_the_operators_destinations() -> None:
    found = rules(
        Settings(allowed_destinations="10.1.2.3:5432", blocked_destinations="10.9.0.0/16")
    )
    assert found.count("ip daddr 10.1.2.3/32 meta l4proto { tcp, udp } th dport 5432 accept") == 2
    assert "ip daddr 10.9.0.0/16 drop" in found


def test_rules_hang_on_the_platforms_own_bridges_alone() -> None:
    text = ruleset(Settings(platform="p"), Host(bridges=("docker0",)), BridgeRules.BY_INTERFACE)
    chains = [chain.splitlines()[1:] for chain in text.split("  chain ")[1:]]
    entries = [chain for chain in chains if "hook" in chain[0]]
    assert len(entries) == 3
    rules_of_entries = [line for chain in entries for line in chain[1:] if " " * 4 in line]
    assert rules_of_entries
    assert all(bridge_prefix("p") in line for line in rules_of_entries)


def test_platforms_with_similar_names_have_tables_of_their_own() -> None:
    assert len({table_name("a-b"), table_name("a_b"), table_name("a.b")}) == 3


def test_destinations_are_read() -> None:
    assert parse_destinations("") == ()
    assert parse_destinations("10.1.2.3:80, 10.0.0.0/24") == (
        Destination(IPv4Network("10.1.2.3/32"), 80),
        Destination(IPv4Network("10.0.0.0/24")),
    )


@pytest.mark.parametrize("text", ["db.example.org", "10.0.0.1/24", "10.0.0.1:0", "::1"])
def test_a_wrong_destination_is_named(text: str) -> None:
    with pytest.raises(SettingsError, match="JHUB_ALLOWED_DESTINATIONS") as caught:
        read({"JHUB_ALLOWED_DESTINATIONS": text}, Path("/nonexistent"))
    assert text in str(caught.value)


@pytest.mark.parametrize("pool", ["10.213.0.0/29", "8.8.0.0/16", "everything"])
def test_a_wrong_pool_is_named(pool: str) -> None:
    with pytest.raises(SettingsError, match="JHUB_ADDRESS_POOL"):
        read({"JHUB_ADDRESS_POOL": pool}, Path("/nonexistent"))


def test_what_the_firewall_needs_too_cannot_be_in_the_hubs_file(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('firewall = "off"\n')
    with pytest.raises(SettingsError, match="set JHUB_FIREWALL instead"):
        read({}, path)


def test_the_host_is_looked_at(tmp_path: Path) -> None:
    for name in ("docker0/bridge", "eth0", "jh-12345-0/bridge", "br-lan/bridge"):
        (tmp_path / "net" / name).mkdir(parents=True)
    (tmp_path / "resolv.conf").write_text("nameserver 10.0.0.53\nnameserver fd00::1\nsearch x\n")
    (tmp_path / "route").write_text(ROUTES.replace("eth0\t0000", "br-lan\t0000", 1))
    seen = guard.look_at_host(tmp_path / "resolv.conf", tmp_path / "net", tmp_path / "route")
    assert seen == Host((IPv4Address("10.0.0.53"),), ("docker0",))


def test_a_pool_around_a_network_of_the_host_is_a_clash() -> None:
    assert guard.pool_clashes(IPv4Network("192.0.0.0/16"), ROUTES) == ["192.0.2.0/24 on eth0"]
    assert guard.pool_clashes(POOL, ROUTES) == []


def test_a_network_of_the_host_around_the_pool_is_a_clash_too() -> None:
    lan = "Iface Destination Gateway Flags RefCnt Use Metric Mask\neth1 0000000A 0 1 0 0 0 000000FF"
    assert guard.pool_clashes(IPv4Network("10.213.0.0/16"), lan) == ["10.0.0.0/8 on eth1"]


def route(name: str, subnet: str) -> str:
    network = IPv4Network(subnet)
    numbers = (
        f"{int.from_bytes(address.packed, 'little'):08X}"
        for address in (network.network_address, network.netmask)
    )
    return "{} {} 0 1 0 0 0 {}".format(name, *numbers)


def test_a_bridge_that_a_killed_engine_left_is_known_by_who_has_its_addresses_now(
    tmp_path: Path,
) -> None:
    for name in ("jh-11111-0/brif", "jh-22222-0/brif/veth1", "jh-33333-7/brif", "br-1/brif"):
        (tmp_path / name).mkdir(parents=True)
    plugged = guard.members(tmp_path)
    assert plugged == {"jh-11111-0": 0, "jh-22222-0": 1, "jh-33333-7": 0}
    # 33333 may be a network whose containers are stopped: nobody else has its addresses.
    routes = [
        ("br-1", "10.213.0.0/28"),
        ("jh-11111-0", "10.213.0.0/28"),
        ("jh-22222-0", "10.213.0.0/28"),
        ("jh-33333-7", "10.213.0.112/28"),
    ]
    text = "\n".join(["Iface", *(route(*one) for one in routes)])
    assert guard.dead_bridges(plugged, text) == {"jh-11111-0": "jh-22222-0"}
    # A network that is just being made has no member yet, and another engine's may have some, too.
    for alike in (0, 1):
        assert guard.dead_bridges(dict.fromkeys(plugged, alike), text) == {}
