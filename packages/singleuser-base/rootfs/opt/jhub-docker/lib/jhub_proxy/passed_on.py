"""Header values and the ends of sockets, as one library has them and the next wants them. Pure."""

from __future__ import annotations


def to_page(value: str) -> str:
    """A header's value as Tornado writes it (Latin-1), of one that aiohttp read (UTF-8): the same
    bytes, whatever an application takes them for.
    """
    return value.encode("utf-8", "surrogateescape").decode("latin-1")


def to_application(value: str) -> str:
    """The other way round. What is not UTF-8, aiohttp cannot write; it stays readable."""
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value


def ending(code: int | None, reason: str | None) -> tuple[int | None, str | None]:
    """The code and reason to close a socket with, of the other end's; None, None where there is
    none, or one that is never sent (RFC 6455, 7.4). Pages and kernels decide by them what to do.
    """
    if code is None or not (1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999):
        return None, None
    return code, reason
