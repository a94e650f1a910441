"""Which volumes and folders of the host a new container may see. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine_filter.calls import Record, Refused
from engine_filter.ownership import labels
from engine_filter.policy import PLATFORM, Policy
from hub_config.spawning.options import CA_BUNDLE, HOME, NEW_SHARED, SHARED

_MODES = frozenset({"rw", "ro"})


@dataclass(frozen=True)
class Bind:
    """One entry of HostConfig.Binds: a volume's name or a path on the host, and where it goes."""

    source: str
    target: str
    mode: str

    @property
    def is_volume(self) -> bool:
        """Whether `source` names a volume."""
        return "/" not in self.source


def parse(binds: Iterable[str]) -> list[Bind]:
    """Take `source:target:mode` apart. Raises Refused for any other form."""
    found = []
    for bind in binds:
        match bind.split(":"):
            case [source, target, mode] if source and target and mode in _MODES:
                found.append(Bind(source, target, mode))
            case _:
                raise Refused(f"HostConfig.Binds: {bind[:200]!r} is not source:target:rw or :ro")
    return found


def check(binds: Iterable[Bind], volumes: Mapping[str, Record], policy: Policy) -> None:
    """Raises Refused unless each is a home volume at the home, a shared folder at its place, or the
    configured CA bundle.

    `volumes` holds what the engine knows of those that exist already.
    """
    seen = set()
    for bind in binds:
        if bind.target in seen:
            raise Refused(f"HostConfig.Binds: {bind.target[:200]} is there twice")
        seen.add(bind.target)
        if bind.is_volume:
            _check_volume(bind, volumes.get(bind.source, {}), policy)
        elif (bind.source, bind.target, bind.mode) != (policy.settings.ca_bundle, CA_BUNDLE, "ro"):
            raise Refused(f"HostConfig.Binds: the host's {bind.source[:200]} may not be mounted so")


def _check_volume(bind: Bind, record: Record, policy: Policy) -> None:
    folder = policy.shared_folder(bind.source)
    if folder is None and not policy.volume_name.fullmatch(bind.source):
        raise Refused(f"HostConfig.Binds: {bind.source[:200]} is not the name of a home volume")
    if labels(record).get(PLATFORM, policy.settings.platform) != policy.settings.platform:
        raise Refused(f"HostConfig.Binds: volume {bind.source} is of another platform")
    if folder is not None:
        if bind.target not in (f"{SHARED}/{folder}", NEW_SHARED):
            raise Refused(f"HostConfig.Binds: {bind.source} may only be at {SHARED}/{folder}")
    elif bind.target != HOME:
        raise Refused(f"HostConfig.Binds: a home volume may only be at {HOME}")
