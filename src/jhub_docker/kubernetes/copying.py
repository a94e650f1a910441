"""Copies one volume of the engine into one claim, by a pod, and compares every file.

What is the same already is not copied again, so a move that was interrupted goes on.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jhub_docker import process
from jhub_docker.engine import docker
from jhub_docker.errors import ActionError
from jhub_docker.kubernetes import listing
from jhub_docker.kubernetes.cluster import Kubectl, Record

READY = 300.0
"""Seconds a pod may take: its claim is made, and its image perhaps fetched."""

TO, FROM = "/to", "/from"

RIGHTS = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID"]
"""What root in a pod needs to give files to whom they belong, and nothing else of root's."""

AS_IT_IS = ("--numeric-owner", "--xattrs", "--xattrs-include=user.*", "--acls", "--sparse")
"""Options of GNU tar, on both sides."""

PROGRAM = Path(listing.__file__).read_text("utf-8")

Files = Mapping[str, tuple[Any, Any]]
"""By path: what has to be the same, and extended attributes."""


@dataclass(frozen=True)
class Copy:
    """A volume and its claim; `folder` is the place within, `left_out` what is not wanted."""

    volume: str
    claim: str
    group: int
    """Whose the claim's own folder is to be (fsGroup), as for those who use it later."""
    folder: str = ""
    owner: str = ""
    """Of `folder`, as UID:GID, where there is one."""
    left_out: Sequence[str] = ()

    @property
    def place(self) -> str:
        """Where it is in the pod."""
        return f"{TO}/{self.folder}" if self.folder else TO


def files(text: str) -> dict[str, tuple[Any, Any]]:
    """What `listing` has printed."""
    return {path: (said, more) for path, said, more in map(json.loads, text.splitlines())}


def differences(ours: Files, theirs: Files) -> tuple[list[str], list[str]]:
    """Paths that differ, and paths that differ in extended attributes alone."""
    both = sorted(ours.keys() | theirs.keys())
    nothing = (None, None)
    wrong = [one for one in both if ours.get(one, nothing)[0] != theirs.get(one, nothing)[0]]
    bare = [one for one in both if ours.get(one, nothing)[1] != theirs.get(one, nothing)[1]]
    return wrong, sorted(set(bare) - set(wrong))


def reading(image: str, volumes: Mapping[str, str], *words: str) -> list[str]:
    """The command that runs a program of an image with volumes, by place, that it can only read."""
    return [
        *("docker", "run", "--rm", "--network=none", "--user=0:0", "--cap-drop=ALL"),
        "--cap-add=DAC_READ_SEARCH",
        *(f"--volume={volume}:{place}:ro" for place, volume in volumes.items()),
        *(f"--entrypoint={words[0]}", image, *words[1:]),
    ]


def listed(image: str, volume: str, left_out: Sequence[str] = ()) -> Files:
    """What is in a volume."""
    return files(_read(image, {FROM: volume}, "python", "-c", PROGRAM, FROM, *left_out))


def sizes(image: str, volumes: Sequence[str]) -> dict[str, int]:
    """How many bytes volumes take."""
    places = {f"{FROM}/{number}": volume for number, volume in enumerate(volumes)}
    said = _read(image, places, "du", "-sk", *places).splitlines() if places else []
    return {
        places[place]: int(size) * 1024 for size, _, place in (one.partition("\t") for one in said)
    }


def _read(image: str, volumes: Mapping[str, str], *words: str) -> str:
    ended = docker(*reading(image, volumes, *words)[1:])
    if ended.code:
        raise ActionError(f"{', '.join(volumes.values())} cannot be read: {ended.tail(3)}")
    return ended.out


@contextmanager
def pod(kubectl: Kubectl, name: str, spec: Record, marks: Mapping[str, str]) -> Iterator[None]:
    """A pod whose only container does nothing, so that programs can be run in it."""
    about = {"name": name, "labels": dict(marks)}
    gone = ("delete", "pod", name, "--ignore-not-found", "--grace-period=1")
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": spec}
    kubectl(*gone, seconds=READY)  # of a move that was interrupted
    try:
        kubectl("create", "-f", "-", given=json.dumps(body))
        ready = kubectl.run(
            "wait", "--for=condition=Ready", f"pod/{name}", f"--timeout={READY}s", seconds=None
        )
        if ready.code:
            events = kubectl.run(
                "get",
                "events",
                f"--field-selector=involvedObject.name={name}",
                "-o=jsonpath={.items[-1:].message}",
            )
            raise ActionError(f"the pod {name} does not start: {events.out or ready.tail(1)}")
        yield
    finally:
        kubectl.run(*gone, seconds=READY)


def idle(template: Record, copy: Copy) -> dict[str, Any]:
    """The spec of a pod with one claim, as root, by the hub's: the same image and nodes."""
    hub = template["containers"][0]
    kept = ("imagePullSecrets", "nodeSelector", "tolerations")
    rights = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"], "add": RIGHTS}}
    return {
        **{key: template[key] for key in kept if key in template},
        "securityContext": {
            **{"runAsUser": 0, "runAsGroup": 0, "runAsNonRoot": False, "fsGroup": copy.group},
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
                "securityContext": rights,
                "volumeMounts": [{"name": "to", "mountPath": TO}],
            }
        ],
        "volumes": [{"name": "to", "persistentVolumeClaim": {"claimName": copy.claim}}],
    }


def brought(kubectl: Kubectl, name: str, image: str, copy: Copy) -> tuple[int, list[str]]:
    """Copy a volume in a pod that is there; how many files are the same now, and which of them
    lack extended attributes. Raises ActionError where any is not.
    """

    def inside(*words: str) -> str:
        return kubectl("exec", name, "--", *words, seconds=None)

    if copy.owner:
        owner, _, group = copy.owner.partition(":")
        inside("install", "-d", "-m", "700", "-o", owner, "-g", group, copy.place)
    ours = listed(image, copy.volume, copy.left_out)
    look = ("python", "-c", PROGRAM, copy.place, *copy.left_out)
    said = ""
    if differences(ours, files(inside(*look))) != ([], []):
        inside("find", copy.place, "-mindepth", "1", "-delete")
        left_out = [f"--exclude=./{one}" for one in copy.left_out]
        pack = ("tar", *AS_IT_IS, "--anchored", *left_out, "-C", FROM, "-cf", "-", ".")
        unpack = ("tar", *AS_IT_IS, "--preserve-permissions", "--no-overwrite-dir")
        target = [*kubectl.command, "exec", "-i", name, "--", *unpack, "-C", copy.place, "-xf", "-"]
        ends = process.piped(reading(image, {FROM: copy.volume}, *pack), target)
        said = next((end.tail(3) for end in ends if end.code), "")
    wrong, bare = differences(ours, files(inside(*look)))
    if wrong:
        raise ActionError(
            f"{len(wrong)} files of {copy.volume} are not the same in the claim {copy.claim}, such "
            f"as {', '.join(wrong[:3])}: {said or 'try again, which goes on from here'}"
        )
    return len(ours), bare
