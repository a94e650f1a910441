"""Reads a request's target so strictly that the engine cannot understand it in another way."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from engine_filter.calls import Refused

OLDEST_API = 44
"""API 1.44 came with Engine 25, the oldest the platform supports. Older versions read some bodies
differently (a HostConfig at start, for one: Engine API version history)."""

_VERSION = re.compile(r"/v1\.([0-9]{1,3})(?=/)")
_HARMLESS_ESCAPES = re.compile(r"%(40|3a)", re.IGNORECASE)
_PATH = re.compile(r"(/[A-Za-z0-9_.:@-]+)+")
_QUERY = re.compile(r"[A-Za-z0-9_.~%+&=:/,@*-]*")
_MAX_FIELDS = 16


@dataclass(frozen=True)
class Target:
    """`version` is a path prefix such as /v1.45, or empty; `query` holds each name once."""

    version: str
    path: str
    query: dict[str, str]


def parse(raw: str) -> Target:
    """Take a request target (RFC 9112, 3.2) apart. Raises Refused for anything ambiguous."""
    raw_path, _, raw_query = raw.partition("?")
    version, path = _split_version(raw_path)
    # docker-py escapes @ and, in some versions, the colon; nothing else needs an escape.
    path = _HARMLESS_ESCAPES.sub(lambda match: unquote(match[0]), path)
    if not _PATH.fullmatch(path) or any(part in (".", "..") for part in path.split("/")):
        raise Refused("the path is not in plain form")
    if not _QUERY.fullmatch(raw_query):
        raise Refused("the query is not in plain form")
    try:
        fields = parse_qsl(
            raw_query,
            keep_blank_values=True,
            strict_parsing=bool(raw_query),
            max_num_fields=_MAX_FIELDS,
            errors="strict",
        )
    except ValueError:
        raise Refused("the query is not in plain form") from None
    query = dict(fields)
    if len(query) != len(fields):
        raise Refused("a name comes twice in the query")
    return Target(version, path, query)


def _split_version(path: str) -> tuple[str, str]:
    match = _VERSION.match(path)
    if match is None:
        return "", path
    if int(match[1]) < OLDEST_API:
        raise Refused(f"API versions before 1.{OLDEST_API} are not passed on")
    return match[0], path[match.end() :]
