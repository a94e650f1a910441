"""Copies one volume of the engine into one claim, by a pod, and compares every file.

What is the same already is not copied again, so a move that was interrupted goes on.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from jhub_docker import process
from jhub_docker.catalog.identity import LABEL
from jhub_docker.engine import docker
from jhub_docker.errors import ActionError
from jhub_docker.kubernetes.cluster import Kubectl, Record
from jhub_docker.progress import say

READY = 300.0
"""Seconds a pod may take: its claim is made, and its image perhaps fetched."""

MOVE = f"{LABEL}.move"
"""The label of each pod and container that a move makes; no other is deleted."""

WANTS_ROOT = (
    ". These are files of several users, which root alone can copy: lower the namespace's level to "
    "baseline until all is moved (its label pod-security.kubernetes.io/enforce)"
)

TO, FROM = "/to", "/from"

RIGHTS = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID"]
"""What root in a pod needs to give files to whom they belong, and nothing else of root's."""

AS_IT_IS = ("--numeric-owner", "--xattrs", "--xattrs-include=user.*", "--acls", "--sparse")
"""Options of GNU tar, on both sides."""

UNPACK = ("tar", *AS_IT_IS, "--preserve-permissions", "--same-owner")
AS_ROOT, AS_USER = "--no-overwrite-dir", "--skip-old-files"
"""Both leave the claim's own folder as it is: to a user who is not root it does not belong."""

CUT = 0o2700
"""What GNU tar 1.34 makes, with AS_USER, of a folder of mode 0700 whose parent has the set-group-ID
bit; it leaves no other mode wrong."""

LIST = r"""set -e; cd "$0"
find . -mindepth 1 "$@" -type l -printf '%P\0l %U %G 0 %l\0' \
    -o -type f -printf '%P\0f %U %G %m %Ts %s %n\0' -o ! -type s -printf '%P\0%y %U %G %m %Ts\0'
printf '\0'; find . -mindepth 1 "$@" -type f -exec sha256sum -z -- '{}' +
"""
"""Lists what is in a folder: each path and what of it has to be the same, then checksums. Sockets
are of programs that ran, and the folder itself is the volume's: neither is listed.
"""

Files = Mapping[str, str]
"""By path: kind, owner, group, mode, and whatever else has to be the same."""


@dataclass(frozen=True)
class Copy:
    """A volume and its claim; `folder` is the place within, `left_out` what is not wanted."""

    volume: str
    claim: str
    user: int
    """Who uses it later, and has `folder`."""
    group: int
    """Whose the claim's own folder is to be (fsGroup), as for those who use it later."""
    folder: str = ""
    left_out: Sequence[str] = ()

    @property
    def place(self) -> str:
        """Where it is in the pod."""
        return f"{TO}/{self.folder}" if self.folder else TO


def listing(place: str, left_out: Sequence[str]) -> list[str]:
    """The command that lists a folder but for these names in it."""
    pruned = [word for one in left_out for word in ("-path", f"./{one}", "-prune", "-o")]
    return ["sh", "-c", LIST, place, *pruned]


def files(printed: bytes) -> Files:
    """What `listing` has printed."""
    told, _, sums = os.fsdecode(printed).partition("\0\0")
    words = iter(told.removesuffix("\0").split("\0"))
    found = dict(zip(words, words, strict=False))
    for line in sums.split("\0"):
        checksum, _, path = line.partition("  ./")
        found |= {path: f"{found[path]} {checksum}"} if path else {}
    return found


def differences(ours: Files, theirs: Files) -> list[str]:
    """Paths of what is not the same."""
    return sorted({path for path, _ in ours.items() ^ theirs.items()})


def are_of(user: int, ours: Files) -> bool:
    """Whether a user other than root can copy all that: theirs, and theirs to read. Pure."""

    def is_theirs(kind: str, owner: str, _group: str, mode: str, *_: str) -> bool:
        needed = {"l": 0, "p": 0, "f": 0o400, "d": 0o500}.get(kind)
        if needed is None or owner != str(user) or (kind, mode) == ("d", f"{CUT:o}"):
            return False
        return needed & ~int(mode, 8) == 0

    return user != 0 and all(is_theirs(*said.split(" ")) for said in ours.values())


def reading(image: str, volumes: Mapping[str, str], *words: str) -> list[str]:
    """The command that runs a program of an image with volumes, by place, that it can only read."""
    return [
        *("docker", "run", "--rm", f"--label={MOVE}", "--network=none", "--user=0:0"),
        *("--cap-drop=ALL", "--cap-add=DAC_READ_SEARCH"),
        *(f"--volume={volume}:{place}:ro" for place, volume in volumes.items()),
        *(f"--entrypoint={words[0]}", image, *words[1:]),
    ]


def listed(image: str, volume: str, left_out: Sequence[str] = ()) -> Files:
    """What is in a volume."""
    return files(_read(image, {FROM: volume}, *listing(FROM, left_out)).raw)


def sizes(image: str, volumes: Sequence[str]) -> dict[str, int]:
    """How many bytes volumes take."""
    places = {f"{FROM}/{number}": volume for number, volume in enumerate(volumes)}
    said = _read(image, places, "du", "-sk", *places).out.splitlines() if places else []
    return {
        places[place]: int(size) * 1024 for size, _, place in (one.partition("\t") for one in said)
    }


