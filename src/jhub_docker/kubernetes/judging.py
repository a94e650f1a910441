"""What a cluster is good for, by what was seen of it. Pure."""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from jhub_docker.kubernetes.cluster import Cluster, Record

OLDEST = (1, 30)
"""The oldest version whose schemas the chart is held to."""

ENFORCERS = {
    "calico": "Calico",
    "cilium": "Cilium",
    "antrea": "Antrea",
    "weave-net": "Weave Net",
    "kube-router": "kube-router",
    "ovnkube": "OVN-Kubernetes",
    "azure-npm": "Azure's policy manager",
    "anetd": "GKE Dataplane V2",
}
"""Add-ons that enforce NetworkPolicies, by how their pods are called."""

SWITCHES = {"--enable-network-policy=true": "the AWS VPC CNI"}
"""Those that are always there and enforce them by an argument of their container alone (Amazon
EKS user guide, "Disable Kubernetes network policies")."""

OLD_CLASS = "kubernetes.io/ingress.class"
"""An annotation that names a controller without an IngressClass, such as GKE's own."""

DEFAULT = "storageclass.kubernetes.io/is-default-class"


class Word(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    UNKNOWN = "unknown"
    WARNING = "warning"
    MISSING = "missing"


@dataclass(frozen=True)
class Finding:
    """One thing looked at, and a sentence: what it is, what it means, what to do."""

    what: str
    word: Word
    sentence: str


Said = tuple[Word, str]


def judge(cluster: Cluster, values: Mapping[str, Any]) -> list[Finding]:
    """All findings; `values` are the chart's."""
    parts = {
        "version": _version(cluster),
        **_storage(cluster, values),
        "network policies": _policies(cluster, values),
        "API server": _api_server(cluster, values),
        "ingress": _ingress(cluster, values["ingress"]),
        "quota": _quota(cluster, values),
        "database": _database(values),
        **({"images on nodes": _images(cluster, values)} if values["offer"] else {}),
    }
    return [Finding(what, *said) for what, said in parts.items()]


def _version(cluster: Cluster) -> Said:
    found = re.match(r"v?(\d+)\.(\d+)", cluster.version)
    if found and (int(found[1]), int(found[2])) >= OLDEST:
        return Word.OK, f"It is {cluster.version}."
    oldest = ".".join(map(str, OLDEST))
    told = f"the chart is checked for {oldest} and newer, upgrade the cluster"
    return Word.WARNING, f"It is {cluster.version}; {told}."


def _storage(cluster: Cluster, values: Mapping[str, Any]) -> dict[str, Said]:
    if cluster.classes is None:
        return {"storage": (Word.UNKNOWN, "You may not list storage classes.")}
    there = {one["metadata"]["name"]: one for one in cluster.classes}
    defaults = (
        name
        for name, one in there.items()
        if (one["metadata"].get("annotations") or {}).get(DEFAULT) == "true"
    )
    standard, homes = next(defaults, ""), values["homes"]["class"]
    wanted = {
        "storage of homes": homes or standard,
        "storage of shared folders": values["folders"]["class"] or homes or standard,
        "storage of the hub": values["hub"]["storage"]["class"] or standard,
    }
    return {what: _class(what, name, there) for what, name in wanted.items()}


def _class(what: str, name: str, there: Mapping[str, Record]) -> Said:
    if not name:
        told = "There is no default storage class: name one in the values"
        return Word.MISSING, f"{told}, of {_listed(there)}."
    if name not in there:
        return Word.MISSING, f"There is no class {name}, only {_listed(there)}."
    if what != "storage of the hub" and there[name].get("reclaimPolicy") != "Retain":
        return Word.WARNING, (
            f"{name} removes the disk with the claim, so what is removed by mistake is gone: a "
            "class with reclaimPolicy Retain keeps it."
        )
    return Word.OK, f"{name}, by {there[name]['provisioner']}."


def _policies(cluster: Cluster, values: Mapping[str, Any]) -> Said:
    if not values["network"]["policies"]:
        told = "The values leave them out: servers reach each other and the API server."
        return Word.MISSING, told
    if cluster.pods is None:
        told = "You may not list the pods of kube-system, so nobody can tell whether they hold."
        return Word.UNKNOWN, told
    names = [one["metadata"]["name"] for one in cluster.pods]
    words = {
        word
        for one in cluster.pods
        for container in one.get("spec", {}).get("containers") or ()
        for word in container.get("args") or ()
    }
    known = {ENFORCERS[key] for key in ENFORCERS for name in names if name.startswith(key)}
    known |= {SWITCHES[word] for word in words & SWITCHES.keys()}
    if known:
        return Word.OK, f"Enforced by {_listed(sorted(known))}."
    return Word.MISSING, (
        "No add-on that enforces them was seen: they are accepted and do nothing, so people's "
        "servers reach each other. Install one, such as Calico or Cilium."
    )


def _api_server(cluster: Cluster, values: Mapping[str, Any]) -> Said:
    blocked = [ipaddress.ip_network(one) for one in values["network"]["blocked"]]
    open_ = [
        one
        for one in cluster.api_addresses
        if ":" not in one and not any(ipaddress.ip_address(one) in net for net in blocked)
    ]
    if not open_:
        return Word.OK, "Servers may not reach its addresses."
    told = f"Servers may reach it at {_listed(open_)}: add that to network.blocked"
    return Word.MISSING, f"{told}, as {open_[0]}/32."


def _ingress(cluster: Cluster, wanted: Mapping[str, Any]) -> Said:
    if not wanted["host"]:
        told = "No ingress.host: the platform is reached by the Service proxy alone, without TLS."
        return Word.WARNING, told
    if by := wanted["annotations"].get(OLD_CLASS):
        return Word.UNKNOWN, f"{wanted['host']}, by the controller {by}, if it runs."
    there = [one["metadata"]["name"] for one in cluster.ingresses or ()]
    if not there:
        told = "There is no ingress class: install a controller, or leave ingress.host empty."
        return Word.MISSING, told
    if wanted["class"] and wanted["class"] not in there:
        told = f"There is no ingress class {wanted['class']}, only {_listed(there)}."
        return Word.MISSING, told
    if wanted["tls"] and not wanted["tlsSecret"]:
        told = "No ingress.tlsSecret: browsers get the controller's own certificate."
        return Word.WARNING, told
    return Word.OK, f"{wanted['host']}, with TLS."


def _quota(cluster: Cluster, values: Mapping[str, Any]) -> Said:
    if cluster.quotas or any(values["quota"].values()):
        return Word.OK, "Admission goes by the namespace's quota."
    return Word.WARNING, (
        "Without a quota the hub admits everybody, and who finds no machine waits until the "
        "start times out: set quota.memory to what the nodes have for servers."
    )


def _database(values: Mapping[str, Any]) -> Said:
    if values["database"]["url"]:
        return Word.OK, "Records are in PostgreSQL."
    told = "No database.url: records are in SQLite on one claim, good for trying things out."
    return Word.WARNING, told


def _images(cluster: Cluster, values: Mapping[str, Any]) -> Said:
    if not values["prepull"]["enabled"]:
        told = "A node fetches an image at its first start there; prepull.enabled does before."
        return Word.WARNING, told
    if not cluster.prepull:
        return Word.UNKNOWN, "No DaemonSet prepull was seen, which fetches them."
    said = cluster.prepull[0]["status"]
    wanted = said["desiredNumberScheduled"]
    have = min(said["numberReady"], said.get("updatedNumberScheduled", 0))
    if have == wanted > 0:
        return Word.OK, f"All {wanted} nodes that take servers have all of them."
    told = f"{have} of {wanted} nodes that take servers have all of them"
    return Word.WARNING, f"{told}: the events of the others' pods, prepull-…, say why."


def _listed(names: Sequence[str] | Mapping[str, Any]) -> str:
    return ", ".join(names) or "none"
