"""What Kubernetes' records of pods, claims, events and quotas say, and what a claim asks for. Pure.

Records are the API's own JSON (Kubernetes API reference, core/v1). Names and labels take fewer
letters than people's names have, so whose a thing is stands in annotations.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from hub_config import names
from hub_config.runtime import records
from hub_config.runtime.interface import Container, Network, Volume

Record = Mapping[str, Any]

COMPONENT = f"{names.LABEL}.component"
"""What of the platform a thing is; the chart's policies go by it."""

SERVER, HOME, SHARED = "server", "home", "shared-folder"
"""Values of it."""

NEVER = frozenset({"ErrImageNeverPull", "ImagePullBackOff", "InvalidImageName"})
"""Reasons for which a container waits that do not pass by themselves, or not soon."""

REMOVED = "Somebody else, or the cluster, removed it."

_UNITS = {
    **{"m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12},
    **{"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40},
}


def amount(text: str) -> float:
    """A quantity such as `500m` or `2Gi` as a number (API reference, Quantity)."""
    unit = text.lstrip("0123456789.+-eE") if text[-1:].isalpha() else ""
    return float(text.removesuffix(unit)) * _UNITS.get(unit, 1)


def selector(platform: str, component: str) -> str:
    """Finds all of the platform's things of one kind."""
    return f"{names.PLATFORM}={platform},{COMPONENT}={component}"


def labels(platform: str, component: str) -> dict[str, str]:
    """What `selector` finds."""
    return {names.PLATFORM: platform, COMPONENT: component}


def container(pod: Record) -> Container:
    """From a record of a pod that was made for a server."""
    about, status = pod["metadata"], pod.get("status") or {}
    said = about.get("annotations") or {}
    resources = pod["spec"]["containers"][0].get("resources") or {}
    memory = int(amount(str((resources.get("limits") or {}).get("memory", "0"))))
    state = _state(status)
    starved = _ended(state).get("reason") == "OOMKilled"
    why = _why(pod, state, memory, starved=starved)
    return Container(
        id=about["uid"],
        name=said.get(names.NAME, about["name"]),
        user=said.get(names.USER, ""),
        server=said.get(names.SERVER, ""),
        state="exited" if why else "running",
        database=said.get(names.DATABASE, ""),
        memory=memory,
        cpus=amount(str((resources.get("requests") or {}).get("cpu", "0"))),
        started=status.get("startTime") or "",
        networks=frozenset({about["name"]}),
        # The pod has it while its image is still being fetched.
        address=status.get("podIP") or "" if "running" in state else "",
        why=why,
        starved=starved,
        exit_code=_ended(state).get("exitCode") if why else None,
    )


def _state(status: Record) -> Record:
    """The state of the pod's only container; empty before the node has said anything."""
    containers: list[Record] = status.get("containerStatuses") or [{}]
    return containers[0].get("state") or {}


def _ended(state: Record) -> Record:
    return state.get("terminated") or {}


def _why(pod: Record, state: Record, memory: int, *, starved: bool) -> str:
    """Why it ended, in the words that Docker's servers end with; empty while it runs or waits."""
    status = pod.get("status") or {}
    waits = state.get("waiting") or {}
    if waits.get("reason") in NEVER:
        return f"The cluster cannot start it: {waits.get('message') or waits['reason']}."
    if status.get("phase") not in {"Succeeded", "Failed"} and not _ended(state):
        return ""
    if is_going(pod):
        return REMOVED
    if status.get("reason"):  # Evicted, NodeLost, Preempting and so on, with the node's own words
        return f"The cluster ended it ({status['reason']}): {status.get('message') or 'no word'}"
    code = _ended(state).get("exitCode", 0)
    seen = {"ExitCode": code, "OOMKilled": starved}
    return records.why({"State": seen, "HostConfig": {"Memory": memory}})


def removal(pod: Container) -> str:
    """The command by which an administrator ends a pod by hand."""
    return f"kubectl delete pod {names.dns(pod.name)}"


def network(pod: Container) -> Network:
    """The chart's policies keep each pod apart, so a pod is its own network."""
    return Network(next(iter(pod.networks)), pod.user, pod.server)


def volume(claim: Record) -> Volume:
    """From a record of a claim."""
    about = claim["metadata"]
    said = about.get("annotations") or {}
    return Volume(
        said.get(names.NAME, about["name"]),
        user=said.get(names.USER) or said.get(names.FOLDER, ""),
        token=said.get(names.HOME, ""),
        database=said.get(names.DATABASE, ""),
        owner=said.get(names.OWNER, ""),
    )


def is_going(record: Record) -> bool:
    """Whether it is just being removed."""
    return bool(record["metadata"].get("deletionTimestamp"))


def is_over(pod: Record) -> bool:
    """Whether nothing of it runs any more and only its record is left: a busy node takes half a
    minute to take that away.
    """
    return is_going(pod) and bool(_ended(_state(pod.get("status") or {})))


@dataclass(frozen=True)
class Storage:
    """What claims ask for: the class (empty: the cluster's default), the size, and whether pods on
    several nodes may have one at the same time. Shared folders have a class (empty: that of homes)
    and a size of their own: a cloud's disks are one node's, its file systems begin at a terabyte.
    """

    storage_class: str = ""
    size: str = "10Gi"
    access: str = "ReadWriteOnce"
    folder_class: str = ""
    folder_size: str = "10Gi"


def home_claim(volume: Volume, platform: str, storage: Storage) -> dict[str, Any]:
    """The claim that is a home."""
    said = {
        names.NAME: volume.name,
        names.USER: volume.user,
        names.OWNER: volume.owner,
        names.DATABASE: volume.database,
        names.HOME: volume.token,
    }
    return _claim(volume.name, labels(platform, HOME), said, storage)


def secret(name: str, values: Mapping[str, str], pod: Container, platform: str) -> dict[str, Any]:
    """What a pod gets as variables and nobody reads in its record; it goes with the pod."""
    owner = {"apiVersion": "v1", "kind": "Pod", "uid": pod.id, "name": names.dns(pod.name)}
    about = {"name": name, "labels": labels(platform, SERVER), "ownerReferences": [owner]}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": about, "stringData": dict(values)}


def folder_claim(
    name: str, folder: str, token: str, platform: str, storage: Storage
) -> dict[str, Any]:
    """The claim of a folder that groups share: many have it at the same time."""
    of_class = storage.folder_class or storage.storage_class
    shared = Storage(of_class, storage.folder_size, "ReadWriteMany")
    said = {names.NAME: name, names.FOLDER: folder, names.HOME: token}
    return _claim(name, labels(platform, SHARED), said, shared)


def moved_claim(
    name: str, said: Mapping[str, str], needed: int, platform: str, storage: Storage
) -> dict[str, Any]:
    """The claim in place of an engine's volume with a home or a folder, by that one's labels, with
    room for so many bytes at least.
    """

    def at_least(size: str) -> str:
        return size if amount(size) >= needed else str(needed)

    roomy = replace(storage, size=at_least(storage.size), folder_size=at_least(storage.folder_size))
    token = said.get(names.HOME, "")
    if folder := said.get(names.FOLDER):
        return folder_claim(name, folder, token, platform, roomy)
    owner, database = said.get(names.OWNER, ""), said.get(names.DATABASE, "")
    home = Volume(name, said.get(names.USER, ""), token, database, owner)
    return home_claim(home, platform, roomy)


def _claim(
    name: str, marks: Mapping[str, str], said: Mapping[str, str], storage: Storage
) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "accessModes": [storage.access],
        "resources": {"requests": {"storage": storage.size}},
    }
    if storage.storage_class:
        spec["storageClassName"] = storage.storage_class
    about = {"name": names.dns(name), "labels": dict(marks), "annotations": dict(said)}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": about, "spec": spec}


_TOLD = {
    "Scheduled": "A machine was found",
    "TriggeredScaleUp": "The cluster gets another machine",
    "SuccessfulAttachVolume": "The home is attached",
    "Pulling": "Fetching the image",
    "Pulled": "The image is there",
    "Started": "Waiting for the server to answer",
}
"""What people are told of an event; of one in `_WORDS` its own message as well."""

_WORDS = {
    "FailedScheduling": "No machine has room yet",
    "FailedAttachVolume": "The home cannot be attached yet",
    "FailedMount": "The home cannot be mounted yet",
    "Failed": "Not started yet",
    "BackOff": "Tried again soon",
    "Evicted": "The machine has no room for it",
}


def sentences(events: Iterable[Record]) -> Iterator[str]:
    """What the events of a start tell its person, in order."""
    for event in sorted(events, key=_when):
        reason, message = event.get("reason") or "", event.get("message") or ""
        if reason in _WORDS:
            yield f"{_WORDS[reason]}: {message}"
        elif reason in _TOLD:
            yield _TOLD[reason]


def _when(event: Record) -> str:
    first = event.get("eventTime") or event.get("firstTimestamp")
    return str(event.get("lastTimestamp") or first or event["metadata"]["creationTimestamp"])


UNLIMITED = 2**50
"""Bytes, for a namespace without a quota: the scheduler is asked then, nobody else."""


def house(quotas: Iterable[Record]) -> dict[str, Any]:
    """How much the namespace may promise: the least of its quotas for memory and CPUs."""
    hard = [(quota.get("spec") or {}).get("hard") or {} for quota in quotas]

    def least(*wanted: str) -> float:
        found = (amount(str(one[name])) for one in hard for name in wanted if name in one)
        return min(found, default=UNLIMITED)

    memory = least("requests.memory", "limits.memory", "memory")
    return {
        "MemTotal": int(memory),
        "NCPU": int(min(least("requests.cpu", "cpu"), 2**20)),
        "Elsewhere": True,
    }
