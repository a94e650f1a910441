"""Whether the platform can be started with these settings; nothing is started to find out."""

import difflib
import json
import os
import re
from http import HTTPStatus
from pathlib import Path
from typing import Any

from docker.errors import APIError
from docker.types import Mount

from jhub_docker import engine
from jhub_docker.build import bases
from jhub_docker.catalog import load
from jhub_docker.catalog.fields import suggest
from jhub_docker.catalog.identity import LABEL
from jhub_docker.engine import quick
from jhub_docker.errors import UsageError
from jhub_docker.platform import chosen, compose, containers
from jhub_docker.platform.compose import BACKUP, DATA, HUB, Platform

_WRONG = 3
"""Exit code of an image that backs up for settings that cannot be; older ones judge none."""

ENGINE_FACTS = ("Driver", "DriverStatus")
"""What of the engine's own record decides whether a setting can be carried out."""

TOOL_VARIABLES = frozenset(
    (
        *("JHUB_DOCKER_CA_BUNDLE", "JHUB_DOCKER_LANE", "JHUB_DOCKER_MIN_FREE_GB"),
        *("JHUB_DOCKER_OSV_API", "JHUB_REGISTRY_CA", "JHUB_REGISTRY_PLAIN_HTTP"),
        *("JHUB_SIGNING_KEY", "JHUB_TEST_TAG", "JHUB_TEST_WRITE_DOCS"),
    )
)
"""What this tool reads itself, beside one variable for each package that is a public base."""


def check(root: Path) -> str:
    """Judge the settings without starting anything; what there is to say of them."""
    notices = check_settings(chosen.read(root))
    return "\n".join(["The settings can be used.", *notices])


def check_settings(platform: Platform) -> list[str]:
    """Let the images of hub and backup judge the settings they would be started with.

    Returns what they say of settings that this engine cannot carry out. Raises UsageError with
    their own words for settings they refuse, and for variables that are none: all that is wrong.
    """
    wrong, notices = [*wrong_names(platform.root), *unknown_profiles(platform)], list[str]()
    for judged in (_by_hub, _by_backup):
        try:
            notices += judged(platform)
        except UsageError as error:
            wrong.append(str(error))
    if wrong:
        raise UsageError("\n".join(wrong))
    return notices


def _by_hub(platform: Platform) -> list[str]:
    platform.require_image(HUB)
    data = {platform.data_volume: {"bind": DATA, "mode": "ro"}}
    facts = engine.api().info()
    told_facts = {key: facts.get(key) for key in ENGINE_FACTS} | {"Images": _offers()}
    bundle = platform.hub_environment.get("JHUB_CA_BUNDLE", "")
    files = {"/etc/ca-bundle": bundle} if bundle else {}
    try:
        ended = containers.thrown_away(
            platform,
            HUB,
            ["check", json.dumps(told_facts)],
            environment=dict(platform.hub_environment),
            network_mode="none",
            volumes=data if containers.has_volume(platform.data_volume) else {},
            # The engine knows its host's files: it refuses to mount one that is not there.
            mounts=[
                Mount(target, source, "bind", read_only=True)
                for target, source in {**files, **platform.hub_files}.items()
            ],
        )
    except APIError as error:
        if not bundle or error.status_code != HTTPStatus.BAD_REQUEST:
            raise
        raise UsageError(
            f"JHUB_CA_BUNDLE is {bundle!r}; expected a file on the Docker host, and the engine "
            f"says: {error.explanation}"
        ) from None
    if ended.code:
        raise UsageError(ended.err.strip())
    return ended.out.strip().splitlines()[1:]


def _by_backup(platform: Platform) -> list[str]:
    """Where there are settings and the image is there: its service would judge them at night."""
    scheduled, said = BACKUP in platform.services, compose.variables_of(platform.root)
    wanted = scheduled or any(name.startswith("JHUB_BACKUP_") for name in said)
    if not wanted or quick.image(platform.images[BACKUP]) is None:
        return []
    ended = containers.thrown_away(
        platform,
        BACKUP,
        ["check", *["--scheduled"] * scheduled],
        environment=dict(platform.backup_settings),
        network_mode="none",
    )
    if ended.code == _WRONG:
        raise UsageError(ended.err.strip())
    return []


def wrong_names(root: Path) -> list[str]:
    """A sentence for each variable that is no setting, with the nearest that is one."""
    files = "".join(file.read_text("utf-8") for file in root.glob("compose*.yaml"))
    tools = TOOL_VARIABLES | {bases.variable(one) for one in load(root / "packages").specs.values()}
    known, wrong = {*re.findall("JHUB_[A-Z0-9_]+", files), *tools}, list[str]()
    said = {name for name in compose.variables_of(root) if name.startswith("JHUB_")}
    for name in sorted(said - known):
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else "see packages/hub/README.md"
        wrong.append(f"{name} is no setting; {hint}")
    for name in sorted(said & tools - set(os.environ)):
        wrong.append(f"{name} is read from the environment alone, not from .env: export it")
    return wrong


def unknown_profiles(platform: Platform) -> list[str]:
    """A sentence for each Compose profile that is chosen and is none."""
    unknown = sorted(platform.wanted - {"", "*", *platform.profiles})
    return [f"COMPOSE_PROFILES has {one!r}; {suggest(one, platform.profiles)}" for one in unknown]


def _offers() -> list[dict[str, Any]]:
    """The engine's images that offer profiles, with what the hub reads of their records."""
    read = (f"{LABEL}.profiles", f"{LABEL}.jupyterhub")
    return [
        {
            "RepoTags": image["RepoTags"],
            "RepoDigests": image["RepoDigests"],
            "Labels": {key: value for key, value in image["Labels"].items() if key in read},
        }
        for image in engine.api().images(filters={"label": read[0]})
    ]
