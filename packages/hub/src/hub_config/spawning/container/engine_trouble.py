"""What to tell a person when the engine, or the filter before it, fails a call of a start. Pure."""

from http import HTTPStatus

import requests
from docker.errors import APIError, DockerException

from hub_config.spawning.refusal import StartFailure

AWAY = (
    "The hub cannot reach the Docker Engine at the moment, so the server was not started. "
    "Try again in a minute; if this stays, tell an administrator."
)
REFUSED = (
    "The hub's filter before the Docker Engine does not permit what this server needs. "
    "Trying again does not help: tell an administrator, who finds the reason in the hub's log."
)
CONFLICT = (
    "Something with the name of this server's container is still there, perhaps because the last "
    "one is just being removed. Try again in a minute; if this stays, tell an administrator."
)
FULL = "The disk of this machine is full, so the server was not started. Tell an administrator."
FAILED = (
    "The Docker Engine could not make this server's container. Try again; if this stays, tell an "
    "administrator, who finds the reason in the hub's log."
)

_GATEWAY = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
"""What the filter answers when the engine does not (engine_filter, `_message`)."""


def failure(error: DockerException | requests.RequestException) -> StartFailure:
    """The failure for the person; what the engine or filter said itself is for the hub's log."""
    status = error.status_code if isinstance(error, APIError) else None
    if status is None or status in _GATEWAY:
        return StartFailure(AWAY, status_code=HTTPStatus.SERVICE_UNAVAILABLE)
    # The engine has no status of its own for a full disk: it passes on the system's words.
    if "no space left on device" in str(error).lower():
        return StartFailure(FULL, status_code=HTTPStatus.INSUFFICIENT_STORAGE)
    if status == HTTPStatus.FORBIDDEN:
        return StartFailure(REFUSED)
    if status == HTTPStatus.CONFLICT:
        return StartFailure(CONFLICT, status_code=HTTPStatus.CONFLICT)
    return StartFailure(FAILED)
