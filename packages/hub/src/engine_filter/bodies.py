"""Reads JSON bodies, and compares objects field by field with a list of what may be in them.

The engine's JSON reader (Go's encoding/json) ignores the case of names and takes the last of two
equal ones. So nothing is passed on as it came: a body is parsed, judged and written anew, and only
fields from the list, in their exact spelling, are in what the engine gets.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from engine_filter.calls import Refused

Check = Callable[[Any, str], Any]
"""Gets a value and the path to it; returns what to pass on, or raises Refused."""

MAX_DEPTH = 8
_TEXT_LIMIT = 65536


def parse(raw: bytes) -> dict[str, Any]:
    """The body as an object; an empty one is an empty object. Raises Refused."""
    if not raw:
        return {}
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number)
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise Refused("the body is not JSON") from None
    if not isinstance(value, dict):
        raise Refused("the body is not an object")
    _check_depth(value, 0)
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Refused("a name comes twice in the body")
    return found


def _no_number(name: str) -> Any:
    raise ValueError(name)


def _check_depth(value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise Refused(f"the body is nested more than {MAX_DEPTH} levels")
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, dict | list):
            _check_depth(inner, depth + 1)


def fields(value: Any, allowed: Mapping[str, Check], where: str) -> dict[str, Any]:
    """The fields of `value` that are allowed and hold something.

    A field that is empty (null, false, 0, "", [] or {}) is left out, so that the engine's default
    holds: an empty MaskedPaths, for one, would uncover parts of /proc. One that is not on the list
    and not empty is refused.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refused(f"{where or 'the body'} is not an object")
    kept = {}
    for name, inner in value.items():
        path = f"{where}.{name}" if where else name
        if not inner:
            continue
        if name not in allowed:
            raise Refused(f"{path[:200]} is not among the fields the hub needs")
        kept[name] = allowed[name](inner, path)
    return kept


def as_it_is(value: Any, _where: str) -> Any:
    """Anything: it is taken apart, or compared as a whole, later."""
    return value


def text(value: Any, where: str) -> str:
    """A string without control characters that end it somewhere else."""
    if not isinstance(value, str) or "\0" in value or len(value) > _TEXT_LIMIT:
        raise Refused(f"{where} is not a text")
    return value


def texts(value: Any, where: str) -> list[str]:
    """A list of strings."""
    if not isinstance(value, list):
        raise Refused(f"{where} is not a list")
    return [text(item, where) for item in value]


def text_or_texts(value: Any, where: str) -> str | list[str]:
    """A string or a list of strings."""
    return text(value, where) if isinstance(value, str) else texts(value, where)


def yes(value: Any, where: str) -> bool:
    """True; false was left out already."""
    if value is not True:
        raise Refused(f"{where} is neither true nor false")
    return True


def number(least: int, most: int) -> Check:
    """A whole number within limits, both included."""

    def check(value: Any, where: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise Refused(f"{where} is not a number from {least} to {most}")
        return value

    return check


def one_of(*choices: Any) -> Check:
    """One of a few values."""

    def check(value: Any, where: str) -> Any:
        if not any(value == choice and type(value) is type(choice) for choice in choices):
            raise Refused(f"{where} may only be {' or '.join(map(str, choices))}")
        return value

    return check


def table(value: Any, where: str) -> dict[str, str]:
    """An object whose values are strings."""
    if not isinstance(value, dict):
        raise Refused(f"{where} is not an object")
    return {text(name, where): text(inner, where) for name, inner in value.items()}
