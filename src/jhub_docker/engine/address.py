"""Where the Docker Engine is, found as the Docker CLI finds it, and a client that talks to it.

DOCKER_HOST, then DOCKER_CONTEXT, then the current context of its configuration, then the default
socket. Judging whether what answers is good enough is `checks`; starting one where nothing answers
is `setup`. docker-py is imported where it is used: `quick` says why.
"""

import functools
import os
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jhub_docker import process
from jhub_docker.errors import ActionError, UsageError

if TYPE_CHECKING:
    from docker import DockerClient

DEFAULT_SOCKETS = ("/var/run/docker.sock", "/run/docker.sock")
CONNECT_SECONDS = 600
"""How long one answer of the engine may take; a pull or an export sends nothing for minutes."""

DOCKER_ENVIRONMENT: process.Environment = {"BUILDX_BUILDER": None, "DOCKER_CLI_HINTS": "false"}


class UnreachableError(ActionError):
    """No engine could be talked to; `denied` when one is there and forbids it to this user."""

    def __init__(self, message: str, *, denied: bool = False) -> None:
        super().__init__(message)
        self.denied = denied


def builder_name() -> str:
    """The buildx builder of the engine itself (driver `docker`): named after the context.

    It alone sees the engine's images without a registry in between.
    """
    return _context()[0]


def docker(
    *arguments: str, environment: process.Environment | None = None, **options: Any
) -> process.Ended:
    """Run the `docker` program on `client`'s engine; `options` are those of `process.run`.

    Both follow the same variables and files. What would lead buildx to another builder, or print
    advertising between the lines, is not passed on.
    """
    changed = {**DOCKER_ENVIRONMENT, **(environment or {})}
    return process.run("docker", *arguments, environment=changed, **options)


def show_docker(*arguments: str, environment: process.Environment | None = None) -> int:
    """Run the `docker` program likewise, on the terminal or plain; its exit code."""
    said = {**DOCKER_ENVIRONMENT, **(environment or {})}
    return process.show("docker", *arguments, environment=said, plain=not sys.stdout.isatty())


def address() -> str:
    """The engine's address, such as `unix:///var/run/docker.sock`.

    Raises UsageError for a context that does not exist: docker-py would go to the default socket
    instead, and so to another engine than the one asked for.
    """
    return os.environ.get("DOCKER_HOST") or _context()[1]


def _context() -> tuple[str, str]:
    """Name and address of the context in use."""
    return _inspected(*map(os.environ.get, ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG")))


@functools.cache
def _inspected(*_variables: str | None) -> tuple[str, str]:
    """What the program says of the context that these variables lead to; the default one where
    there is no program yet.
    """
    try:
        form = "{{.Name}} {{.Endpoints.docker.Host}}"
        ended = docker("context", "inspect", "--format", form)
    except process.MissingProgramError:
        return "default", f"unix://{DEFAULT_SOCKETS[0]}"
    if ended.code:
        raise UsageError(
            f"the Docker {ended.err.partition(':')[0].strip()} does not exist: choose one of "
            "`docker context ls` with `docker context use`, or correct DOCKER_CONTEXT"
        )
    name, _, host = ended.out.strip().partition(" ")
    return name, host


def socket_path(engine_address: str) -> str | None:
    """The path of the Unix socket that an address names; None for any other kind of address."""
    scheme, _, path = engine_address.partition("://")
    return path if scheme == "unix" else None


def is_default(engine_address: str) -> bool:
    """Whether this is the default socket of Linux, the only place where an engine is set up."""
    return socket_path(engine_address) in DEFAULT_SOCKETS


@functools.cache
def client() -> "DockerClient":
    """This process's client of the engine that the Docker CLI would use; it has answered once.

    Raises UnreachableError when nothing answers, UsageError for a context that does not exist.
    """
    import docker  # noqa: PLC0415
    from docker.errors import DockerException  # noqa: PLC0415
    from requests.exceptions import RequestException  # noqa: PLC0415

    where = address()
    try:
        made = docker.from_env(timeout=CONNECT_SECONDS, use_ssh_client=True)
        made.ping()
    except (DockerException, RequestException, OSError, ValueError) as error:
        raise _explained(where, error) from error
    return made


def api() -> Any:
    """The calls of the Engine's API, by docker-py's names for them (`APIClient`)."""
    return client().api


def _explained(where: str, error: BaseException) -> UnreachableError:
    """The one sentence for a failed connection, from what the system said underneath."""
    told = str(error)  # it has all that was raised on the way in it
    if "PermissionError" in told:
        return UnreachableError(
            f"this user may not use the Docker Engine at {where}: add the user to the group docker "
            "(`sudo usermod -aG docker $USER`) and log in again, or run this as root",
            denied=True,
        )
    if "FileNotFoundError" in told:
        told = "there is no such socket"
    elif "ConnectionRefusedError" in told or "Connection refused" in told:
        told = "nothing listens there"
    elif where.startswith("ssh://"):
        told = f"ssh has to get there without a question: `docker --host {where} version` tries it"
    return UnreachableError(f"no Docker Engine answers at {where} ({told})")


def engine_host(where: str) -> str:
    """The machine of an engine elsewhere; empty for the one on this machine.

    What `ssh://` names may be an alias that only ssh's configuration knows.
    """
    parts = urlsplit(where)
    host = parts.hostname or ""
    if parts.scheme == "ssh":
        said = process.run("ssh", "-G", host).out
        host = next((line[9:] for line in said.splitlines() if line.startswith("hostname ")), host)
    elif parts.scheme not in ("tcp", "http", "https"):
        return ""
    if host in ("localhost", "127.0.0.1", "::1"):
        return ""
    return f"[{host}]" if ":" in host else host
