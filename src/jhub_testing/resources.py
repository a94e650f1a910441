"""What a test session makes in the engine, all of it labelled, logged and removed again."""

import contextlib
import re
import time
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import docker
from docker.errors import APIError, DockerException, NotFound
from docker.models.containers import Container
from docker.types import EndpointConfig
from requests.exceptions import RequestException

from jhub_docker.errors import ActionError
from jhub_docker.platform import before
from jhub_docker.platform.compose import GUARD
from jhub_testing import whole_output
from jhub_testing.ownership import (
    OWNER,
    PROJECT,
    SESSION,
    Process,
    is_left_over,
    new_session,
    start_time,
    this_process,
)
from jhub_testing.waiting import PATIENCE

_COMPOSE_PROJECT = "com.docker.compose.project"
_COMPOSE_SERVICE = "com.docker.compose.service"
_PLATFORM = "io.jhub-docker.platform"

AT_ONCE = 8
"""Things that are removed at the same time: a benchmark has hundreds."""


class Engine:
    """The engine as one test session uses it.

    Entering removes what killed sessions left and nothing of a session that still runs; leaving
    removes all that this session made, after writing every container's log below `logs`.
    """

    entered: ClassVar[list["Engine"]] = []
    """Those in use: the report of a test that fails shows the logs of what runs in them."""

    def __init__(self, logs: Path) -> None:
        self.session = new_session()
        self.labels = {SESSION: self.session, OWNER: str(this_process())}
        self.logs = logs
        self.running: dict[str, Container] = {}
        self._count = 0
        whole_output.have_it_read()
        try:
            self.client = docker.from_env(timeout=PATIENCE)
            self.client.ping()
        except DockerException as error:
            raise ActionError(
                f"these tests need a Docker Engine and none answers: {error}; start one "
                "(./dev invoke engine.start) or set DOCKER_HOST"
            ) from None

    def __enter__(self) -> "Engine":
        self.logs.mkdir(parents=True, exist_ok=True)
        (self.logs / ".gitignore").write_text("*\n")
        self.remove_left_overs()
        self.entered.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        self.entered.remove(self)
        self.remove_session(self.session)
        self.client.close()

    def name(self, kind: str) -> str:
        """A name nothing else has, telling what it is and which session made it."""
        self._count += 1
        return f"jhub-test-{self.session}-{kind}-{self._count}"

    def volume(self, kind: str, **labels: str) -> str:
        """Make an empty volume; returns its name."""
        name = self.name(kind)
        self.client.volumes.create(name, labels={**self.labels, **labels})
        return name

    def network(self, kind: str) -> str:
        """Make a bridge network with a way out; returns its name."""
        name = self.name(kind)
        self.client.networks.create(name, driver="bridge", labels=self.labels)
        return name

    def endpoint(self, alias: str) -> EndpointConfig:
        """The `networking_config` entry that gives a container this name on a network."""
        return EndpointConfig(self.client.api._version, aliases=[alias])

    def run(self, image: str, command: list[str], **options: Any) -> str:
        """Run a command in a container of its own and return what it printed.

        Raises docker.errors.ContainerError when it fails.
        """
        container = {"labels": self.labels, "remove": True, "entrypoint": "", **options}
        return bytes(self.client.containers.run(image, command, **container)).decode()

    def watch(self, container: Container) -> None:
        """Keep this container's log, and show it in the report of a test that fails."""
        self.running[container.name or container.id or ""] = container

    def keep_log(self, container: Container) -> None:
        """Write the container's log to a file of its own below `.test-logs/`."""
        # The engine may be away just then, and a log is no reason for a test to fail.
        with contextlib.suppress(APIError, RequestException):
            text = container.logs(timestamps=True)
            name = re.sub(r"[^\w.-]", "_", container.name or "unnamed")
            (self.logs / f"{name}.log").write_bytes(text)

    def remove(self, container: Container) -> None:
        """Keep the log, then remove the container with its anonymous volumes."""
        self.keep_log(container)
        self.running.pop(container.name or container.id or "", None)
        try:
            container.remove(force=True, v=True)
        except NotFound:
            pass
        except APIError as error:
            # Each process of a session clears up what killed ones left.
            if "is already in progress" not in str(error):
                raise

    def own_project(self, project: str) -> None:
        """Note that this Compose project belongs to the session, so that it goes with it.

        A volume carries the note: it outlives a killed session and a restarted engine.
        """
        self.volume("project", **{PROJECT: project})

    def remove_left_overs(self) -> None:
        """Remove what test sessions left that are no longer alive."""
        here, now = this_process(), int(time.time())
        for session, labels in dict(self._sessions()).items():
            owner = Process.parse(labels.get(OWNER, ""))
            started = start_time(owner.pid) if owner else None
            if is_left_over(labels, here, started, now):
                self.remove_session(session)

    def remove_session(self, session: str) -> None:
        """Remove the containers, networks, volumes and images of one test session."""
        label = f"{SESSION}={session}"
        # They may hold what is a platform's. Their volumes go last: one tells of the platforms.
        self._remove_containers(label)
        for volume in self.client.volumes.list(filters={"label": label}):
            if project := (volume.attrs.get("Labels") or {}).get(PROJECT):
                self.remove_project(project)
        self._remove_labelled(label)
        for image in self.client.images.list(filters={"label": label}):
            with contextlib.suppress(NotFound):
                self.client.images.remove(image.id or "", force=True)

    def remove_project(self, project: str) -> None:
        """Remove a platform: its services first, so that they start no more servers, then those.

        Last its guard, and in order: then it takes the host's firewall rules away. What an upgrade
        kept goes too.
        """
        services, platform = f"{_COMPOSE_PROJECT}={project}", f"{_PLATFORM}={project}"
        wanted = {"label": [services, f"{_COMPOSE_SERVICE}={GUARD}"]}
        guards = self.client.containers.list(all=True, filters=wanted, ignore_removed=True)
        self._remove_labelled(services, platform, spared={guard.id for guard in guards})
        for guard in guards:
            with contextlib.suppress(NotFound):
                guard.stop(timeout=10)
                self.remove(guard)
        before.forget(project)

    def _remove_labelled(self, *labels: str, spared: Collection[str | None] = ()) -> None:
        for label in labels:
            self._remove_containers(label, spared)
        with ThreadPoolExecutor(AT_ONCE) as threads:
            for wanted in [{"label": label} for label in labels]:
                list(threads.map(_remove, self.client.networks.list(filters=wanted)))
                volumes = self.client.volumes.list(filters=wanted)
                list(threads.map(lambda volume: _remove(volume, force=True), volumes))

    def _remove_containers(self, label: str, spared: Collection[str | None] = ()) -> None:
        listed = self.client.containers.list(all=True, filters={"label": label}, sparse=True)
        with ThreadPoolExecutor(AT_ONCE) as threads:
            ids = [one.id or "" for one in listed if one.id not in spared]
            list(threads.map(self._remove_by_id, ids))

    def _remove_by_id(self, container: str) -> None:
        with contextlib.suppress(NotFound):
            self.remove(self.client.containers.get(container))

    def _sessions(self) -> Iterator[tuple[str, dict[str, str]]]:
        wanted = {"label": SESSION}
        records = [
            *self.client.api.containers(all=True, filters=wanted),
            *self.client.api.networks(filters=wanted),
            *(self.client.api.volumes(filters=wanted)["Volumes"] or []),
            *self.client.api.images(filters=wanted),
        ]
        for record in records:
            labels = record.get("Labels") or {}
            yield labels.get(SESSION, ""), labels


def _remove(made: Any, **how: bool) -> None:
    """Remove a network or a volume; somebody else may have been faster."""
    with contextlib.suppress(NotFound):
        made.remove(**how)
