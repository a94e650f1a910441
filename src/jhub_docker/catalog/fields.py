"""Single fields of a package's `[tool.jhub-docker]`: read, or refused with what was expected.

Which fields there are, and what they mean together, is the catalog's business.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from jhub_docker.catalog import version
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


def _gpus(value: Any) -> bool:
    wanted = {"count": value} if not isinstance(value, dict) else value
    count, kind = wanted.get("count", 1), wanted.get("kind", "vendor/class")
    known = set(wanted) <= {"count", "kind"} and type(count) is int and 0 < count <= _MOST_GPUS
    return known and isinstance(kind, str) and bool(_KIND.fullmatch(kind))


def _budget(value: Any) -> bool:
    known = {one.name for one in fields(Budget)}
    return (
        isinstance(value, dict)
        and known - {"tolerance"} <= set(value) <= known
        and all(isinstance(number, int) and number >= 0 for number in value.values())
    )


def _texts(value: Any, pattern: str = ".*") -> bool:
    return isinstance(value, list) and all(
        isinstance(one, str) and re.fullmatch(pattern, one) for one in value
    )


def _like(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


Rule = tuple[Callable[[Any], bool], str]
"""What a field has to be, and how that is said."""

_TEXT: Rule = (lambda value: isinstance(value, str) and value != "", "a text")
_PATH: Rule = (_like(re.compile("/.*")), 'a path such as "/lab"')
_FLAG: Rule = (lambda value: isinstance(value, bool), "true or false")
_TABLE: Rule = (lambda value: isinstance(value, dict), "a table")
_CPUS: Rule = (lambda value: type(value) in (int, float) and value > 0, "a number of CPUs")

_OWN: Mapping[str, Rule] = {
    "base": _TEXT,
    "budget": (_budget, "size and compressed in MB, layers, and perhaps tolerance in %"),
    "environment": (lambda value: value == "" or _PATH[0](value), _PATH[1]),
    "image": (_like(_REPOSITORY), 'lower-case words such as "local/uv-lab", without a tag'),
    "port": (lambda value: type(value) is int and 0 < value < 65536, "a number from 1 to 65535"),
    "probe": _PATH,
    "profiles": _TABLE,
    "publish": _FLAG,
    "routes": (
        lambda value: _texts(value, _WORD.pattern),
        'a list of first parts of paths such as ["atlas"]: small letters, digits, dashes',
    ),
    "tags": _TABLE,
    "title": _TEXT,
    "uses": (_texts, "a list of package names"),
}

OWN = frozenset({*_OWN, "platforms", "public"})
"""The fields of `[tool.jhub-docker]`."""

_RULES: Mapping[str, Rule] = {
    **_OWN,
    "project": _TABLE,
    "name": _TEXT,
    "version": (_like(version.PATTERN), "one such as 1.2.0"),
    "description": _TEXT,
}

_PROFILE: Mapping[str, Rule] = {
    "cpu_guarantee": _CPUS,
    "cpu_limit": _CPUS,
    "gpus": (_gpus, 'a number of GPUs, or such as {count = 1, kind = "nvidia.com/gpu"}'),
    "mem_limit": (lambda value: bool(_MEMORY.fullmatch(str(value))), 'an amount such as "2G"'),
    "sudo": _FLAG,
}


def needed(name: str, table: Mapping[str, Any], key: str) -> Any:
    """A field that has to be there."""
    fits, expected = _RULES[key]
    if not fits(value := table.get(key)):
        raise wrong(name, key, value, expected)
    return value


def field(name: str, table: Mapping[str, Any], key: str, default: Any = None) -> Any:
    """A field, or the default where there is none."""
    return needed(name, table, key) if key in table else default


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
    found: dict[str, str | tuple[str, ...]] = {}
    for key, value in field(name, own, "tags", {}).items():
        if not _WORD.fullmatch(key):
            raise wrong(name, "tags", key, "names of lower-case letters, digits and dashes")
        if not isinstance(value, str) and not (_texts(value) and value):
            raise wrong(name, "tags", value, "a Python distribution's name or a command as a list")
        found[key] = value if isinstance(value, str) else tuple(value)
    return found


def profiles(name: str, own: Mapping[str, Any]) -> dict[str, Profile]:
    """The table `profiles`, empty where there is none."""
    found = {}
    for size, fields_ in field(name, own, "profiles", {}).items():
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
