"""What makes this machine able: packages, an engine where none answers, programs."""

from jhub_docker.host.setup import require, restart, restart_hint, start, started_here, stop

__all__ = ["require", "restart", "restart_hint", "start", "started_here", "stop"]
