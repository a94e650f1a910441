"""What a swarm's records of services, tasks and nodes say, and which node gets a new home. Pure.

Records are the Engine API's (1.45: ServiceList, TaskList, NodeList). A task names its service by id
and has the labels of its container, so what is left of a service that was removed is known too.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from hub_config import names
from hub_config.runtime import records
from hub_config.runtime.interface import Container, Volume

Record = Mapping[str, Any]
Nodes = Mapping[str, Record]
"""By their ids."""

NODE = f"{names.LABEL}.node"
"""On the volume by which the hub's engine knows a home: the id of the node where the files are."""

CPUS = f"{names.LABEL}.cpus"
"""On a service: the CPUs that are guaranteed. Reserved ones would be nobody else's."""

_ENDED = frozenset({"complete", "failed", "shutdown", "rejected", "orphaned", "remove"})

SILENT = (
    "The machine {node}, on which it runs, does not answer. Wait until it does, or ask an "
    "administrator; until then it is not started elsewhere, since two servers would write to the "
    "same files."
)
SHUT_DOWN = "The swarm ended it: its machine was drained, or did not answer for a while."
GONE = "The machine on which it ran was removed from the swarm."


def removal(service: Container) -> str:
    """The command by which an administrator ends a service by hand."""
    return f"docker service rm {service.name}"


def answers(node: Record) -> bool:
    """Whether the swarm hears of it; one that is away may run its tasks all the same."""
    return bool(node["Status"]["State"] == "ready")


def unheard(node: Record) -> bool:
    """Whether the manager that leads has just begun to, and has not heard of it yet."""
    return bool(node["Status"]["State"] == "unknown")


def takes(node: Record) -> bool:
    """Whether new tasks are placed on it."""
    return answers(node) and node["Spec"]["Availability"] == "active"


def nodes_with(tasks: Iterable[Record]) -> frozenset[str]:
    """The nodes on which one of these runs and is to; of a node that is just back the swarm has
    what ran there before.
    """
    runs = (one for one in tasks if one["Status"]["State"] == one["DesiredState"] == "running")
    return frozenset(one["NodeID"] for one in runs)


def comes(nodes: Nodes, guards: Collection[Record] | None) -> bool:
    """Whether none of these nodes can have a server yet and one is about to: one that is back takes
    them some seconds before its firewall is there. `guards` are the tasks of all, None for none.
    """
    taking = {name for name, node in nodes.items() if takes(node)}
    if taking & (nodes.keys() if guards is None else nodes_with(guards)):
        return False
    return bool(guards and taking) or any(map(unheard, nodes.values()))


def hostname(node: Record) -> str:
    """What people know it by."""
    return str(node["Description"]["Hostname"])


def labels(task: Record) -> Mapping[str, str]:
    """Those of its container."""
    return task["Spec"]["ContainerSpec"].get("Labels") or {}


def is_over(task: Record, nodes: Nodes) -> bool:
    """Whether nothing of it can run any more."""
    if task["Status"]["State"] in _ENDED:
        return True
    if node := task.get("NodeID"):
        return node not in nodes
    return bool(task["DesiredState"] != "running")


def silent(tasks: Iterable[Record], nodes: Nodes) -> str:
    """What is to be said of a task that may run on a machine that does not answer; empty: none."""
    for task in tasks:
        node = nodes.get(task.get("NodeID", ""))
        if node and not (answers(node) or unheard(node)) and task["Status"]["State"] not in _ENDED:
            return SILENT.format(node=hostname(node))
    return ""


