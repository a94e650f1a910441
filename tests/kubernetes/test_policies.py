"""Who reaches whom: the chart's NetworkPolicies, evaluated by Kubernetes' rules, as a matrix.

It says what the host's firewall says of servers on one machine (docs/isolation.md): people apart,
no API server, no metadata, the hub and the internet yes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from .conftest import Render

OWN, SYSTEM, OTHERS = "team", "kube-system", "others"


@dataclass(frozen=True)
class Place:
    """Somewhere: a pod with labels in a namespace, or an address outside the cluster."""

    address: str
    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


def part(component: str, address: str) -> Place:
    marks = {"io.jhub-docker.platform": "jhub-docker", "io.jhub-docker.component": component}
    return Place(address, OWN, marks)


PLACES = {
    "ann": part("server", "10.42.0.11"),
    "bob": part("server", "10.42.0.12"),
    "hub": part("hub", "10.42.0.2"),
    "proxy": part("proxy", "10.42.0.3"),
    "prepull": part("prepull", "10.42.0.4"),
    "gateway": part("dask-gateway", "10.42.0.5"),
    "ann's worker": part("dask", "10.42.0.21"),
    "bob's worker": part("dask", "10.42.0.22"),
    "spark-gateway": part("spark-gateway", "10.42.0.6"),
    "ann's executor": part("spark", "10.42.0.31"),
    "bob's executor": part("spark", "10.42.0.32"),
    "dns": Place("10.42.0.53", SYSTEM, {"k8s-app": "kube-dns"}),
    "stranger": Place("10.42.7.7", OTHERS, {"io.jhub-docker.component": "proxy"}),
    "API server": Place("10.0.0.1"),
    "node": Place("192.168.1.5"),
    "metadata": Place("169.254.169.254"),
    "node's names": Place("169.254.20.10"),
    "internet": Place("93.184.216.34"),
    "database": Place("10.1.2.3"),
}


def matches(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    wanted = (selector or {}).get("matchLabels") or {}
    return all(labels.get(key) == value for key, value in wanted.items())


def is_peer(peer: Mapping[str, Any], place: Place, namespace: str) -> bool:
    """NetworkPolicyPeer, networking.k8s.io/v1."""
    if block := peer.get("ipBlock"):
        inside = ip_address(place.address) in ip_network(block["cidr"])
        out = any(ip_address(place.address) in ip_network(one) for one in block.get("except") or ())
        return inside and not out
    if not place.namespace:
        return False
    if "namespaceSelector" in peer:
        names = {"kubernetes.io/metadata.name": place.namespace}
        if not matches(peer["namespaceSelector"], names):
            return False
    elif place.namespace != namespace:
        return False
    return matches(peer.get("podSelector"), place.labels)


def allows(
    policies: Iterable[Mapping[str, Any]], way: str, at: Place, other: Place, port: int
) -> bool:
    """Whether the policies that select `at` let it through in this direction."""
    kind, ends = ("Ingress", "from") if way == "ingress" else ("Egress", "to")
    mine = [
        one["spec"]
        for one in policies
        if at.namespace == OWN
        and kind in one["spec"]["policyTypes"]
        and matches(one["spec"]["podSelector"], at.labels)
    ]
    if not mine:
        return True
    return any(
        (not rule.get("ports") or any(p["port"] == port for p in rule["ports"]))
        and (not rule.get(ends) or any(is_peer(peer, other, OWN) for peer in rule[ends]))
        for spec in mine
        for rule in spec.get(way) or ()
    )


@pytest.fixture(scope="module")
def policies(render: Render) -> list[dict[str, Any]]:
    network = {
        "allowed": [{"cidr": "10.1.2.3/32", "port": 5432}],
        "dns": {"addresses": ["169.254.20.10/32"]},
    }
    parts = {name: {"enabled": True} for name in ("prepull", "dask", "spark")}
    objects = render({"network": network, "images": {"gateways": "x"}, **parts})
    return [one for one in objects if one["kind"] == "NetworkPolicy"]


@pytest.mark.parametrize(
    ("source", "target", "port", "reached"),
    [
        ("ann", "bob", 8888, False),
        ("ann", "ann", 8888, False),
        ("ann", "hub", 8081, True),
        ("ann", "hub", 22, False),
        ("ann", "proxy", 8000, False),
        ("ann", "proxy", 8001, False),
        ("ann", "dns", 53, True),
        ("ann", "dns", 9153, False),
        ("ann", "node's names", 53, True),
        ("ann", "node's names", 80, False),
        ("proxy", "node's names", 53, True),
        ("prepull", "hub", 8081, False),
        ("prepull", "internet", 443, False),
        ("stranger", "prepull", 80, False),
        ("ann", "gateway", 8000, True),
        ("ann", "gateway", 8786, True),
        ("ann", "ann's worker", 8786, False),
        ("ann", "ann's worker", 8787, False),
        ("gateway", "hub", 8081, True),
        ("gateway", "ann's worker", 8787, True),
        ("gateway", "ann's worker", 8788, True),
        ("proxy", "gateway", 8000, False),
        ("stranger", "gateway", 8000, False),
        ("stranger", "ann's worker", 8786, False),
        ("internet", "gateway", 8000, False),
        ("ann's worker", "gateway", 8000, True),
        ("ann's worker", "gateway", 8786, False),
        # Their certificates keep these two apart.
        ("ann's worker", "bob's worker", 8786, True),
        ("ann's worker", "bob's worker", 8787, False),
        ("ann's worker", "bob's worker", 8788, False),
        ("ann's worker", "ann", 8888, False),
        ("ann's worker", "hub", 8081, False),
        ("ann's worker", "API server", 443, False),
        ("ann's worker", "metadata", 80, False),
        ("ann's worker", "internet", 443, True),
        ("ann's worker", "database", 5432, True),
        ("ann's worker", "dns", 53, True),
        ("ann", "spark-gateway", 8000, True),
        ("spark-gateway", "hub", 8081, True),
        ("proxy", "spark-gateway", 8000, False),
        ("stranger", "spark-gateway", 8000, False),
        ("ann's executor", "spark-gateway", 8000, False),
        ("ann's executor", "ann", 7070, True),
        ("ann's executor", "ann", 7077, True),
        ("ann's executor", "ann", 8888, False),
        ("ann", "ann's executor", 7078, True),
        ("ann", "ann's executor", 4040, False),
        # The secrets of their sessions keep these apart.
        ("ann's executor", "bob", 7070, True),
        ("ann's executor", "bob's executor", 7078, True),
        ("ann's executor", "ann's worker", 8786, False),
        ("ann's executor", "hub", 8081, False),
        ("ann's executor", "API server", 443, False),
        ("ann's executor", "metadata", 80, False),
        ("ann's executor", "internet", 443, True),
        ("ann", "bob", 7070, False),
        ("stranger", "ann's executor", 7078, False),
        ("stranger", "ann", 7070, False),
        ("ann", "stranger", 80, False),
        ("ann", "API server", 443, False),
        ("ann", "node", 10250, False),
        ("ann", "metadata", 80, False),
        ("ann", "internet", 443, True),
        ("ann", "database", 5432, True),
        ("ann", "database", 22, False),
        ("stranger", "ann", 8888, False),
        ("internet", "ann", 8888, False),
        ("hub", "ann", 8888, True),
        ("proxy", "ann", 8888, True),
        ("proxy", "hub", 8081, True),
        ("proxy", "internet", 443, False),
        ("proxy", "API server", 443, False),
        ("hub", "proxy", 8001, True),
        ("hub", "proxy", 8002, True),
        ("hub", "API server", 443, True),
        ("stranger", "hub", 8081, False),
        ("stranger", "proxy", 8001, False),
        ("internet", "proxy", 8000, True),
        ("internet", "hub", 8081, False),
    ],
)
def test_who_reaches_whom(
    policies: list[dict[str, Any]], source: str, target: str, port: int, reached: bool
) -> None:
    here, there = PLACES[source], PLACES[target]
    out = allows(policies, "egress", here, there, port)
    assert (out and allows(policies, "ingress", there, here, port)) is reached
