"""Which user names people may sign up for. Pure: a name in, what is wrong with it out.

A name becomes part of a container's and a volume's name, of URLs and of database records, so it is
made of characters that all of them take as they are or that `names` escapes
without two names meeting.
"""

import re
import string
import unicodedata
from collections.abc import Iterable

MAX_LENGTH = 64
"""Escaped, it still fits the 255 characters of a volume's name beside prefix and server."""

_ALLOWED = frozenset(string.ascii_lowercase + string.digits + "._-@")

# fmt: off
RESERVED = frozenset({
    "about", "account", "accounts", "admin", "administrator", "admins", "api", "authorize",
    "bin", "billing", "config", "contact", "control", "daemon", "demo", "docker", "everyone",
    "group", "groups", "guest", "health", "help", "home", "host", "hub", "info", "internal",
    "jhub", "jovyan", "jupyter", "jupyterhub", "localhost", "login", "logout", "mail",
    "metrics", "moderator", "nebula", "nobody", "null", "operator", "owner", "platform",
    "postmaster", "proxy", "public", "root", "security", "server", "service", "services",
    "settings", "shared", "signup", "spawn", "staff", "static", "status", "sudo", "superuser",
    "support", "sys", "sysadmin", "system", "test", "token", "undefined", "user", "username",
    "users", "volume", "volumes", "webmaster", "www",
})
# fmt: on
"""Names of the platform's parts and paths, and names that promise an office their owner lacks."""

_LOOKS_LIKE = str.maketrans({"0": "o", "1": "l", "i": "l", "3": "e", "5": "s"})


def complaint(name: str) -> str:  # noqa: PLR0911  one return per rule
    """What is wrong with `name`, naming the rule that it breaks; empty when nothing is."""
    if not name:
        return "Please choose a user name."
    if len(name) > MAX_LENGTH:
        return f"This user name has {len(name)} characters; at most {MAX_LENGTH} are allowed."
    if name != name.lower():
        return f"User names are written in lower case: {name.lower()}."
    if odd := sorted(set(name) - _ALLOWED):
        listing = " ".join("space" if sign.isspace() else sign for sign in odd)
        return f"A user name has letters a-z, digits and . _ - @ only; not allowed: {listing}"
    if not (name[0].isalnum() and name[-1].isalnum()):
        return "A user name begins and ends with a letter or digit."
    if re.search(r"[._@-]{2}", name):
        return "In a user name, two of . _ - @ may not follow each other."
    if name.isdigit():
        return "A user name needs at least one letter."
    if name in RESERVED or _impression(name) in _RESERVED_IMPRESSIONS:
        return f"The user name {name} is reserved. Please choose another one."
    return ""


class Taken:
    """The names there are, and what a newcomer's may not be beside them.

    Against everybody: the same in another case or Unicode form; names that differ beyond that
    also differ once they are escaped for Docker. Against admins also what looks the same.
    """

    def __init__(self, names: Iterable[str], admins: Iterable[str]) -> None:
        self._names = set(map(_folded, names))
        self._impressions = set(map(_impression, admins))

    def complaint(self, name: str) -> str:
        """Why `name` may not stand beside them; empty when it may."""
        if _folded(name) in self._names:
            return "This user name is already in use. Please choose another one."
        if _impression(name) in self._impressions:
            return "This user name looks like an administrator's. Please choose another one."
        return ""

    def add(self, name: str) -> None:
        """From now on there is `name`, too."""
        self._names.add(_folded(name))


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def _impression(name: str) -> str:
    """What a reader takes `name` for at a glance."""
    bare = re.sub(r"[._@-]", "", _folded(name)).replace("rn", "m").replace("vv", "w")
    return bare.translate(_LOOKS_LIKE)


_RESERVED_IMPRESSIONS = frozenset(map(_impression, RESERVED))
