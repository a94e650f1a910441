"""Which pods somebody gets: like the pod of the server they are of. Pure.

Records are the API's own JSON (Kubernetes API reference, core/v1).
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

Record = Mapping[str, Any]

LABEL = "io.jhub-docker"
USER, SERVER, CLUSTER = f"{LABEL}.user", f"{LABEL}.server", f"{LABEL}.cluster"
ADDRESS = "POD_ADDRESS"
"""The variable with a pod's own address, which Kubernetes writes into arguments too."""

SECRET = "/etc/credentials"  # noqa: S105  where it is mounted

OF_POD = (
    *("imagePullSecrets", "nodeSelector", "tolerations", "affinity", "topologySpreadConstraints"),
    *("hostAliases", "priorityClassName", "serviceAccountName", "securityContext"),
    *("runtimeClassName", "hostUsers", "dnsPolicy", "dnsConfig"),
)
OF_CONTAINER = ("image", "imagePullPolicy", "securityContext")
"""What is as in the server's pod. Not its home, which one node may have, and not its variables."""


def selector(platform: str, component: str) -> str:
    """Finds all pods of a kind."""
    return f"{LABEL}.platform={platform},{LABEL}.component={component}"


def server_of(said: Record) -> str | None:
    """The name of the server whose token it is, by what the hub says of who asks; None for another
    token: only a server's own has this scope for one server and for no other.
    """
    about = re.escape(str(said.get("name")))
    found = [
        match[1]
        for scope in said.get("scopes") or ()
        if (match := re.fullmatch(rf"access:servers!server={about}/(.*)", scope))
    ]
    return found[0] if said.get("kind") == "user" and len(found) == 1 else None


def find(pods: Iterable[Record], user: str, server: str) -> Record | None:
    """The pod of that server, None where it runs no more."""
    for pod in pods:
        said = pod["metadata"].get("annotations") or {}
        mine = said.get(USER) == user and said.get(SERVER, "") == server
        if mine and "deletionTimestamp" not in pod["metadata"] and runs(pod):
            return pod
    return None


def runs(pod: Record) -> bool:
    """Whether it runs or will."""
    return (pod.get("status") or {}).get("phase") in {"Pending", "Running"}


def like(server: Record) -> dict[str, Any]:
    """What of a server's pod all pods of its clusters have: `pod` reads it."""
    spec = server["spec"]
    (container,) = [one for one in spec["containers"] if one["name"] == "notebook"]
    # Certificates that everybody trusts, and whatever else an operator gives as configuration.
    volumes = [one for one in spec.get("volumes") or () if "configMap" in one]
    names = {one["name"] for one in volumes}
    mounts = [one for one in container.get("volumeMounts") or () if one["name"] in names]
    limits = (container.get("resources") or {}).get("limits") or {}
    return {
        "owner": owner(server),
        "user": server["metadata"]["annotations"][USER],
        "spec": {name: spec[name] for name in OF_POD if name in spec},  # False may mean a lot
        "container": {name: container[name] for name in OF_CONTAINER if container.get(name)},
        "volumes": volumes,
        "mounts": mounts,
        "disk": {name: limits[name] for name in ("ephemeral-storage",) if name in limits},
    }


def owner(pod: Record) -> dict[str, str]:
    """A reference to it: what has it goes when that pod goes, by the cluster's own hand."""
    about = pod["metadata"]
    return {"apiVersion": "v1", "kind": "Pod", "name": about["name"], "uid": about["uid"]}


def pod(
    *,
    name: str,
    component: str,
    cluster: str,
    secret: str,
    platform: str,
    template: Record,
    owned_by: Record,
    command: list[str],
    variables: Mapping[str, str],
    size: Record,
    labels: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The manifest of one of them. `size` has `memory` (bytes), `cpus` and `share`, which is what
    of a CPU is asked for.
    """
    marks = {f"{LABEL}.platform": platform, f"{LABEL}.component": component, CLUSTER: cluster}
    address = {"name": ADDRESS, "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    memory, cpus = str(size["memory"]), f"{size['cpus']:.3f}"
    places = {"home": "/home/nebula", "tmp": "/tmp"}  # noqa: S108  its own, also where / is read-only
    container = {
        "name": component,
        **template["container"],
        "args": command,
        "env": [address, *({"name": key, "value": value} for key, value in variables.items())],
        "resources": {
            "requests": {"memory": memory, "cpu": f"{min(size['share'], size['cpus']):.3f}"},
            "limits": {"memory": memory, "cpu": cpus, **template["disk"]},
        },
        "volumeMounts": [
            *template["mounts"],
            *({"name": key, "mountPath": path} for key, path in places.items()),
            {"name": "credentials", "mountPath": SECRET, "readOnly": True},
        ],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "labels": {**(labels or {}), **marks},
            "annotations": {USER: template["user"]},
            "ownerReferences": [dict(owned_by)],
        },
        "spec": {
            **template["spec"],
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "containers": [container],
            "volumes": [
                *template["volumes"],
                *({"name": key, "emptyDir": {}} for key in places),
                {"name": "credentials", "secret": {"secretName": secret}},
            ],
        },
    }


def secret(
    name: str, component: str, platform: str, owned_by: Record, files: Mapping[str, str]
) -> dict[str, Any]:
    """What pods of one cluster know and nobody else. It goes with the pod it belongs to."""
    marks = {f"{LABEL}.platform": platform, f"{LABEL}.component": component}
    about = {"name": name, "labels": marks, "ownerReferences": [dict(owned_by)]}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": about, "stringData": dict(files)}
