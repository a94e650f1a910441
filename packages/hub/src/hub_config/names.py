"""Names and labels of what belongs to people: readable, different for each person and server."""

import os
import re
import string
from collections.abc import Mapping

from escapism import escape, unescape

SERVICE = os.environ.get("HUB_SERVICE", "hub")
"""What compose.yaml calls the service that this container is of; there may be several hubs."""

EPOCH_VARIABLE = "HUB_EPOCH"
"""The environment variable of a hub that has taken over, and of its services (`leading`)."""

LABEL = "io.jhub-docker"
PLATFORM, USER, SERVER, PROFILE, DATABASE, OWNER, HOME, REQUEST = (
    f"{LABEL}.{part}"
    for part in ("platform", "user", "server", "profile", "database", "owner", "home", "request")
)
"""By these an operator, a backup, the hub and the tests find what belongs to whom. `database` is
the id of the hub's database, `owner` a person's id in it, `home` a random word for each home and
each group's own folder, `request` the id of the request that started a server, as logs have it."""

DEVICES = f"{LABEL}.devices"
"""The GPUs that a container was given, with commas between them."""

FOLDER = f"{LABEL}.folder"
"""On the volume of a shared folder: what it is called for people."""

LONGEST = 255
"""Bytes of a file's name (limits.h), which a volume is for the engine."""

NAME = f"{LABEL}.name"
"""What the hub calls it, where the runtime takes other names, or has to be asked by a label."""

SHARES_OF_A_CPU = 1024
"""The kernel's weight of a CPU that is guaranteed (Docker's reference: --cpu-shares)."""

_SAFE = frozenset(string.ascii_lowercase + string.digits)


def part(name: str) -> str:
    """`name` with everything but a-z and 0-9 escaped as `_` and two hexadecimal digits.

    The result holds no dash, so a dash can separate parts: DockerSpawner's own escape makes user
    `a-b` and user `a` with a server `2db` both `jupyter-a-2db`.
    """
    return str(escape(name, safe=_SAFE, escape_char="_")).lower()


def container(prefix: str, user: str, server: str) -> str:
    """`<prefix>-<user>-<server>`, or `<prefix>-<user>` for the server without a name."""
    return "-".join([prefix, part(user), *([part(server)] if server else [])])


SCHEDULED, PUBLISHED = "scheduled-", "published-"
JOBS = (SCHEDULED, PUBLISHED)
"""How servers of runs and of applications are called; nobody can add one of such a name. JupyterHub
takes thirty characters, which leaves twenty for the job's own name.
"""


def is_job(server: str) -> bool:
    """Whether that server is a job's, which starts and ends by itself."""
    return server.startswith(JOBS)


def network(platform_network: str, user: str, server: str) -> str:
    """`<platform network>-<user>-<server>`: the network of one server.

    It begins with the name of the network that hub and proxy have in common, and so sorts behind
    it: a container's way out, and with it the proxy's published port, is on the first of its
    networks by name (Docker Engine before 28: libnetwork, Endpoint.Less).
    """
    return container(platform_network, user, server)


def devices(labels: Mapping[str, str]) -> tuple[str, ...]:
    """The GPUs that a container with these labels was given."""
    return tuple(filter(None, labels.get(DEVICES, "").split(",")))


def group_folder(group: str) -> str:
    """What the folder of a group is called for its members: like the group, if a file can be.

    What cannot stand in a file's name or a bind's is written as in an address.
    """
    plain = " ._-+@()"
    inner = "".join(one if one.isalnum() or one in plain else _hexed(one) for one in group)
    dotted = _hexed(inner[0]) + inner[1:] if inner[:1] in (".", " ") else inner
    return dotted[:-1] + _hexed(" ") if dotted[-1:] == " " else dotted


def _hexed(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode())


def group_volume(prefix: str, group: str, generation: int) -> str:
    """The volume of a group's own folder; no folder's name of `config.toml` holds a dot."""
    return f"{prefix}{part(group)}.{generation}"


_OWN = re.compile(r"([a-z0-9_]+)\.[1-9][0-9]{0,8}")


def folder_of(prefix: str, volume: str) -> str | None:
    """The folder a shared volume is for; None when it is no shared volume's name."""
    rest = volume.removeprefix(prefix)
    if rest != volume and re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", rest):
        return rest
    if rest == volume or not (own := _OWN.fullmatch(rest)):
        return None
    try:
        group = unescape(own[1], "_")
    except ValueError:
        return None
    return group_folder(group) if part(group) == own[1] else None


def generation_of(volume: str) -> int:
    """The number at the end of the name of a group's volume; 1 where there is none."""
    end = volume.rpartition(".")[2]
    return int(end) if end.isdecimal() else 1


def dns(name: str) -> str:
    """`name`, which was made here, as Kubernetes takes names: it knows no `_`.

    Two dashes stand for it. No part ends with an escape's `_`, so a run of dashes means one thing:
    one separates parts, two begin an escape, three are both.
    """
    return name.replace("_", "--")


def on_node(volume: str, token: str) -> str:
    """What the volume with the files of a home is called on its node of a swarm; no name that is
    made here ends with a dash and such a word.
    """
    return f"{volume}-{token[:8]}"


def home_volume(prefix: str, user: str, generation: int = 1) -> str:
    """The volume of a person's home; all servers of the person share it.

    `generation` counts the people of that name: whoever comes after somebody who was deleted gets
    `<prefix><user>.2` and so on. No escaped name holds a dot.
    """
    return prefix + part(user) + (f".{generation}" if generation > 1 else "")
