"""The Docker Engine: found as the Docker CLI finds it, asked, and judged."""

from jhub_docker.engine.address import api, builder_name, client, docker, show_docker

__all__ = ["api", "builder_name", "client", "docker", "show_docker"]
