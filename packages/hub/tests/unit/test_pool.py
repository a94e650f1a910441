"""Which addresses servers' networks get."""

import random
from ipaddress import IPv4Network
from itertools import islice

import pytest

from hub_config.runtime.plan import SIZE, Subnet, bridge, bridge_prefix, free_subnets

POOL = IPv4Network("10.213.0.0/16")


def networks(*texts: str) -> list[IPv4Network]:
    return [IPv4Network(text) for text in texts]


def first(pool: IPv4Network, taken: list[IPv4Network], count: int) -> list[str]:
    return [str(subnet.network) for subnet in islice(free_subnets(pool, taken), count)]


def test_the_lowest_free_subnet_comes_first() -> None:
    assert first(POOL, [], 2) == ["10.213.0.0/28", "10.213.0.16/28"]


def test_a_gap_is_used_again() -> None:
    taken = networks("10.213.0.0/28", "10.213.0.32/28")
    assert first(POOL, taken, 2) == ["10.213.0.16/28", "10.213.0.48/28"]


@pytest.mark.parametrize("begin", [2, 4096 + 2])
def test_somebody_can_begin_anywhere_and_gets_all_of_them_once(begin: int) -> None:
    offered = [one.network for one in free_subnets(POOL, networks("10.213.0.48/28"), begin)]
    assert [str(one) for one in offered[:2]] == ["10.213.0.32/28", "10.213.0.64/28"]
    assert str(offered[-1]) == "10.213.0.16/28"
    assert len(set(offered)) == len(offered) == 4095


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ("10.213.0.0/24", "10.213.1.0/28"),
        ("10.213.0.8/30", "10.213.0.16/28"),
        ("10.213.0.15/32", "10.213.0.16/28"),
        ("172.17.0.0/16", "10.213.0.0/28"),
    ],
)
def test_networks_of_others_are_kept_clear_of_whatever_their_size(
    other: str, expected: str
) -> None:
    assert first(POOL, networks(other), 1) == [expected]


def test_a_network_around_the_whole_pool_leaves_nothing() -> None:
    assert first(POOL, networks("10.0.0.0/8"), 1) == []


def test_the_default_pool_holds_four_thousand_servers() -> None:
    assert sum(1 for _ in free_subnets(POOL, [])) == 4096


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_taken_nothing_free_overlaps_it(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    pool = IPv4Network("10.213.0.0/22")
    taken = [
        IPv4Network((int(pool[0]) + chance.randrange(pool.num_addresses), prefix), strict=False)
        for prefix in chance.choices(range(24, 33), k=chance.randrange(20))
    ]
    offered = [subnet.network for subnet in free_subnets(pool, taken)]
    assert not any(subnet.overlaps(other) for subnet in offered for other in taken)
    every = list(pool.subnets(new_prefix=28))
    assert offered == [one for one in every if not any(one.overlaps(other) for other in taken)], (
        "something free was not offered, or not in order"
    )


def test_members_have_their_places() -> None:
    subnet = Subnet(IPv4Network("10.213.7.32/28"))
    assert (subnet.gateway, subnet.hub, subnet.proxy, subnet.server) == (
        "10.213.7.33",
        "10.213.7.34",
        "10.213.7.35",
        "10.213.7.36",
    )
    others = IPv4Network(subnet.for_others)
    assert others.subnet_of(subnet.network)
    assert others.num_addresses == SIZE // 2


def test_bridges_are_told_apart_and_fit_into_the_kernels_names() -> None:
    large = IPv4Network("10.0.0.0/8")
    last = Subnet(IPv4Network("10.255.255.240/28"))
    assert len(bridge("a-platform", large, last)) <= 15
    names = {
        bridge(platform, POOL, subnet) for platform in "ab" for subnet in free_subnets(POOL, [])
    }
    assert len(names) == 2 * 4096
    assert all(name.startswith((bridge_prefix("a"), bridge_prefix("b"))) for name in names)
