"""A namespace of Kubernetes as the place where servers run: `calls.Runtime`, asynchronously.

It is imported where the runtime is Kubernetes and nowhere else: the client is large. Which pod can
reach what is the chart's business (its NetworkPolicies), so there is no network to make here.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import aiohttp
from kubernetes_asyncio.client import ApiException
from kubespawner.clients import shared_client

from hub_config import names
from hub_config.runtime import cluster
from hub_config.runtime.calls import LOG_LINES, Runtime
from hub_config.runtime.interface import AwayError, Container, View, Volume

SECONDS = 20.0
"""How long the API server has to answer."""

LOOK_AGAIN = 0.3
"""Seconds between two looks at a pod that is being removed."""

GENTLY, AT_ONCE = 10, 1
"""Seconds a pod has to end. Not 0, which would forget it before its node has ended it: another one
could have its home by then.
"""


class ClusterAwayError(AwayError):
    """The API server does not answer, or refused a call."""

    place = "the cluster"


@contextmanager
def answered() -> Iterator[None]:
    """Turns what the client raises into an AwayError."""
    try:
        yield
    except ApiException as error:
        raise ClusterAwayError(f"{error.status} {error.reason}: {_message(error)}") from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise ClusterAwayError(str(error) or type(error).__name__) from error


def _message(error: ApiException) -> str:
    try:
        return str(json.loads(error.body or "")["message"])
    except (TypeError, ValueError, LookupError):
        return str(error.body or "")


def status_of(error: BaseException) -> int | None:
    """The API server's status behind an AwayError; None when it did not answer."""
    cause = error.__cause__
    return cause.status if isinstance(cause, ApiException) else None


