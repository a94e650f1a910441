"""What there is to know of the engine in use, for a person to read."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jhub_docker.engine import checks, restarts
from jhub_docker.engine.address import address, connect, context_name, is_default
from jhub_docker.host import setup

if TYPE_CHECKING:
    from docker import DockerClient


@dataclass(frozen=True)
class Status:
    """The engine in use; `free` is in bytes, None where the data root is not on this machine."""

    address: str
    context: str
    version: str
    api: str
    storage: str
    cgroup: str
    data_root: str
    free: int | None
    started_here: bool
    restart_hint: str | None

    def lines(self) -> list[str]:
        """One line per fact."""
        free = "free space unknown" if self.free is None else f"{self.free / 1e9:.1f} GB free"
        return [
            f"address         {self.address} (context {self.context})",
            f"version         {self.version}, API {self.api}",
            f"storage driver  {self.storage}",
            f"cgroup version  {self.cgroup}",
            f"data            {self.data_root}, {free}",
            f"started by      {'invoke engine.start' if self.started_here else 'somebody else'}",
            f"at a restart    {self.restart_hint or 'containers go on running'}",
        ]


def status() -> Status:
    """Ask the engine. Raises UnreachableError when none answers."""
    client = connect()
    where, version, info = address(), client.version(), client.info()
    started_here = is_default(where) and setup.started_here()
    return Status(
        address=where,
        context=context_name(),
        version=str(version["Version"]),
        api=str(version["ApiVersion"]),
        storage=str(info["Driver"]),
        cgroup=f"{info.get('CgroupVersion', '?')} ({info.get('CgroupDriver', '?')})",
        data_root=str(info["DockerRootDir"]),
        free=checks.free_bytes(info, where),
        started_here=started_here,
        restart_hint=restarts.hint(info, started_here=started_here),
    )


def restart_hint(client: "DockerClient") -> str | None:
    """What would make a restart of this engine harmless, if anything is to be done."""
    started_here = is_default(address()) and setup.started_here()
    return restarts.hint(client.info(), started_here=started_here)
