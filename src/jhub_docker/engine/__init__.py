"""The Docker Engine: found as the Docker CLI finds it, asked, and judged."""

from jhub_docker.engine.address import UnreachableError, builder_name, connect, docker, show_docker
from jhub_docker.engine.checks import check

__all__ = ["UnreachableError", "builder_name", "check", "connect", "docker", "show_docker"]
