"""A cluster as `kubectl` reaches it: what is asked of it to be judged. Decides nothing."""

import ipaddress
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from jhub_docker import process

SECONDS = 30.0
"""How long one question may take."""

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Cluster:
    """What was seen. Lists are None where one may not look."""

    version: str = ""
    server: str = ""
    """Address of the API server, as kubectl has it."""
    endpoints: Sequence[str] = ()
    """Addresses of the API server inside the cluster."""
    classes: Sequence[Record] | None = None
    pods: Sequence[Record] | None = None
    """Those of kube-system, by which add-ons are known."""
    ingresses: Sequence[Record] | None = None
    """Ingress classes."""
    quotas: Sequence[Record] | None = None
    prepull: Sequence[Record] | None = None
    """The DaemonSet that fetches images, where there is one."""

    @classmethod
    def look(cls, ask: "Kubectl") -> "Cluster":
        """Ask a cluster, and the platform's namespace of it. Raises ActionError."""
        version = json.loads(ask("version", "-o", "json"))
        path = "jsonpath={.clusters[0].cluster.server}"
        server = ask("config", "view", "--minify", "-o", path)
        only = "--field-selector=metadata.name=kubernetes"
        endpoints = ask.listed("endpoints", only, "-ndefault")
        inside = [
            str(address["ip"])
            for one in endpoints or ()
            for subset in one.get("subsets") or ()
            for address in subset.get("addresses") or ()
        ]
        return cls(
            version["serverVersion"]["gitVersion"],
            server,
            inside,
            ask.listed("storageclasses"),
            ask.listed("pods", "-nkube-system"),
            ask.listed("ingressclasses"),
            ask.listed("resourcequotas"),
            ask.listed("daemonsets", "--field-selector=metadata.name=prepull"),
        )

    @property
    def api_addresses(self) -> list[str]:
        """All addresses of the API server that are addresses and no names."""
        found = [*self.endpoints, urlsplit(self.server).hostname or ""]
        return [one for one in found if _is_address(one)]


def _is_address(text: str) -> bool:
    try:
        return bool(ipaddress.ip_address(text))
    except ValueError:
        return False


class Kubectl:
    """The program."""

    def __init__(self, context: str, namespace: str = "") -> None:
        self.command = [
            "kubectl",
            *([f"--context={context}"] if context else []),
            *([f"--namespace={namespace}"] if namespace else []),
        ]

    def run(self, *words: str, seconds: float | None = SECONDS, given: str = "") -> process.Ended:
        """Whatever it answers."""
        return process.run(*self.command, *words, seconds=seconds, given=given)

    def __call__(self, *words: str, seconds: float | None = SECONDS, given: str = "") -> str:
        """What it says. Raises ActionError where it fails."""
        ended = self.run(*words, seconds=seconds, given=given)
        return ended.require(f"kubectl {' '.join(words[:3])}", 3)

    def listed(self, kind: str, *words: str) -> list[Record] | None:
        """All of a kind; None where one may not list it, or the cluster does not know it."""
        ended = self.run("get", kind, *words, "-o", "json")
        if ended.code:
            return None
        items: list[Record] = json.loads(ended.out)["items"]
        return items
