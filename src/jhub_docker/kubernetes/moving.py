"""Moves a platform of one engine to a cluster: records, secrets, homes, groups' folders.

The chart is installed there already, with PostgreSQL. Nothing of the engine's changes but that hub
and servers are stopped, so `up` is the way back until people work in the cluster.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jhub_docker.asking import confirm
from jhub_docker.errors import ActionError, JhubDockerError, UsageError
from jhub_docker.kubernetes import copying
from jhub_docker.kubernetes.cluster import Kubectl, Record
from jhub_docker.kubernetes.copying import Copy
from jhub_docker.kubernetes.destination import MOVED, PODS, There, judged, told
from jhub_docker.platform import before, chosen, containers
from jhub_docker.platform.compose import DATA, HUB, Platform
from jhub_docker.progress import stage
from jhub_docker.table import counted

OTHER_PYTHON = "config.d"
"""A folder of the data volume that the chart has a value for."""

VERSIONS = (
    "from importlib.metadata import version; from hub_config.database import STEPS; "
    "print(version('jupyterhub'), len(STEPS))"
)

CLAIMS = (
    "import json, sys; from hub_config.runtime import cluster; given = json.load(sys.stdin); "
    "storage = cluster.Storage(*given['storage']); print(json.dumps([cluster.moved_claim("
    "*volume, given['platform'], storage) for volume in given['volumes']]))"
)
"""Has the hub's own image say what claims are like, which it makes itself for newcomers."""


def move(root: Path, kubectl: Kubectl, *, servers: bool, replace: bool, assume_yes: bool) -> str:
    """Move all; what was done. Raises UsageError while it cannot be: then nothing was stopped."""
    with chosen.held(root) as platform:
        before.require_none_under_way(platform)
        there = There.look(kubectl)
        running = working_in(platform)
        volumes = of_people(platform)
        claims = made_claims(platform, there, volumes)
        wrong = [*judged(platform, there, claims, replace=replace)]
        if running and not servers:
            wrong.append(f"people work in {', '.join(running)}: --servers stops them")
        if versions := other_version(platform, kubectl, there):
            wrong.append(versions)
        if wrong:
            raise UsageError("nothing was moved:\n" + "\n".join(f"- {one}" for one in wrong))
        confirm(told(platform, there, claims, len(running)), assume_yes=assume_yes)
        try:
            with stage("stopping both hubs"):
                stop_there(kubectl)
                platform.checked("stop", *platform.hubs)
                came = of_people(platform).keys() - volumes.keys()
                came |= set() if servers else set(working_in(platform))
                if came:
                    raise ActionError(f"{', '.join(sorted(came))} came meanwhile")
                for server in working_in(platform):
                    containers.remove(server, stop=True)
                before.copy(platform)
            lines = _carried(platform, kubectl, there, volumes, claims)
            with stage("starting the hub in the cluster"):
                note = f"{platform.project} {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
                kubectl("annotate", "--overwrite", "pvc", "hub", f"{MOVED}={note}")
                lines.append(_started(kubectl))
        except JhubDockerError as error:
            raise ActionError(f"{error}\nThe same command goes on from here. {WAY_BACK}") from None
        return "\n".join([*lines, WAY_BACK])


WAY_BACK = (
    "The platform here is stopped and as it was: ./dev invoke up is the way back, without what "
    "people do in the cluster from now on."
)


def working_in(platform: Platform) -> list[str]:
    """The servers that run."""
    found = containers.servers(platform)
    return [containers.name(one) for one in found if one["State"] == "running"]


def of_people(platform: Platform) -> dict[str, dict[str, str]]:
    """The volumes with homes and folders, and their labels: what Compose did not make."""
    labels = containers.volume_labels(f"{containers.PLATFORM}={platform.project}")
    return {
        name: said
        for name, said in sorted(labels.items())
        if "com.docker.compose.volume" not in said and name != platform.data_volume
    }


