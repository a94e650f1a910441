"""What makes this machine able: packages, an engine where none answers, programs."""

from jhub_docker.host.setup import require, start, stop

__all__ = ["require", "start", "stop"]
