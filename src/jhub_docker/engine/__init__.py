"""The Docker Engine: found as the Docker CLI finds it, checked, and set up where none answers."""

from jhub_docker.engine.address import UnreachableError, builder_name, cli_environment, connect
from jhub_docker.engine.checks import check
from jhub_docker.engine.report import Status, restart_hint, status
from jhub_docker.engine.setup import require, restart, start, started_here, stop

__all__ = [
    "Status",
    "UnreachableError",
    "builder_name",
    "check",
    "cli_environment",
    "connect",
    "require",
    "restart",
    "restart_hint",
    "start",
    "started_here",
    "status",
    "stop",
]
