"""Which GPUs the settings give to servers, and whether the engine gives them.

The hub reads the same settings (packages/hub/src/hub_config/settings/gpus.py), which is where they
are checked; here is only asked for what they name.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from docker.errors import APIError
from docker.types import DeviceRequest

from jhub_docker import engine
from jhub_docker.doctor import tried
from jhub_docker.doctor.findings import WARNING, Finding
from jhub_docker.platform.compose import Platform

PROFILES, DEVICES = "JHUB_GPU_PROFILES", "JHUB_GPU_DEVICES"
GPU = [["gpu"]]
"""The capability that NVIDIA's runtime knows its requests by."""


def look(platform: Platform) -> list[Finding]:
    """Ask the engine for each as for a server."""
    findings = undiscovered(platform.hub_environment, engine.api().info())
    for what, wanted in requests(platform.hub_environment):
        try:
            tried.run(platform, "print(1)", network="none", device_requests=[wanted])
        except APIError as error:
            says = f"{what}: {error.explanation or error}"
            findings.append(Finding("JD051", says, WARNING))
    return findings


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def requests(variables: Mapping[str, str]) -> Iterator[tuple[str, DeviceRequest]]:
    """What servers ask for, with the setting and what it says: all GPUs, devices by CDI, devices
    by NVIDIA's runtime.
    """
    everything = [one for one in _parts(variables.get(PROFILES, "")) if "=" not in one]
    if everything:
        yield ", ".join(everything), DeviceRequest(count=-1, capabilities=GPU)
    named = [one for one in _listed(variables) if "*" not in one]
    if cdi := [one for one in named if "=" in one]:
        yield ", ".join(cdi), DeviceRequest(driver="cdi", device_ids=cdi)
    if others := [one for one in named if "=" not in one]:
        yield ", ".join(others), DeviceRequest(device_ids=others, capabilities=GPU)


def undiscovered(variables: Mapping[str, str], info: Mapping[str, Any]) -> list[Finding]:
    """Entries with `*`, where the engine does not say what it has, so that they mean nothing."""
    stars = [one for one in _listed(variables) if "*" in one]
    if not stars or info.get("DiscoveredDevices"):
        return []
    told = f"{', '.join(stars)}: this engine tells of no devices, so write their names out"
    return [Finding("JD051", f"{DEVICES}: {told}", WARNING)]


def _listed(variables: Mapping[str, str]) -> list[str]:
    return [one.partition(" as ")[0].strip() for one in _parts(variables.get(DEVICES, ""))]
