"""Names and labels of what belongs to people, in whatever runtime: readable, and different for
different people and servers.
"""

import string

from escapism import escape

LABEL = "io.jhub-docker"
PLATFORM, USER, SERVER, PROFILE, DATABASE, OWNER, HOME, REQUEST = (
    f"{LABEL}.{part}"
    for part in ("platform", "user", "server", "profile", "database", "owner", "home", "request")
)
"""By these an operator, a backup, the hub and the tests find what belongs to whom. `database` is
the id of the hub's database, `owner` a person's id in it, `home` a random word for each home,
`request` the id of the request that started a server, as logs have it."""

NAME = f"{LABEL}.name"
"""What the hub calls it, where the runtime takes other names."""

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


def network(platform_network: str, user: str, server: str) -> str:
    """`<platform network>-<user>-<server>`: the network of one server.

    It begins with the name of the network that hub and proxy have in common, and so sorts behind
    it: a container's way out, and with it the proxy's published port, is on the first of its
    networks by name (Docker Engine before 28: libnetwork, Endpoint.Less).
    """
    return container(platform_network, user, server)


def shared_volume(prefix: str, folder: str) -> str:
    """The volume of a folder that groups share; `folder` is safe by its declaration."""
    return prefix + folder


def dns(name: str) -> str:
    """`name`, which was made here, as Kubernetes takes names: it knows no `_`.

    Two dashes stand for it. No part ends with an escape's `_`, so a run of dashes means one thing:
    one separates parts, two begin an escape, three are both.
    """
    return name.replace("_", "--")


def home_volume(prefix: str, user: str, generation: int = 1) -> str:
    """The volume of a person's home; all servers of the person share it.

    `generation` counts the people of that name: whoever comes after somebody who was deleted gets
    `<prefix><user>.2` and so on. No escaped name holds a dot.
    """
    return prefix + part(user) + (f".{generation}" if generation > 1 else "")