def _read(image: str, volumes: Mapping[str, str], *words: str) -> process.Ended:
    ended = docker(*reading(image, volumes, *words)[1:])
    if ended.code:
        raise ActionError(f"{', '.join(volumes.values())} cannot be read: {ended.tail(3)}")
    return ended


def clear(kubectl: Kubectl) -> None:
    """Delete what a move that was interrupted has left: pods, and containers that never began."""
    docker("container", "prune", "--force", f"--filter=label={MOVE}")
    kubectl("delete", "pod", f"--selector={MOVE}", "--grace-period=1", seconds=READY)


@contextmanager
def pod(kubectl: Kubectl, spec: Record, marks: Mapping[str, str] | None = None) -> Iterator[str]:
    """A pod whose only container does nothing, so that programs can be run in it; its name, which
    no other has.
    """
    about = {"generateName": "move-", "labels": {**(marks or {}), MOVE: "true"}}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": spec}
    made = kubectl.run("create", "-f", "-", "-o", "name", given=json.dumps(body))
    if made.code:
        raise ActionError(f"{made.tail(3)}{WANTS_ROOT if 'PodSecurity' in made.err else ''}")
    name = made.out.strip().removeprefix("pod/")
    try:
        ready = kubectl.run(
            "wait", "--for=condition=Ready", f"pod/{name}", f"--timeout={READY}s", seconds=None
        )
        if ready.code:
            of = f"--field-selector=involvedObject.name={name}"
            events = kubectl.run("get", "events", of, "-o=jsonpath={.items[-1:].message}")
            raise ActionError(f"the pod {name} does not start: {events.out or ready.tail(1)}")
        yield name
    finally:
        gone = ("delete", "pod", name, "--ignore-not-found", "--grace-period=1")
        kubectl.run(*gone, seconds=READY)


def idle(template: Record, copy: Copy, ours: Files) -> dict[str, Any]:
    """The spec of a pod with one claim, by the hub's: the same image and nodes. It is the claim's
    user, which the Pod Security level *restricted* permits, unless files of others want root.
    """
    hub = template["containers"][0]
    kept = ("imagePullSecrets", "nodeSelector", "tolerations")
    who: dict[str, Any] = {"runAsUser": 0, "runAsGroup": 0, "runAsNonRoot": False}
    rights = {"drop": ["ALL"], "add": RIGHTS}
    if are_of(copy.user, ours):
        who = {"runAsUser": copy.user, "runAsGroup": copy.group, "runAsNonRoot": True}
        # Who is in a group may give files to it.
        groups = {int(said.split(" ")[2]) for said in ours.values()}
        who["supplementalGroups"] = sorted(groups - {copy.group})
        del rights["add"]
    return {
        **{key: template[key] for key in kept if key in template},
        "securityContext": {
            **who,
            "fsGroup": copy.group,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "restartPolicy": "Never",
        "containers": [
            {
                "name": "move",
                "image": hub["image"],
                "imagePullPolicy": hub["imagePullPolicy"],
                "resources": hub["resources"],
                "command": ["sleep", "infinity"],
                "workingDir": "/",  # the image's own is the hub's alone
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": rights},
                "volumeMounts": [{"name": "to", "mountPath": TO}],
            }
        ],
        "volumes": [{"name": "to", "persistentVolumeClaim": {"claimName": copy.claim}}],
    }


def brought(kubectl: Kubectl, name: str, image: str, copy: Copy, ours: Files) -> None:
    """Copy a volume's files in a pod that is there, and say what tar could not keep, such as
    extended attributes that the claim's class has not got.

    Raises ActionError where any is not the same then.
    """

    def inside(*words: str) -> str:
        return kubectl("exec", name, "--", *words, seconds=None)

    def different() -> list[str]:
        look = listing(copy.place, copy.left_out)
        ended = kubectl.run("exec", name, "--", *look, seconds=None)
        ended.require(f"{copy.claim} cannot be read", 3)
        return differences(ours, files(ended.raw))

    if copy.folder:
        owner = (f"--owner={copy.user}", f"--group={copy.group}")
        inside("install", "-d", "-m", "700", *owner, copy.place)
    said = ""
    if different():
        below = ("find", copy.place, "-mindepth", "1")
        inside(*below, "-type", "d", "-exec", "chmod", "u+w", "{}", "+")
        inside(*below, "-delete")
        left_out = [f"--exclude=./{one}" for one in copy.left_out]
        pack = ("tar", *AS_IT_IS, "--anchored", *left_out, "-C", FROM, "-cf", "-", ".")
        is_theirs = are_of(copy.user, ours)
        unpack = (*UNPACK, AS_USER if is_theirs else AS_ROOT, "-C", copy.place, "-xf", "-")
        target = [*kubectl.command, "exec", "-i", name, "--", *unpack]
        ends = process.piped(reading(image, {FROM: copy.volume}, *pack), target)
        said = next((end.tail(3) for end in ends if end.err), "")
        if is_theirs:
            inside(*below, "-type", "d", "-perm", f"{CUT:o}", "-exec", "chmod", "g-s", "{}", "+")
    if wrong := different():
        raise ActionError(
            f"{len(wrong)} files of {copy.volume} are not the same in the claim {copy.claim}, such "
            f"as {', '.join(wrong[:3])}: {said or 'try again, which goes on from here'}"
        )
    if said:
        say(f"{copy.volume}: {said}")
