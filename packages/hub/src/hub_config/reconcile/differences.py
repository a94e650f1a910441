"""What the runtime has and the database does not, and the other way round; each with one remedy.

Pure. What is starting or stopping is left alone: whoever does that is at it.
"""

from collections.abc import Iterator, Mapping
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
    `ready` those of them that run; `unused` are networks that had no server a moment ago. `older`
    is whether a hub that labelled no containers with it made this database.
    """

    database: str
    older: bool = False
    people: frozenset[str] = frozenset()
    active: frozenset[Key] = frozenset()
    ready: frozenset[Key] = frozenset()
    homes: Mapping[str, KnownHome] = field(default_factory=dict)
    folders: Mapping[str, KnownHome] = field(default_factory=dict)
    unused: frozenset[str] = frozenset()


def differences(view: View, known: Known) -> list[Difference]:
    """All differences, containers first."""
    return [
        *_containers(view, known),
        *_servers(view, known),
        *_networks(view, known),
        *_homes(view, known),
        *_folders(view, known),
    ]


def is_ours(container: Container, known: Known) -> bool:
    """Whether this database's hub made the container.

    One that does not say is ours where the database is as old as that and has its person: a new
    one that came in place of a lost one made none, whoever signs up by that name.
    """
    if container.database:
        return container.database == known.database
    return known.older and container.user in known.people


def unknown_homes(view: View, known: Known) -> list[Volume]:
    """The homes that this database does not know. A name alone makes none known."""
    return [
        volume
        for volume in view.volumes
        if (home := known.homes.get(volume.name)) is None or home.token != volume.token
    ]


def unknown_folders(view: View, known: Known) -> list[Volume]:
    """The folders of groups that this database does not know. Those of `config.toml` and that of
    everybody have no word on them: they are whoever's has the name.
    """
    return [
        volume
        for volume in view.folders
        if volume.token
        and ((folder := known.folders.get(volume.name)) is None or folder.token != volume.token)
    ]


def _containers(view: View, known: Known) -> Iterator[Difference]:
    there = {network.name for network in view.networks}
    for one in view.containers:
        whose = f"container {one.name} of {_server(one.key)}"
        if not is_ours(one, known):
            yield Difference(
                Remedy.REPORT,
                Kind.CONTAINER,
                one.name,
                f"The {whose} was made with another database. It is left as it is and counts as "
                f"promised memory; {view.removal(one)} ends it.",
                one.key,
            )
        elif one.key not in known.active:
            yield Difference(
                Remedy.STOP,
                Kind.CONTAINER,
                one.name,
                f"The {whose} belongs to no server that runs.",
                one.key,
            )
        elif one.key in known.ready and one.runs and not (one.networks & there):
            yield Difference(
                Remedy.STOP,
                Kind.SERVER,
                one.name,
                f"The {whose} has lost its network, so nobody can reach it.",
                one.key,
            )
        elif one.key in known.ready and one.state == "paused":
            yield Difference(
                Remedy.REPORT,
                Kind.CONTAINER,
                one.name,
                f"The {whose} is paused, so it answers nobody; docker unpause {one.name}, or stop "
                "the server.",
                one.key,
            )


def _servers(view: View, known: Known) -> Iterator[Difference]:
    running = {one.key for one in view.containers if one.runs}
    for key in sorted(known.ready - running):
        yield Difference(
            Remedy.STOP, Kind.SERVER, "", f"The container of {_server(key)} is gone.", key
        )


def _networks(view: View, known: Known) -> Iterator[Difference]:
    used = {name for one in view.containers for name in one.networks}
    for network in view.networks:
        if network.name not in used and network.key not in known.active:
            # One that somebody is just making has no container yet.
            if network.name in known.unused:
                yield Difference(
                    Remedy.REMOVE,
                    Kind.NETWORK,
                    network.name,
                    f"The network {network.name} has no server.",
                    network.key,
                )
        elif network.lacks and network.key in known.ready:
            yield Difference(
                Remedy.ADOPT,
                Kind.NETWORK,
                network.name,
                f"{' and '.join(network.lacks)} are missing on the network {network.name}.",
                network.key,
            )


def unused_networks(view: View, known: Known) -> frozenset[str]:
    """The networks that have no server now; the next time they are removed."""
    used = {name for one in view.containers for name in one.networks}
    return frozenset(
        one.name for one in view.networks if one.name not in used and one.key not in known.active
    )


def _homes(view: View, known: Known) -> Iterator[Difference]:
    for volume in unknown_homes(view, known):
        yield Difference(
            Remedy.REPORT,
            Kind.HOME,
            volume.name,
            f"The home {volume.name}, made for {volume.user}, is not known to this database. "
            "Nobody gets it by name; an admin can give it to somebody on the page Homes.",
        )
    there = {volume.name for volume in view.volumes}
    for name, home in known.homes.items():
        if home.nobodys:
            yield Difference(
                Remedy.ADOPT,
                Kind.HOME,
                name,
                f"The home {name} belongs to nobody any more and is put aside.",
            )
        elif home.owner and home.made and name not in there:
            yield Difference(
                Remedy.REPORT,
                Kind.HOME,
                name,
                f"The home of {home.owner}, the volume {name}, is gone: somebody removed it. Its "
                "person is told at the next start.",
            )


def _folders(view: View, known: Known) -> Iterator[Difference]:
    for volume in unknown_folders(view, known):
        yield Difference(
            Remedy.REPORT,
            Kind.FOLDER,
            volume.name,
            f"The shared folder {volume.name}, made for the group {volume.user}, is not known to "
            "this database. An admin can give it to a group on the page Homes.",
        )
    there = {volume.name for volume in view.folders}
    for name, folder in known.folders.items():
        if folder.nobodys:
            yield Difference(
                Remedy.ADOPT,
                Kind.FOLDER,
                name,
                f"The shared folder {name} is of no group any more and is put aside.",
            )
        elif folder.owner and folder.made and name not in there:
            yield Difference(
                Remedy.REPORT,
                Kind.FOLDER,
                name,
                f"The folder of the group {folder.owner}, the volume {name}, is gone: somebody "
                "removed it. The next start of a member makes an empty one.",
            )


def _server(key: Key) -> str:
    user, server = key
    return f"{user}'s server {server}" if server else f"{user}'s server"
