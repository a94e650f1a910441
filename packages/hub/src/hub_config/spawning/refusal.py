"""Why a server is not started, in words for the person who asked for it."""

from html import escape
from http import HTTPStatus

import requests
from docker.errors import APIError, DockerException
from jupyterhub.spawner import SpawnException

from hub_config.runtime.interface import AwayError

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


class Refusal(SpawnException):
    """A spawn that policy or the choice itself rules out: nothing was started.

    JupyterHub shows `jupyterhub_message` on pages (utils.py, format_exception) and the message in
    the API's answer, with `status_code`. `reason` is a short label for the metrics.
    """

    def __init__(self, message: str, *, reason: str, status_code: int = 400) -> None:
        super().__init__(message, reason=reason, status_code=status_code)
        self.jupyterhub_message = message


class StartFailure(SpawnException):
    """A server that was started and did not come up.

    The first line of `message` is the reason, the others are the last ones of the log.
    """

    def __init__(self, message: str, *, status_code: int = 500) -> None:
        super().__init__(message, reason="start-failed", status_code=int(status_code))
        self.jupyterhub_message = message
        reason, _, lines = message.partition("\n")
        self.jupyterhub_html_message = f"<p>{escape(reason)}</p>"
        if lines:
            # As in not_running.html; long lines scroll, so the keyboard has to get there.
            self.jupyterhub_html_message += (
                '<pre class="log-tail" tabindex="0" role="region" '
                f'aria-label="Last lines of its log">{escape(lines)}</pre>'
            )


def engine_trouble(error: AwayError | DockerException | requests.RequestException) -> StartFailure:
    """What to tell a person when the engine, or the filter before it, fails a call of a start; what
    it said itself is for the hub's log.
    """
    cause = error.__cause__ if isinstance(error, AwayError) else error
    status = cause.status_code if isinstance(cause, APIError) else None
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
