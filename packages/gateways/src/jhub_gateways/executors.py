"""What a driver of Spark gets of Kubernetes: pods for its executors, made by `pods`. Pure.

Of a pod that is asked for only this is read: which executor of which session it is, how much memory
it needs, and what its driver tells it. All else that may stand there is not even looked at.
"""

import re
from collections.abc import Iterable
from typing import Any

from jhub_gateways import pods
from jhub_gateways.pods import Record

COMPONENT = "spark"
"""What of the platform these pods are; the chart's policies go by it."""

PROGRAM = "/opt/jhub-docker/bin/spark-executor"
"""Of the image, which has Spark: starts an executor by what its driver says."""

SESSION = "spark-app-selector"
LABELS = (SESSION, "spark-role", "spark-exec-id", "spark-exec-resourceprofile-id")
"""By these a driver finds its executors again."""

VARIABLE = re.compile("[A-Za-z_][A-Za-z0-9_]*")
MEMORY = re.compile("[0-9]{1,9}Mi")


def asked(pod: Any, most: int) -> dict[str, Any]:
    """What is taken over of it, where an executor may have `most` bytes.

    Raises ValueError with words for the person.
    """
    try:
        (container,) = pod["spec"]["containers"]
        labels = {name: str(pod["metadata"]["labels"][name]) for name in LABELS}
        memory = container["resources"]["limits"]["memory"]
        size = int(memory.removesuffix("Mi")) << 20 if MEMORY.fullmatch(memory) else 0
        variables = {
            one["name"]: one["value"]
            for one in container["env"]
            if isinstance(one.get("value"), str) and VARIABLE.fullmatch(one["name"])
        }
    except (AttributeError, LookupError, TypeError, ValueError):
        raise ValueError("What is asked for is no executor of Spark's.") from None
    if not 0 < size <= most:
        raise ValueError(
            f"An executor may have {most >> 20} MB of memory here, and {memory!r} are asked for: "
            "lower spark.executor.memory, beside which as much is for Python."
        )
    return {"labels": labels, "memory": size, "variables": variables}


def own(server: Record) -> str:
    """Finds the executors of a server's drivers among all."""
    return f"{pods.CLUSTER}={server['metadata']['uid']}"


def counted(there: Iterable[Record], server: Record) -> int:
    """How many the server's person has, in all servers."""
    user = server["metadata"]["annotations"][pods.USER]
    theirs = (one for one in there if one["metadata"]["annotations"][pods.USER] == user)
    return sum(map(pods.runs, theirs))


def over(there: Iterable[Record], server: Record, session: str, kept: int) -> list[str]:
    """Names of those that ended and go, but for the newest `kept` of this session, of which its
    driver has to hear: another session takes its own away no more.
    """
    uid = server["metadata"]["uid"]
    ended = [
        one["metadata"]
        for one in there
        if one["metadata"]["labels"][pods.CLUSTER] == uid and not pods.runs(one)
    ]
    own = [one for one in ended if one["labels"].get(SESSION) == session]
    heard = sorted(own, key=lambda one: str(one["creationTimestamp"]))[-kept:]
    return [one["name"] for one in ended if one not in heard]


def pod(
    name: str, wanted: Record, server: Record, platform: str, cpus: float, share: float
) -> dict[str, Any]:
    """The manifest of an executor, which goes when its driver's server goes."""
    template = pods.like(server)
    return pods.pod(
        name=name,
        component=COMPONENT,
        cluster=server["metadata"]["uid"],
        secret=name,
        platform=platform,
        template=template,
        owned_by=template["owner"],
        command=[PROGRAM, pods.SECRET],
        variables={},
        size={"memory": wanted["memory"], "cpus": cpus, "share": share},
        labels=wanted["labels"],
    )


def shown(pod: Record) -> dict[str, Any]:
    """What its driver learns of one: that it is there, and how it is."""
    about = ("name", "namespace", "uid", "labels", "creationTimestamp", "deletionTimestamp")
    state = ("phase", "reason", "message", "containerStatuses")
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {key: pod["metadata"][key] for key in about if key in pod["metadata"]},
        "spec": {},
        "status": {key: value for key, value in (pod.get("status") or {}).items() if key in state},
    }
