"""Single fields of a package's `[tool.jhub-docker]`: read, or refused with what was expected.

Which fields there are, and what they mean together, is the catalog's business.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from jhub_docker.catalog.version import Version
from jhub_docker.errors import UsageError

_IMAGE = re.compile(r"[^\s@\"']+(@sha256:[0-9a-f]{64})?")
"""An image in a registry, pinned by a digest or not; whether it is there only that can say."""

_KIND = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?/[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?", re.ASCII)
_MOST_GPUS = 64
_MEMORY = re.compile(r"\d+(\.\d+)?[KMGT]")
_REPOSITORY = re.compile(r"[a-z0-9]+(?:[._/-]+[a-z0-9]+)*")
_WORD = re.compile(r"[a-z0-9][a-z0-9-]*")


@dataclass(frozen=True)
class Profile:
    """A size a person can choose for their server.

    `cpu_guarantee` and `cpu_limit` are numbers of CPUs (no limit: None), `mem_limit` is a number
    of bytes with one of the suffixes K, M, G, T, as JupyterHub's `Spawner.mem_limit` takes it.
    `sudo` lets the person become root inside their own container. `gpus` is a number of GPUs, or
    a table with `count` and `kind`.
    """

    mem_limit: str
    cpu_guarantee: float | None = None
    cpu_limit: float | None = None
    sudo: bool = False
    gpus: int | Mapping[str, int | str] | None = None


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


_CPUS: tuple[Callable[[Any], bool], str] = (
    lambda value: type(value) in (int, float) and value > 0,
    "a number of CPUs",
)


def _gpus(value: Any) -> bool:
    wanted = {"count": value} if not isinstance(value, dict) else value
    count, kind = wanted.get("count", 1), wanted.get("kind", "vendor/class")
    known = set(wanted) <= {"count", "kind"} and type(count) is int and 0 < count <= _MOST_GPUS
    return known and isinstance(kind, str) and bool(_KIND.fullmatch(kind))


_PROFILE: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "cpu_guarantee": _CPUS,
    "cpu_limit": _CPUS,
    "gpus": (_gpus, 'a number of GPUs, or such as {count = 1, kind = "nvidia.com/gpu"}'),
    "mem_limit": (lambda value: bool(_MEMORY.fullmatch(str(value))), 'an amount such as "2G"'),
    "sudo": (lambda value: isinstance(value, bool), "true or false"),
}
"""What each field of a profile has to be, and how that is said."""


def table(name: str, owner: Mapping[str, Any], key: str) -> dict[str, Any]:
    """A field that is a table, empty where there is none."""
    value = owner.get(key, {})
    if not isinstance(value, dict):
        raise wrong(name, key, value, "a table")
    return value


def version(name: str, project: Mapping[str, Any]) -> str:
    """The field `version`, which the next release's follows from."""
    value = text(name, project, "version")
    try:
        return str(Version.parse(value))
    except UsageError:
        raise wrong(name, "version", value, "one such as 1.2.0") from None


def flag(name: str, own: Mapping[str, Any], key: str, default: bool) -> bool:
    """A field that is true or false."""
    value = own.get(key, default)
    if not isinstance(value, bool):
        raise wrong(name, key, value, "true or false")
    return value


def repository(name: str, own: Mapping[str, Any]) -> str:
    """The field `image`: what the image is called in the engine, without a tag."""
    value = own.get("image", f"local/{name}")
    if not isinstance(value, str) or not _REPOSITORY.fullmatch(value):
        raise wrong(name, "image", value, f'lower-case words such as "local/{name}", without a tag')
    return value


def environment(name: str, own: Mapping[str, Any]) -> str:
    """The field `environment`: where its Python is; empty where it has none."""
    if own.get("environment") == "":
        return ""
    return path(name, own, "environment") or "/opt/venv"


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


def routes(name: str, own: Mapping[str, Any]) -> tuple[str, ...]:
    """The field `routes`, empty where there is none: first parts of paths on the server."""
    value = own.get("routes", [])
    if not isinstance(value, list) or not all(
        isinstance(one, str) and _WORD.fullmatch(one) for one in value
    ):
        expected = 'a list of first parts of paths such as ["atlas"]: small letters, digits, dashes'
        raise wrong(name, "routes", value, expected)
    return tuple(value)


def port(name: str, own: Mapping[str, Any]) -> int | None:
    """The field `port`, None where there is none."""
    value = own.get("port")
    if value is None or (type(value) is int and 0 < value < 65536):
        return value
    raise wrong(name, "port", value, "a number from 1 to 65535")


def public(name: str, own: Mapping[str, Any], lanes: Iterable[str]) -> dict[str, str]:
    """The table `public`, empty where there is none: an image by lane, perhaps with its digest."""
    found = own.get("public", {})
    expected = f"an image for each of {', '.join(lanes)}"
    if not isinstance(found, dict) or not set(found) <= set(lanes):
        raise wrong(name, "public", found, expected)
    for lane, reference in found.items():
        if not isinstance(reference, str) or not is_image(reference):
            raise wrong(name, f"public.{lane}", reference, IMAGE_EXPECTED)
    return found


IMAGE_EXPECTED = "an image such as registry.example.org/base:1, or that with @sha256:… behind it"


def is_image(reference: str) -> bool:
    """Whether a text can name an image in a registry, by its tag, its digest or both."""
    return _IMAGE.fullmatch(reference) is not None


def tags(name: str, own: Mapping[str, Any]) -> dict[str, str | tuple[str, ...]]:
    """The table `tags`, empty where there is none."""
    found = {}
    for key, value in table(name, own, "tags").items():
        if not _WORD.fullmatch(key):
            raise wrong(name, "tags", key, "names of lower-case letters, digits and dashes")
        found[key] = _tag(name, value)
    return found


def _tag(name: str, value: object) -> str | tuple[str, ...]:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(word, str) for word in value):
        return tuple(value)
    raise wrong(name, "tags", value, "a Python distribution's name or a command as a list")


def profiles(name: str, own: Mapping[str, Any]) -> dict[str, Profile]:
    """The table `profiles`, empty where there is none."""
    found = {}
    for size, fields_ in table(name, own, "profiles").items():
        if not _WORD.fullmatch(size):
            raise wrong(name, "profiles", size, "sizes of lower-case letters, digits and dashes")
        if not isinstance(fields_, dict) or "mem_limit" not in fields_:
            raise wrong(name, f"profiles.{size}", fields_, 'a table with at least mem_limit = "2G"')
        if unknown := sorted(set(fields_) - set(_PROFILE)):
            raise wrong(name, f"profiles.{size}", unknown, f"only {', '.join(_PROFILE)}")
        for key, value in fields_.items():
            fits, expected = _PROFILE[key]
            if not fits(value):
                raise wrong(name, f"profiles.{size}.{key}", value, expected)
        found[size] = Profile(**fields_)
    return found


def budget(name: str, own: Mapping[str, Any]) -> Budget | None:
    """The table `budget`, None where there is none."""
    found = own.get("budget")
    if found is None:
        return None
    numbers = isinstance(found, dict) and all(
        isinstance(value, int) and value >= 0 for value in found.values()
    )
    known = {one.name for one in fields(Budget)}
    if not numbers or not known - {"tolerance"} <= set(found) <= known:
        raise wrong(
            name, "budget", found, "size and compressed in MB, layers, and perhaps tolerance in %"
        )
    return Budget(**found)


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