def container(service: str, tasks: Iterable[Record], nodes: Nodes, given: Record) -> Container:
    """One server by its service's id, tasks and labels. A task that ended is the server's end: the
    swarm may have made another in its place, of which the hub knows nothing.
    """
    ordered = sorted(tasks, key=lambda task: str(task["CreatedAt"]))
    over = [task for task in ordered if is_over(task, nodes)]
    task = next(iter(over or ordered), {})
    spec = task.get("Spec") or {}
    memory = ((spec.get("Resources") or {}).get("Limits") or {}).get("MemoryBytes", 0)
    attached = [] if over else task.get("NetworksAttachments") or []
    begun = (task.get("Status") or {}).get("State") in {"starting", "running"}
    addresses = [address for one in attached for address in one.get("Addresses") or ()]
    return Container(
        id=service,
        name=given.get(names.NAME, ""),
        user=given.get(names.USER, ""),
        server=given.get(names.SERVER, ""),
        state="exited" if over else "running",
        database=given.get(names.DATABASE, ""),
        memory=memory,
        cpus=float(given.get(CPUS) or 0),
        started=task.get("CreatedAt", ""),
        networks=frozenset(one["Network"]["Spec"]["Name"] for one in attached),
        address=addresses[0].partition("/")[0] if begun and addresses else "",
        why=_why(task, nodes, memory) if over else "",
        lost=silent(ordered, nodes),
        exit_code=_code(task) if over else None,
    )


def _code(task: Record) -> int | None:
    code = (task["Status"].get("ContainerStatus") or {}).get("ExitCode")
    return None if code is None else int(code)


def _why(task: Record, nodes: Nodes, memory: int) -> str:
    status = task["Status"]
    if status["State"] == "rejected":
        return f"The swarm could not start it: {status.get('Err') or 'it does not say why'}."
    if status["State"] in {"failed", "complete"}:
        code = _code(task) or 0
        if code == records.KILLED:
            return (
                "It was killed: from outside, or because it needed more memory than the "
                f"{memory / 2**30:g} GB of its profile; a swarm does not tell which."
            )
        return records.why({"State": {"ExitCode": code}})
    return SHUT_DOWN if task.get("NodeID") in nodes else GONE


def waits(container_tasks: Iterable[Record]) -> list[str]:
    """Why a server is not placed yet, for its person."""
    return [
        f"The swarm has no machine for it: {task['Status']['Err']}"
        for task in container_tasks
        if task["Status"]["State"] == "pending" and task["Status"].get("Err")
    ]


def by_service(tasks: Iterable[Record]) -> dict[str, list[Record]]:
    """Tasks by the ids of their services."""
    found: dict[str, list[Record]] = {}
    for task in tasks:
        found.setdefault(task["ServiceID"], []).append(task)
    return found


def roomiest(nodes: Nodes, tasks: Iterable[Record], fit: Collection[str] | None) -> str:
    """The node with most memory that no task has reserved, of those in `fit` where that is given;
    empty when there is none.
    """
    free = {
        name: int(node["Description"]["Resources"].get("MemoryBytes", 0))
        for name, node in nodes.items()
        if takes(node) and (fit is None or name in fit)
    }
    for task in tasks:
        if (node := task.get("NodeID", "")) in free and not is_over(task, nodes):
            reserved = (task["Spec"].get("Resources") or {}).get("Reservations") or {}
            free[node] -= int(reserved.get("MemoryBytes", 0))
    return max(sorted(free), key=lambda name: free[name], default="")


def house(nodes: Iterable[Record]) -> dict[str, Any]:
    """How much there is to promise, in the words of the engine's answer about itself."""
    there = [node["Description"]["Resources"] for node in nodes if takes(node)]
    return {
        "MemTotal": sum(one.get("MemoryBytes", 0) for one in there),
        "NCPU": sum(one.get("NanoCPUs", 0) for one in there) // 10**9,
        "Elsewhere": True,
    }


def homes(volumes: Iterable[Volume]) -> tuple[Volume, ...]:
    """Without those in which the files are: the hub's own node has the ones that are there."""
    return tuple(one for one in volumes if not one.name.endswith(names.on_node("", one.token)))


def home(volume: Record, own: str) -> tuple[str, dict[str, Any]]:
    """The node of a home, and the mount of its volume there, from the record that the hub's engine
    has, whose node is `own`: there it is the home itself where no swarm made it.

    The volume on a node is called after the home's own word as well: the hub cannot remove it, and
    nobody who comes later gets files that were left there.
    """
    given = volume["Labels"] or {}
    if not (node := given.get(NODE, "")):
        return own, {"Source": volume["Name"]}
    source = names.on_node(volume["Name"], given.get(names.HOME, ""))
    return node, {"Source": source, "VolumeOptions": {"Labels": dict(given)}}
