"""Names of containers and volumes: readable, and different for different people and servers."""

import string

from escapism import escape

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


def home_volume(prefix: str, user: str) -> str:
    """The volume of a person's home; all servers of the person share it."""
    return prefix + part(user)
