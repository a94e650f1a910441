"""Single fields of a package's `[tool.jhub-docker]`: read, or refused with what was expected.

Which fields there are, and what they mean together, is the catalog's business.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from jhub_docker.errors import UsageError

_IMAGE = re.compile(r"[^\s@\"']+(@sha256:[0-9a-f]{64})?")
"""An image in a registry, pinned by a digest or not; whether it is there only that can say."""


@dataclass(frozen=True)
class Profile:
    """A size a person can choose for their server.

    `cpu_guarantee` and `cpu_limit` are numbers of CPUs (no limit: None), `mem_limit` is a number
    of bytes with one of the suffixes K, M, G, T, as JupyterHub's `Spawner.mem_limit` takes it.
    `sudo` lets the person become root inside their own container.
    """

    mem_limit: str
    cpu_guarantee: float | None = None
    cpu_limit: float | None = None
    sudo: bool = False


@dataclass(frozen=True)
class Budget:
    """How large a released image may be, above the public base or its stand-in.

    `size` and `compressed` are MB (10^6 bytes) of its layers as they are and as they are pushed,
    `layers` is their number. More than `tolerance` percent above fails a release; one more layer
    than allowed does so always.
    """

    size: int
    compressed: int
    layers: int
    tolerance: int = 5


PROFILE_FIELDS = {one.name for one in fields(Profile)}


def text(name: str, table: Mapping[str, Any], key: str) -> str:
    """A field that has to be a text with something in it."""
    value = table.get(key)
    if not isinstance(value, str) or not value:
        raise wrong(name, key, value, "a text")
    return value


def path(name: str, table: Mapping[str, Any], key: str) -> str | None:
    """A field that is a path on the server, None where there is none."""
    value = table.get(key)
    if value is None or (isinstance(value, str) and value.startswith("/")):
        return value
    raise wrong(name, key, value, 'a path such as "/lab"')


def port(name: str, own: Mapping[str, Any]) -> int | None:
    """The field `port`, None where there is none."""
    value = own.get("port")
    if value is None or (isinstance(value, int) and 0 < value < 65536):
        return value
    raise wrong(name, "port", value, "a number from 1 to 65535")


def public(name: str, own: Mapping[str, Any], lanes: Iterable[str]) -> dict[str, str]:
    """The table `public`, empty where there is none: an image by lane, perhaps with its digest."""
    table = own.get("public", {})
    expected = f"an image for each of {', '.join(lanes)}"
    if not isinstance(table, dict) or not set(table) <= set(lanes):
        raise wrong(name, "public", table, expected)
    for lane, reference in table.items():
        if not isinstance(reference, str) or not is_image(reference):
            raise wrong(name, f"public.{lane}", reference, IMAGE_EXPECTED)
    return table


IMAGE_EXPECTED = "an image such as registry.example.org/base:1, or that with @sha256:… behind it"


def is_image(reference: str) -> bool:
    """Whether a text can name an image in a registry, by its tag, its digest or both."""
    return _IMAGE.fullmatch(reference) is not None


def tag(name: str, value: object) -> str | tuple[str, ...]:
    """One field of `tags`."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(word, str) for word in value):
        return tuple(value)
    raise wrong(name, "tags", value, "a Python distribution's name or a command as a list")


def profiles(name: str, own: Mapping[str, Any]) -> dict[str, Profile]:
    """The table `profiles`, empty where there is none."""
    found = {}
    for size, table in own.get("profiles", {}).items():
        if not isinstance(table, dict) or not isinstance(table.get("mem_limit"), str):
            raise wrong(name, f"profiles.{size}", table, 'a table with at least mem_limit = "2G"')
        if unknown := set(table) - PROFILE_FIELDS:
            raise wrong(name, f"profiles.{size}", sorted(unknown), f"only {PROFILE_FIELDS}")
        found[size] = Profile(**table)
    return found


def budget(name: str, own: Mapping[str, Any]) -> Budget | None:
    """The table `budget`, None where there is none."""
    table = own.get("budget")
    if table is None:
        return None
    numbers = isinstance(table, dict) and all(
        isinstance(value, int) and value >= 0 for value in table.values()
    )
    known = {one.name for one in fields(Budget)}
    if not numbers or not known - {"tolerance"} <= set(table) <= known:
        raise wrong(
            name, "budget", table, "size and compressed in MB, layers, and perhaps tolerance in %"
        )
    return Budget(**table)


def wrong(name: str, key: str, value: object, expected: str) -> UsageError:
    """What is said of a field that cannot be used, or is missing (`value` None)."""
    return UsageError(
        f"{name}: pyproject.toml has {key} = {value!r}; expected {expected}"
        if value is not None
        else f"{name}: pyproject.toml lacks {key!r}; expected {expected}"
    )


def suggest(word: str, known: Iterable[str]) -> str:
    """The nearest of the known words, and all of them."""
    near = difflib.get_close_matches(word, list(known), n=1)
    listing = ", ".join(sorted(known))
    return f"did you mean {near[0]!r}? Known: {listing}" if near else f"known: {listing}"
