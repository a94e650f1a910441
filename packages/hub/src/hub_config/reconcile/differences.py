"""What the runtime has and the database does not, and the other way round; each with one remedy.

Pure. What is starting or stopping is left alone: whoever does that is at it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from hub_config.runtime.interface import Container, Key, View, Volume


class Remedy(StrEnum):
    """What is done about a difference."""

    ADOPT = "adopt"
    STOP = "stop"
    REMOVE = "remove"
    REPORT = "report"


class Kind(StrEnum):
    """What differs."""

    CONTAINER = "container"
    SERVER = "server"
    NETWORK = "network"
    HOME = "home"
    FOLDER = "folder"


@dataclass(frozen=True)
class Difference:
    """One difference: what it is called, whose it is, and a sentence for log and admins."""

    remedy: Remedy
    kind: Kind
    name: str
    sentence: str
    key: Key = ("", "")


@dataclass(frozen=True)
class KnownHome:
    """A home, or a group's folder, as the database has it; `owner` is its person or group, empty
    when it is put aside."""

    token: str
    owner: str = ""
    made: bool = True
    nobodys: bool = False
    """Whether its person or group is not in the database any more."""


@dataclass(frozen=True)
class Known:
    """What the database says. `active` are the servers that are starting, running or stopping,
    `ready` those of them that run; `unused` are networks that had no server a moment ago.
    """

    database: str
    active: frozenset[Key] = frozenset()
    ready: frozenset[Key] = frozenset()
    homes: Mapping[str, KnownHome] = field(default_factory=dict)
    folders: Mapping[str, KnownHome] = field(default_factory=dict)
    unused: frozenset[str] = frozenset()


def differences(view: View, known: Known) -> list[Difference]:
    """All differences, containers first."""
    strange = unknown(view, known)
    return [
        *_containers(view, known),
        *_servers(view, known),
        *_networks(view, known),
        *_volumes(Kind.HOME, view.volumes, strange[Kind.HOME], known.homes),
        *_volumes(Kind.FOLDER, view.folders, strange[Kind.FOLDER], known.folders),
    ]


def unknown(view: View, known: Known) -> dict[Kind, list[Volume]]:
    """The homes and groups' folders that this database does not know. A name alone makes none
    known, but folders of `config.toml` and that of everybody, which have no word on them.
    """
    groups = (one for one in view.folders if one.token)
    return {
        kind: [one for one in there if (its := of.get(one.name)) is None or its.token != one.token]
        for kind, there, of in (
            (Kind.HOME, view.volumes, known.homes),
            (Kind.FOLDER, groups, known.folders),
        )
    }


def _containers(view: View, known: Known) -> Iterator[Difference]:
    there = {network.name for network in view.networks}
    for one in view.containers:
        if found := _of_container(one, view, known, there):
            remedy, kind, what = found
            sentence = f"The container {one.name} of {_server(one.key)} {what}"
            yield Difference(remedy, kind, one.name, sentence, one.key)


def _of_container(
    one: Container, view: View, known: Known, networks: Collection[str]
) -> tuple[Remedy, Kind, str] | None:
    if one.database != known.database:
        left = "was made with another database. It is left as it is and counts as promised memory"
        return Remedy.REPORT, Kind.CONTAINER, f"{left}; {view.removal(one)} ends it."
    if one.key not in known.active:
        return Remedy.STOP, Kind.CONTAINER, "belongs to no server that runs."
    if one.key in known.ready and one.runs and one.networks.isdisjoint(networks):
        return Remedy.STOP, Kind.SERVER, "has lost its network, so nobody can reach it."
    if one.key in known.ready and one.state == "paused":
        do = f"docker unpause {one.name}, or stop the server"
        return Remedy.REPORT, Kind.CONTAINER, f"is paused, so it answers nobody; {do}."
    return None


def _servers(view: View, known: Known) -> Iterator[Difference]:
    running = {one.key for one in view.containers if one.runs}
    for key in sorted(known.ready - running):
        sentence = f"The container of {_server(key)} is gone."
        yield Difference(Remedy.STOP, Kind.SERVER, "", sentence, key)


def _networks(view: View, known: Known) -> Iterator[Difference]:
    unused = unused_networks(view, known)
    for network in view.networks:
        name = network.name
        if name in unused:
            # One that somebody is just making has no container yet.
            if name in known.unused:
                sentence = f"The network {name} has no server."
                yield Difference(Remedy.REMOVE, Kind.NETWORK, name, sentence, network.key)
        elif network.lacks and network.key in known.ready:
            sentence = f"{' and '.join(network.lacks)} are missing on the network {name}."
            yield Difference(Remedy.ADOPT, Kind.NETWORK, name, sentence, network.key)


def unused_networks(view: View, known: Known) -> frozenset[str]:
    """The networks that have no server now; the next time they are removed."""
    used = {name for one in view.containers for name in one.networks}
    return frozenset(
        one.name for one in view.networks if one.name not in used and one.key not in known.active
    )


_WORDS = {
    Kind.HOME: (
        "The home {volume}, made for {owner}, is not known to this database. Nobody gets it by "
        "name; an admin can give it to somebody on the page Homes.",
        "The home {volume} belongs to nobody any more and is put aside.",
        "The home of {owner}, the volume {volume}, is gone: somebody removed it. Its person is "
        "told at the next start.",
    ),
    Kind.FOLDER: (
        "The shared folder {volume}, made for the group {owner}, is not known to this database. "
        "An admin can give it to a group on the page Homes.",
        "The shared folder {volume} is of no group any more and is put aside.",
        "The folder of the group {owner}, the volume {volume}, is gone: somebody removed it. The "
        "next start of a member makes an empty one.",
    ),
}
"""What is said of a volume that is unknown, of nobody, or gone."""


def _volumes(
    kind: Kind, there: Iterable[Volume], unknown: Iterable[Volume], known: Mapping[str, KnownHome]
) -> Iterator[Difference]:
    is_unknown, is_nobodys, is_gone = _WORDS[kind]
    for one in unknown:
        said = is_unknown.format(volume=one.name, owner=one.user)
        yield Difference(Remedy.REPORT, kind, one.name, said)
    names = {volume.name for volume in there}
    for name, home in known.items():
        if home.nobodys:
            yield Difference(Remedy.ADOPT, kind, name, is_nobodys.format(volume=name))
        elif home.owner and home.made and name not in names:
            said = is_gone.format(volume=name, owner=home.owner)
            yield Difference(Remedy.REPORT, kind, name, said)


def _server(key: Key) -> str:
    user, server = key
    return f"{user}'s server {server}" if server else f"{user}'s server"
