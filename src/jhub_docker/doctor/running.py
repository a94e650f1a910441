"""Judges what runs: services, their images and ports, what answers, what is left over. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jhub_docker.doctor.findings import WARNING, Finding, found
from jhub_docker.platform import containers
from jhub_docker.platform.compose import Platform
from jhub_docker.platform.containers import is_left_over, service
from jhub_docker.platform.left_over import LeftOver
from jhub_docker.table import counted

Inspected = Mapping[str, Any]


def services(
    platform: Platform, there: Sequence[Inspected], last_words: Mapping[str, str]
) -> list[Finding]:
    """Whether each service runs and is healthy; `last_words` are those of which have any."""
    used = {service(one): one for one in there if not is_left_over(one)}
    if not used:
        return [Finding("JD010", f"{platform.project} has no containers on this engine")]
    if not any(one["State"]["Running"] for one in used.values()):
        return [Finding("JD010", f"all services of {platform.project} have ended")]
    findings = []
    for name in platform.services:
        if wrong := _wrong(used.get(name)):
            said = last_words.get(name, "").strip()
            says = f"{name} {wrong}" + (f"; it said last:\n{said}" if said else "")
            findings.append(Finding("JD011", says, subject=_mend(used.get(name))))
    return findings


def _mend(container: Inspected | None) -> str:
    """What lets a service go on, for `fixing`; empty where that is not known."""
    if container is None:
        return ""
    state = container["State"]
    if state.get("Paused"):
        return f"unpause {container['Id']}"
    return f"start {container['Id']}" if state["Status"] == "exited" else ""


def _wrong(container: Inspected | None) -> str:
    if container is None:
        return "is not there"
    state = container["State"]
    if state["Status"] == "restarting":
        return f"starts again and again ({counted(container['RestartCount'], 'time')})"
    if not state["Running"]:
        killed = ", for want of memory" if state.get("OOMKilled") else ""
        return f"has ended with exit code {state['ExitCode']}{killed}"
    if state.get("Paused"):
        return "is paused"
    health = (state.get("Health") or {}).get("Status", "")
    return "is unhealthy" if health == "unhealthy" else ""


def ailing(there: Iterable[Inspected]) -> list[Inspected]:
    """The containers whose last words are worth reading."""
    return [one for one in there if not is_left_over(one) and _wrong(one)]


def images(there: Iterable[Inspected], own: Mapping[str, str]) -> list[Finding]:
    """Containers of another image than `own`, the ids by service; one not built has none."""
    others = (
        f"{service(one)} runs {one['Config']['Image']}, which is another"
        for one in there
        if one["State"]["Running"] and own.get(service(one), one["Image"]) != one["Image"]
    )
    return found("JD012", others, WARNING)


def ports(platform: Platform, there: Iterable[Inspected]) -> list[Finding]:
    """The entrance's ports where the settings want them, and no other of any service."""
    findings = []
    for one in there:
        if not one["State"]["Running"]:
            continue
        name = service(one)
        has, wanted = containers.published(one), containers.to_publish(platform, name)
        for inner, ip, port in sorted(has ^ wanted):
            is_there = (inner, ip, port) in has
            but = "is published, and not meant to be" if is_there else "is not published"
            findings.append(Finding("JD013", f"{name}: {ip}:{port} ({inner}) {but}"))
    return findings


def versions(hub: str, offered: Iterable[tuple[str, str]]) -> list[Finding]:
    """Images on offer and servers that run, by name and JupyterHub's version, beside the hub's."""
    others = (
        f"{what} has JupyterHub {version or '(it does not say)'}, the hub {hub}"
        for what, version in offered
        if version.partition(".")[0] != hub.partition(".")[0]
    )
    return found("JD017", others, WARNING)


def left_over(
    left: Iterable[LeftOver], listed: Iterable[Mapping[str, Any]], report: Mapping[str, Any] | None
) -> list[Finding]:
    """What nobody owns: what `left` has, and what the hub does not know.

    `report` is what the hub found when it compared what runs with its database; without one (None)
    what is `listed` of servers is nobody's. Volumes nobody knows are told and no more.
    """
    says = {
        f"the {one.what} {one.name}, of {one.of}": f"{one.what} {one.identity}" * one.goes
        for one in left
    }
    for one in listed if report is None else ():
        name = f"network {one['Name']}" if "Name" in one else f"container {containers.name(one)}"
        says[f"the {name}, of a server, and there is no hub that knows it"] = ""
    says |= {str(one["sentence"]): "" for one in (report or {}).get("differences", ())}
    return [Finding("JD018", one, WARNING, subject) for one, subject in says.items()]


def runs(there: Iterable[Inspected], name: str) -> bool:
    """Whether something can be run inside this service's container."""
    return any(service(one) == name and one["State"]["Status"] == "running" for one in there)
