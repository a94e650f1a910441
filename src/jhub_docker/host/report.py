"""What there is to know of the engine in use, for a person to read."""

from typing import TYPE_CHECKING

from jhub_docker.engine import checks, restarts
from jhub_docker.engine.address import address, connect, context_name, is_default
from jhub_docker.host import setup

if TYPE_CHECKING:
    from docker import DockerClient


def status() -> str:
    """What the engine says of itself, one line per fact. Raises UnreachableError when none does."""
    client = connect()
    where, version, info = address(), client.version(), client.info()
    free = checks.free_bytes(info, where)
    facts = {
        "address": f"{where} (context {context_name()})",
        "version": f"{version['Version']}, API {version['ApiVersion']}",
        "storage driver": info["Driver"],
        "cgroup version": f"{info.get('CgroupVersion', '?')} ({info.get('CgroupDriver', '?')})",
        "data": f"{info['DockerRootDir']}, "
        + ("free space unknown" if free is None else f"{free / 1e9:.1f} GB free"),
        "started by": "invoke engine.start" if _started_here() else "somebody else",
        "at a restart": restart_hint(client) or "containers go on running",
    }
    return "\n".join(f"{name:<16}{fact}" for name, fact in facts.items())


def restart_hint(client: "DockerClient") -> str | None:
    """What would make a restart of this engine harmless, if anything is to be done."""
    return restarts.hint(client.info(), started_here=_started_here())


def _started_here() -> bool:
    return is_default(address()) and setup.started_here()
