"""What a swarm does not give to servers, and which of its machines do not answer. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

NEVER = "live-restore, GPUs by request, limits of disk and swap"


def not_there(nodes: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """What cannot be looked at and why, by the swarm's records (Engine API, NodeList)."""
    silent = {
        f"the machine {node['Description']['Hostname']}": (
            "it does not answer: servers may run on there, and no home on it can be opened"
        )
        for node in nodes
        if node["Status"]["State"] != "ready"
    }
    return {NEVER: "a swarm has none of them: docs/swarm.md", **silent}