def made_claims(
    platform: Platform, there: There, volumes: Mapping[str, Mapping[str, str]]
) -> dict[str, Record]:
    """The claim for each volume, a fifth larger than what is in it, as the hub would make it."""
    image = platform.require_image(HUB)
    sizes = copying.sizes(image, list(volumes))
    storage = [
        there.settings.get(f"JHUB_{name}", "")
        for name in ("STORAGE_CLASS", "HOME_SIZE", "HOME_ACCESS", "FOLDER_CLASS", "FOLDER_SIZE")
    ]
    given = {
        "platform": there.settings["JHUB_PLATFORM"],
        "storage": storage,
        "volumes": [(name, said, sizes[name] * 6 // 5) for name, said in volumes.items()],
    }
    ended = platform.once(HUB, "python", "-c", CLAIMS, given=json.dumps(given))
    if ended.code:
        raise ActionError(f"the hub's image cannot say what claims are like: {ended.tail(1)}")
    return dict(zip(volumes, json.loads(ended.out), strict=True))


def other_version(platform: Platform, kubectl: Kubectl, there: There) -> str:
    """How the hubs' versions differ, whose records then do; empty where they do not, or where none
    runs that could be asked: one that was stopped by a move.
    """
    if not there.hub.get("status", {}).get("readyReplicas"):
        return ""
    ours = platform.once(HUB, "python", "-c", VERSIONS).out.split()
    theirs = kubectl("exec", "deploy/hub", "--", "python", "-c", VERSIONS).split()
    if ours == theirs:
        return ""
    return f"the hubs differ: JupyterHub and tables are {ours} here, {theirs} there; upgrade one"


def stop_there(kubectl: Kubectl) -> None:
    """Return when no hub runs in the cluster, nor what an interrupted move has left. Raises
    ActionError where somebody's server does.
    """
    copying.clear(kubectl)
    kubectl("scale", "deployment/hub", "--replicas=0")
    which = ("-l", f"{PODS}=hub")
    if kubectl.listed("pods", *which):
        kubectl("wait", "--for=delete", "pod", *which, f"--timeout={copying.READY}s", seconds=None)
    if came := There.look(kubectl).working:  # while the question was answered: homes are in use
        raise ActionError(f"people work in the cluster: {', '.join(came)} came meanwhile")


def _carried(
    platform: Platform,
    kubectl: Kubectl,
    there: There,
    volumes: Mapping[str, Mapping[str, str]],
    claims: Mapping[str, Record],
) -> list[str]:
    """Everything but the hub's start; a line for files and one for records."""
    image, template = platform.require_image(HUB), there.template["spec"]
    user, group = (template["securityContext"][key] for key in ("runAsUser", "fsGroup"))
    data = Copy(platform.data_volume, "hub", user, group, Path(DATA).name, (OTHER_PYTHON,))
    copies, number = [data], 0
    copies += [Copy(one, claims[one]["metadata"]["name"], *there.people) for one in volumes]
    for copy in copies:
        with stage(f"copying {copy.volume}"):
            if copy is not data:
                _claim(kubectl, there, claims[copy.volume])
            ours = copying.listed(image, copy.volume, copy.left_out)
            with copying.pod(kubectl, copying.idle(template, copy, ours)) as pod:
                copying.brought(kubectl, pod, image, copy, ours)
                if copy is data and platform.hub_environment.get("JHUB_DB_URL"):
                    copied, used = (
                        f"{copy.place}/{one}.sqlite" for one in ("postgres", "jupyterhub")
                    )
                    kubectl("exec", pod, "--", "mv", "-f", copied, used)
            number += len(ours)
    files = f"{counted(len(copies), 'volume')}, {counted(number, 'file')}, each as it was."
    with stage("moving the records"):
        return [files, _recorded(kubectl, there)]


def _claim(kubectl: Kubectl, there: There, claim: Record) -> None:
    """Make a claim; of one that is there say whose it is now."""
    about = claim["metadata"]
    if about["name"] in there.words:
        said = [f"{name}={value}" for name, value in about["annotations"].items()]
        kubectl("annotate", "--overwrite", "pvc", about["name"], *said)
    else:
        kubectl("create", "-f", "-", given=json.dumps(claim))


def _recorded(kubectl: Kubectl, there: There) -> str:
    """Have a hub that is none yet move its records from its file into PostgreSQL."""
    spec: dict[str, Any] = json.loads(json.dumps(there.template["spec"]))
    (container,) = spec["containers"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        container.pop(probe, None)
    container |= {"command": ["sleep", "infinity"], "args": []}
    spec["restartPolicy"] = "Never"
    marks = there.template["metadata"]["labels"]  # a database may let the hub in alone
    with copying.pod(kubectl, spec, marks) as pod:
        command = ("python", "-m", "hub_config", "move", "postgres", "--replace")
        ended = kubectl.run("exec", pod, "--", *command, seconds=None)
    if ended.code:
        raise ActionError(f"files were copied, records were not moved: {ended.tail(3)}")
    return ended.out.strip()


def _started(kubectl: Kubectl) -> str:
    """Start the hub there; what it says of second factors."""
    kubectl("scale", "deployment/hub", "--replicas=1")
    wait = ("rollout", "status", "deployment/hub", f"--timeout={copying.READY}s")
    if kubectl.run(*wait, seconds=None).code:
        raise ActionError(
            "all was moved, and the hub in the cluster does not come up: kubectl logs "
            "deployment/hub says why"
        )
    factors = ("python", "-m", "hub_config", "read-factors")
    seen = json.loads(kubectl("exec", "deploy/hub", "--", *factors).splitlines()[-1])
    opened = f"{seen['opened']} of {counted(seen['factors'], 'second factor')} can be read"
    if seen["opened"] != seen["factors"]:
        raise ActionError(f"all was moved, but only {opened}")
    return f"The hub in the cluster runs: {counted(seen['people'], 'person', 'people')}, {opened}."
