"""The Docker Engine: found as the Docker CLI finds it, asked, and judged."""

from jhub_docker.engine.address import builder_name, connect, docker, show_docker

__all__ = ["builder_name", "connect", "docker", "show_docker"]
