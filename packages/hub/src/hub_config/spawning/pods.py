"""What a profile and the operator's settings mean for a pod: KubeSpawner's traits. Pure.

What `options` says for Docker, as far as Kubernetes has it. What it has not is refused with the
settings (`settings.reading`): sudo, since it wants root in the pod. Processes are limited by the
node (kubelet, podPidsLimit), logs as well.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from hub_config import names
from hub_config.offer.profiles import Profile
from hub_config.offer.room import DISK_GB
from hub_config.runtime import cluster
from hub_config.settings import Settings
from hub_config.settings.gpus import NVIDIA
from hub_config.spawning.folders import Folder
from hub_config.spawning.options import HOME, RUN_BYTES, SHARED

UID, GID = 1000, 100
"""The person's in the images."""

CPU_AT_LEAST = 0.01
"""Asked for where a profile guarantees none: without a request the limit would be taken for one."""


def size(profile: Profile, operator: Settings) -> dict[str, Any]:
    """Limits and requests. What was promised is requested: memory by its limit, since it cannot be
    shared; CPUs by the guarantee, which is a share.
    """
    limits: dict[str, str] = {}
    if operator.disk_limit_gb:
        limits["ephemeral-storage"] = str(int(operator.disk_limit_gb * DISK_GB))
    gpu = {NVIDIA: "1"} if profile.key in operator.gpu_profiles else {}
    if profile.gpus:
        gpu = {profile.gpus.kind: str(profile.gpus.count)}
    return {
        "mem_limit": profile.memory,
        "mem_guarantee": profile.memory,
        "cpu_limit": profile.cpu_limit,
        "cpu_guarantee": profile.cpu_guarantee or CPU_AT_LEAST,
        "extra_resource_limits": limits | gpu,
    }


def rights(profile: Profile, operator: Settings) -> dict[str, Any]:
    """As a person and no other, without any capability: what the "restricted" level of Pod Security
    asks for.
    """
    uid, gid = operator.nb_uid or UID, operator.nb_gid or GID
    context: dict[str, Any] = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
    }
    if operator.read_only_root:
        context["readOnlyRootFilesystem"] = True
    return {
        "container_security_context": context,
        "pod_security_context": {
            "runAsUser": uid,
            "runAsGroup": gid,
            # The home belongs to this group; one that does already is not gone through again.
            "fsGroup": gid,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "automount_service_account_token": False,
    }


EXTRA = {
    # The hub tells why it ended; one that starts itself again would hide that.
    "restartPolicy": "Never",
    # Addresses of all services as variables are of no use to a person.
    "enableServiceLinks": False,
}
"""Of the pod itself, beside what KubeSpawner has traits for."""


def volumes(
    profile: Profile, operator: Settings, home: str, folders: Mapping[str, Folder]
) -> dict[str, list[dict[str, Any]]]:
    """The home, the folders of groups, and what is in memory."""
    parts: list[tuple[dict[str, Any], dict[str, Any]]]
    parts = [(_claim("home", home), {"mountPath": HOME})]
    for number, (name, folder) in enumerate(sorted(folders.items())):
        place = {"mountPath": f"{SHARED}/{folder.name}", "readOnly": folder.mode != "read-write"}
        parts.append((_claim(f"shared-{number}", name), place))
    parts.append((_memory("shm", profile.memory // 2), {"mountPath": "/dev/shm"}))  # noqa: S108
    if operator.read_only_root:
        parts.append((_memory("tmp", profile.memory // 2), {"mountPath": "/tmp"}))  # noqa: S108
        parts.append((_memory("run", RUN_BYTES), {"mountPath": "/run"}))
    return {
        "volumes": [volume for volume, _ in parts],
        "volume_mounts": [{"name": volume["name"], **place} for volume, place in parts],
    }


Mounts = Mapping[str, list[dict[str, Any]]]
"""Volumes and where they are mounted, as `volumes` returns them."""


ADDED = ("extra_labels", "extra_annotations", "extra_resource_limits")
"""Traits to which an operator may add; where both say something, the platform's is what holds."""


def added(operators: Mapping[str, Mapping[str, str]], own: Mapping[str, Any]) -> dict[str, Any]:
    """These traits with what the operator added, such as a label that a cloud goes by."""
    return {**own, **{name: {**operators[name], **own[name]} for name in ADDED}}


def listed(wanted: Sequence[Any] | Mapping[str, Any]) -> list[Any]:
    """A trait that KubeSpawner takes as a list, or as a dictionary whose keys give the order."""
    return [wanted[key] for key in sorted(wanted)] if isinstance(wanted, Mapping) else list(wanted)


def beside(operators: Mounts, own: Mounts) -> dict[str, list[dict[str, Any]]]:
    """What the operator mounts in every server, and what this start does."""
    return {name: [*operators[name], *made] for name, made in own.items()}


def _claim(name: str, claim: str) -> dict[str, Any]:
    return {"name": name, "persistentVolumeClaim": {"claimName": names.dns(claim)}}


def _memory(name: str, size: int) -> dict[str, Any]:
    """What is in it counts as memory of the pod."""
    return {"name": name, "emptyDir": {"medium": "Memory", "sizeLimit": str(size)}}


def marks(platform: str, labels: Mapping[str, str], name: str) -> dict[str, Any]:
    """Labels to be found by, and whose it is, by `options.labels`, which are annotations here."""
    return {
        "extra_labels": cluster.labels(platform, cluster.SERVER),
        "extra_annotations": {**labels, names.NAME: name},
    }
