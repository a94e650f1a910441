"""Collects what is judged: asks the engine, the hub's container, and the platform from outside.

Nothing is changed. What is started, one container that reads a file, is gone when it has answered.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from docker import DockerClient
from docker.errors import ContainerError

from jhub_docker.backup import container as backups
from jhub_docker.catalog.identity import LABEL
from jhub_docker.doctor import hub_files
from jhub_docker.doctor.machine import Space
from jhub_docker.engine import checks, quick
from jhub_docker.engine.address import address
from jhub_docker.errors import ActionError
from jhub_docker.platform import containers, entrance
from jhub_docker.platform.compose import DATA, HUB, Platform
from jhub_docker.platform.firewall import GUARD
from jhub_docker.process import Ended

CLASHES = """
import json, os
from hub_config.runtime import guard
from hub_config.settings import reading
pool = reading.read(os.environ, default_file=None).address_pool
print(json.dumps(guard.pool_clashes(pool, guard.ROUTES.read_text())))
"""
"""The guard's own judgement, which it makes when it starts, of the routes there are now."""


POLICY = """
import json, os
from hub_config.runtime import plan
from hub_config.settings import reading
settings = reading.read(os.environ, default_file=None)
print(json.dumps([str(settings.address_pool), plan.bridge_prefix(settings.platform)]))
"""
"""Run by the hub: the servers' addresses, and how their networks' interfaces are called."""


def local_space(info: Mapping[str, Any]) -> Space | None:
    """Room where the engine keeps its data; None where that is on another machine."""
    if checks.free_bytes(dict(info), address()) is None:
        return None
    return Space(**hub_files.space(Path(info["DockerRootDir"])))


def clock(client: DockerClient) -> tuple[datetime, datetime, datetime]:
    """The engine's time, and the own time before and after it told that."""
    before = datetime.now(UTC)
    said = str(client.info()["SystemTime"])
    return datetime.fromisoformat(said).astimezone(UTC), before, datetime.now(UTC)


def own_images(platform: Platform) -> dict[str, str]:
    """The image ids that this checkout would start its services from; those that are there."""
    found = {service: quick.image(platform.images[service]) for service in platform.services}
    return {service: str(image["Id"]) for service, image in found.items() if image}


def last_words(client: DockerClient, container: str) -> str:
    """The last lines a container wrote."""
    return str(client.api.logs(container, tail=3).decode(errors="replace"))


def hub_sees(platform: Platform) -> dict[str, Any]:
    """What `hub_files` sees in the hub's container."""
    program = Path(hub_files.__file__).read_text("utf-8")
    return dict(_answer(_in(platform, HUB, "-I", "-", DATA, "/srv/proxy", given=program)))


def factors(platform: Platform) -> dict[str, int] | None:
    """How many second factors there are and open; None where accounts are another service's."""
    ended = _in(platform, HUB, "-m", "hub_config", "read-factors")
    return None if "JHUB_AUTHENTICATOR is" in ended.err else dict(_answer(ended))


def hub_report(platform: Platform) -> dict[str, Any]:
    """What the hub found when it compared what runs with its database; empty before that."""
    ended = _in(platform, HUB, "-m", "hub_config", "report")
    return {} if "has not compared" in ended.err else dict(_answer(ended))


def clashes(platform: Platform) -> list[str]:
    """This host's networks that the address pool overlaps, by the guard's own judgement."""
    return list(_answer(_in(platform, GUARD, "-", given=CLASHES)))


def printed(platform: Platform, service: str, program: str) -> str:
    """What a program prints in a service's container. Raises ActionError with its last words."""
    ended = _in(platform, service, "-", given=program)
    if ended.code:
        raise ActionError(ended.tail(1))
    return ended.out.strip()


def policy(platform: Platform) -> list[str]:
    """The servers' addresses, and how their networks' interfaces are called."""
    return list(_answer(_in(platform, HUB, "-", given=POLICY)))


def _in(platform: Platform, service: str, *arguments: str, given: str = "") -> Ended:
    return platform.python(service, *arguments, given=given, seconds=120)


def _answer(ended: Ended) -> Any:
    """The JSON that was printed. Raises ActionError with the last words of what failed."""
    try:
        return json.loads(ended.out)
    except ValueError:
        raise ActionError(ended.tail(1) or f"exit code {ended.code}") from None


def asked(platform: Platform) -> tuple[str, str, str]:
    """The hub's address from outside, and what went wrong when hub and proxy were asked there."""
    url = entrance.health(platform.address)
    return url, entrance.problem(platform), entrance.problem(platform, "/_chp_healthz")


def offered(client: DockerClient, platform: Platform) -> list[dict[str, str]]:
    """What people can start and what they have, each with its version of JupyterHub."""
    key, tag = f"{LABEL}.jupyterhub", platform.hub_environment.get("JHUB_IMAGE_TAG", "latest")
    found = [
        {"what": f"the image {name}", "version": image["Labels"].get(key, "")}
        for image in client.api.images(filters={"label": f"{LABEL}.profiles"})
        for name in image["RepoTags"] or ()
        if name.endswith(f":{tag}")
    ]
    return found + [
        {"what": f"the server {containers.name(one)}", "version": one["Labels"].get(key, "")}
        for one in containers.servers(client, platform)
    ]


def backup_status(client: DockerClient, platform: Platform) -> dict[str, Any]:
    """How backups went, as their container keeps it; empty where none was ever made."""
    volume = backups.with_service(platform).volumes[backups.SERVICE]["/srv/backup"]
    if not client.api.volumes(filters={"name": f"^{volume}$"})["Volumes"]:
        return {}
    try:
        told = client.containers.run(
            own_images(platform)[HUB],
            ["status.json"],
            entrypoint="cat",
            user="root",
            working_dir="/srv/backup",
            network_mode="none",
            remove=True,
            volumes={volume: {"bind": "/srv/backup", "mode": "ro"}},
            labels={f"{LABEL}.platform": platform.project},
        )
    except ContainerError:  # there is no such file before the first backup
        return {}
    except KeyError:
        raise ActionError("the hub's image is not there") from None
    return dict(json.loads(told))
