"""The Docker Engine: found as the Docker CLI finds it, checked, and set up where none answers."""

from jhub_docker.engine.address import Unreachable, builder_name, cli_environment, connect
from jhub_docker.engine.checks import check

__all__ = ["Unreachable", "builder_name", "check", "cli_environment", "connect"]
