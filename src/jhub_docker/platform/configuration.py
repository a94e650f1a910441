"""Whether the platform can be started with these settings; nothing is started to find out."""

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Set
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from docker import DockerClient
from docker.errors import APIError, ContainerError
from docker.types import Mount

from jhub_docker.build import bases
from jhub_docker.catalog import load
from jhub_docker.catalog.identity import LABEL
from jhub_docker.engine import quick
from jhub_docker.errors import UsageError
from jhub_docker.platform import chosen, compose, containers
from jhub_docker.platform.compose import Platform

_SETTING = re.compile(r"JHUB_[A-Z0-9_]+")

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


def check(client: DockerClient, root: Path) -> str:
    """Judge the settings without starting anything; what there is to say of them.

    Raises UsageError with all that is wrong, as far as one mistake lets others be seen.
    """
    try:
        refused, readable = compose.sifted(root)
    except UsageError as error:
        raise UsageError("\n".join([*wrong_names(root), str(error)])) from None
    platform = chosen.read(client, root, instead=readable.variables)
    notices = check_settings(client, platform, refused)
    return "\n".join(["The settings can be used.", *notices])


@contextmanager
def telling_all(client: DockerClient, root: Path) -> Iterator[None]:
    """What is refused of the settings in here is told with all else that is wrong with them."""
    try:
        yield
    except UsageError:
        check(client, root)
        raise


def check_settings(
    client: DockerClient, platform: Platform, refused: Iterable[str] = ()
) -> list[str]:
    """Let the hub image judge the settings it would be started with, beside what Compose refused.

    Returns what it says of settings that this engine cannot carry out. Raises UsageError with the
    hub's own words for settings it refuses, and for variables that are none: all that is wrong.
    """
    wrong, notices = [*refused, *wrong_names(platform.root)], list[str]()
    try:
        # One that is still to be built is nobody's mistake.
        if not wrong or quick.image(platform.images[compose.HUB]):
            notices = _judged_by_hub(client, platform)
    except UsageError as error:
        wrong.append(str(error))
    try:
        _check_backup(client, platform)
    except UsageError as error:
        wrong.append(str(error))
    if wrong:
        raise UsageError("\n".join(wrong))
    return notices


def _judged_by_hub(client: DockerClient, platform: Platform) -> list[str]:
    image = platform.require_image(compose.HUB)
    known = client.api.volumes(filters={"name": f"^{platform.data_volume}$"})["Volumes"]
    data = {platform.data_volume: {"bind": "/srv/jupyterhub", "mode": "ro"}}
    facts = client.info()
    told_facts = {key: facts.get(key) for key in ENGINE_FACTS} | {"Images": _offers(client)}
    bundle = platform.hub_environment.get("JHUB_CA_BUNDLE", "")
    try:
        told: bytes = client.containers.run(
            image,
            ["check", json.dumps(told_facts)],
            environment=dict(platform.hub_environment),
            # So that one of a call that was killed can be found: it holds the data volume.
            labels={f"{LABEL}.platform": platform.project},
            log_config=containers.READABLE,
            network_mode="none",
            remove=True,
            volumes=data if known else {},
            # The engine knows its host's files: it refuses to mount one that is not there.
            mounts=[
                Mount(target, source, "bind", read_only=True)
                for target, source in [
                    *([("/etc/ca-bundle", bundle)] if bundle else []),
                    *platform.hub_files.items(),
                ]
            ],
        )
    except ContainerError as error:
        raise UsageError(error.stderr.decode(errors="replace").strip()) from None
    except APIError as error:
        if not bundle or error.status_code != HTTPStatus.BAD_REQUEST:
            raise
        raise UsageError(
            f"JHUB_CA_BUNDLE is {bundle!r}; expected a file on the Docker host, and the engine "
            f"says: {error.explanation}"
        ) from None
    return told.decode().strip().splitlines()[1:]


def check_names(root: Path) -> None:
    """Raise UsageError for variables that are no setting."""
    if wrong := wrong_names(root):
        raise UsageError("\n".join(wrong))


def wrong_names(root: Path) -> list[str]:
    """A sentence for each variable that is no setting."""
    files = "".join(file.read_text("utf-8") for file in root.glob("compose*.yaml"))
    known = {*_SETTING.findall(files), *TOOL_VARIABLES}
    known |= {bases.variable(spec) for spec in load(root / "packages").specs.values()}
    return unknown_variables(compose.person_set(root), known)


def _check_backup(client: DockerClient, platform: Platform) -> None:
    """Let the image that backs up judge its settings, where there are any and the image is there.

    Its service would judge them at night.
    """
    scheduled = compose.BACKUP in platform.services
    if not scheduled and not any(
        name.startswith("JHUB_BACKUP_") for name in compose.person_set(platform.root)
    ):
        return
    everything = platform.of_all_profiles()
    image = everything.images[compose.BACKUP]
    if quick.image(image) is None:
        return
    try:
        client.containers.run(
            image,
            ["check", *(["--scheduled"] if scheduled else [])],
            environment=dict(everything.backup_settings),
            network_mode="none",
            labels={f"{LABEL}.platform": platform.project},
            remove=True,
        )
    except ContainerError as error:
        if error.exit_status == _WRONG:
            raise UsageError(error.stderr.decode(errors="replace").strip()) from None


def _offers(client: DockerClient) -> list[dict[str, Any]]:
    """The engine's images that offer profiles, with what the hub reads of their records."""
    read = (f"{LABEL}.profiles", f"{LABEL}.jupyterhub")
    return [
        {
            "RepoTags": image["RepoTags"],
            "RepoDigests": image["RepoDigests"],
            "Labels": {key: value for key, value in image["Labels"].items() if key in read},
        }
        for image in client.api.images(filters={"label": read[0]})
    ]


def unknown_variables(names: Iterable[str], known: Set[str]) -> list[str]:
    """A sentence for each JHUB_… variable among `names` that is not known, with the nearest."""
    sentences = []
    for name in sorted(names):
        if name.startswith("JHUB_") and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else "see packages/hub/README.md"
            sentences.append(f"{name} is no setting; {hint}")
    return sentences