class KubernetesRuntime(Runtime):
    """One for the whole hub."""

    def __init__(self, platform: str, namespace: str, storage: cluster.Storage) -> None:
        super().__init__()
        self.platform, self.namespace, self.storage = platform, namespace, storage

    async def ask(self, method: str, *arguments: Any, **named: Any) -> Any:
        """Call a method of the API for this namespace; returns the answer's JSON.

        Raises AwayError.
        """
        call = getattr(shared_client("CoreV1Api"), method)
        with answered():
            answer = await call(
                *arguments,
                namespace=self.namespace,
                _preload_content=False,
                _request_timeout=SECONDS,
                **named,
            )
            body = await answer.read()
            if answer.status >= HTTPStatus.BAD_REQUEST:
                refused = ApiException(answer.status, answer.reason)
                refused.body = body
                raise refused
        return body if method.endswith("_log") else json.loads(body)

    async def _find(self, method: str, name: str) -> Any:
        """What is called `name`, None when there is nothing."""
        try:
            return await self.ask(method, names.dns(name))
        except AwayError as error:
            if status_of(error) == HTTPStatus.NOT_FOUND:
                return None
            raise

    async def _listed(self, method: str, component: str) -> list[Mapping[str, Any]]:
        wanted = cluster.selector(self.platform, component)
        found: list[Mapping[str, Any]] = (await self.ask(method, label_selector=wanted))["items"]
        return found

    # -- what there is -------------------------------------------------------------------------

    async def view(self) -> View:
        """Everything there is now."""
        before = dict(self.known)
        pods = await self._listed("list_namespaced_pod", cluster.SERVER)
        claims = await self._listed("list_namespaced_persistent_volume_claim", cluster.HOME)
        left = (pod for pod in pods if not cluster.is_over(pod))
        containers = self.saw(map(cluster.container, left), before)
        shared = await self._listed("list_namespaced_persistent_volume_claim", cluster.SHARED)
        homes, folders = (
            tuple(cluster.volume(one) for one in listed if not cluster.is_going(one))
            for listed in (claims, shared)
        )
        networks = tuple(map(cluster.network, containers))
        return View(containers, networks, homes, folders, cluster.removal)

    async def _look(self, name: str) -> Container | None:
        record = await self._find("read_namespaced_pod", name)
        return None if record is None else cluster.container(record)

    async def _running(self) -> frozenset[str]:
        pods = await self._listed("list_namespaced_pod", cluster.SERVER)
        return frozenset(one.id for one in map(cluster.container, pods) if one.runs)

    # What pods take is told by an add-on (metrics-server), as rates, not sums.

    async def _log(self, container: Container) -> bytes:
        pod = names.dns(container.name)
        lines: bytes = await self.ask("read_namespaced_pod_log", pod, tail_lines=LOG_LINES)
        return lines

    async def told(self, container: Container) -> list[str]:
        """What the cluster's events say of a pod's start, for its person. Raises AwayError."""
        events = await self.ask(
            "list_namespaced_event", field_selector=f"involvedObject.uid={container.id}"
        )
        return list(cluster.sentences(events["items"]))

    async def info(self) -> Mapping[str, Any]:
        """How much the namespace may promise, by its quotas."""
        return cluster.house((await self.ask("list_namespaced_resource_quota"))["items"])

    # -- the beginning and the end -------------------------------------------------------------

    async def begin(self, name: str, pod: Any) -> Container:
        """Make a pod, once the record of the one before is gone. Raises AwayError."""
        while True:
            try:
                made = await self.whole(name, self.ask("create_namespaced_pod", body=pod))
            except AwayError as error:
                if status_of(error) != HTTPStatus.CONFLICT:
                    raise
                there = await self._find("read_namespaced_pod", name)
                if there is not None and not cluster.is_going(there):
                    raise
                await asyncio.sleep(LOOK_AGAIN)
            else:
                self.known[name] = container = cluster.container(made)
                return container

    async def hand_over(self, name: str, values: Mapping[str, str], pod: Container) -> None:
        """Make the Secret that a pod, which was just made, waits for. Raises AwayError."""
        body = cluster.secret(name, values, pod, self.platform)
        await self.whole(pod.name, self.ask("create_namespaced_secret", body=body))

    async def _end(self, container: Container, *, gently: bool) -> None:
        ending = self._delete(container, GENTLY if gently else AT_ONCE)
        await self.whole(container.name, ending)

    async def _delete(self, container: Container, seconds: int) -> None:
        """Returns when nothing of the pod runs: by its uid, never another of its name."""
        body = {"gracePeriodSeconds": seconds, "preconditions": {"uid": container.id}}
        try:
            await self.ask("delete_namespaced_pod", names.dns(container.name), body=body)
        except AwayError as error:
            if status_of(error) not in {HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT}:
                raise
        while (there := await self._find("read_namespaced_pod", container.name)) is not None:
            if there["metadata"]["uid"] != container.id or cluster.is_over(there):
                return
            await asyncio.sleep(LOOK_AGAIN)

    # -- homes ---------------------------------------------------------------------------------

    async def volume(self, name: str) -> Volume | None:
        """One home, None when there is none of that name."""
        found = await self._find("read_namespaced_persistent_volume_claim", name)
        return None if found is None or cluster.is_going(found) else cluster.volume(found)

    async def make_volume(self, volume: Volume) -> Volume:
        """The home of that name, made unless it is there."""
        claim = cluster.home_claim(volume, self.platform, self.storage)
        return cluster.volume(await self._claimed(claim))

    async def make_folder(self, name: str, folder: str, token: str) -> str:
        """The claim of a shared folder, made unless it is there; returns the word on it."""
        claim = cluster.folder_claim(name, folder, token, self.platform, self.storage)
        return cluster.volume(await self._claimed(claim)).token

    async def _claimed(self, claim: Mapping[str, Any]) -> Any:
        name = claim["metadata"]["name"]
        try:
            make = self.ask("create_namespaced_persistent_volume_claim", body=claim)
            return await self.whole(name, make)
        except AwayError as error:
            if status_of(error) != HTTPStatus.CONFLICT:
                raise
        found = await self._find("read_namespaced_persistent_volume_claim", name)
        if found is None or cluster.is_going(found):
            raise ClusterAwayError(f"The claim {name} is just being removed; try again in a minute")
        return found

    async def remove_volume(self, name: str) -> None:
        """Remove a home for good; none of that name is no error."""
        try:
            await self.ask("delete_namespaced_persistent_volume_claim", names.dns(name))
        except AwayError as error:
            if status_of(error) != HTTPStatus.NOT_FOUND:
                raise
