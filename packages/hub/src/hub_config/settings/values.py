"""The types of single values, each with words for what it allows. Pure.

Of destinations what an operator allows or blocks: `10.0.0.0/24, 10.1.2.3:5432`.
"""

import ipaddress
import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Network, NetmaskValueError
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs, urlsplit
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

from hub_config import variables
from hub_config.settings.colours import checked_colour

MAX_PORT = 65535


@dataclass(frozen=True)
class Destination:
    """Addresses, and one TCP or UDP port of them or all that there is."""

    network: IPv4Network
    port: int | None = None


def parse_destinations(text: str) -> tuple[Destination, ...]:
    """The destinations in `text`, separated by commas; raises ValueError for anything else."""
    return tuple(map(_destination, listed(text)))


def listed(text: str) -> list[str]:
    """What stands between commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def _destination(text: str) -> Destination:
    address, colon, port = text.partition(":")
    try:
        if colon and not (port.isdecimal() and 1 <= int(port) <= MAX_PORT):
            raise ValueError(port)
        return Destination(IPv4Network(address), int(port) if colon else None)
    except (AddressValueError, NetmaskValueError, ValueError):
        raise ValueError(
            "IPv4 addresses or networks, each with a port or without, separated by commas, "
            f"such as 10.0.0.0/24, 10.1.2.3:5432 (not {text!r})"
        ) from None


def matching(pattern: str, wanted: str) -> AfterValidator:
    """Text that is all of `pattern` (of ASCII); `wanted` says that in words, with an example."""

    def checked(text: str) -> str:
        if not re.fullmatch(pattern, text, re.ASCII):
            raise ValueError(wanted)
        return text

    return AfterValidator(checked)


Name = Annotated[
    str,
    matching(
        "[a-zA-Z0-9][a-zA-Z0-9_.-]*",
        "letters, digits and _ . -, a letter or digit first, such as jhub-team",
    ),
]
"""A name the Docker Engine accepts for containers, networks and volumes."""

Seconds = Annotated[int, Field(ge=1)]
Number = Annotated[int, Field(ge=0)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Size = Annotated[
    str,
    matching("[1-9][0-9]*[KMGT]i?", "a whole number and K, M, G or T, perhaps with i, as in 10Gi"),
]


def _absolute(path: str) -> str:
    below = PurePosixPath(path).parts[1:]
    if path and (path[0] != "/" or not below or ".." in below):
        raise ValueError("an absolute path on the Docker host, below / and without ..")
    return path


def _pool(text: Any) -> IPv4Network:
    try:
        network = IPv4Network(text)
        usable = network.is_private and 8 <= network.prefixlen <= 24
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("a private IPv4 network from /8 to /24, such as 10.213.0.0/16")
    return network


def _destinations(text: str) -> str:
    parse_destinations(text)
    return text


def _base_url(url: str) -> str:
    if not (url.startswith("/") and url.endswith("/")):
        raise ValueError("a path that begins and ends with a slash, such as / or /team/")
    return url


def _address(url: str, wanted: str) -> str:
    """`url` where it is an http address without anything but host, port and path."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment or "@" in parts.netloc or re.search(r"\s", url):
        raise ValueError(wanted)
    return url


def _domain(name: str) -> str:
    labels = name.split(".")
    if name and (
        len(name) > 253
        or labels[-1].isdecimal()
        or not all(re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", one) for one in labels)
    ):
        raise ValueError("a name in lower case without scheme, port and path: hub.example.org")
    return name


def _public_url(url: str) -> str:
    return url and _address(url, "an address such as https://hub.example.org/")


def _host(url: str) -> str:
    wanted = "an address without a path, such as https://hub.example.org"
    if not url:
        return url
    host = urlsplit(_address(url, wanted))
    if host.path not in ("", "/"):
        raise ValueError(wanted)
    if re.fullmatch(r"[0-9.]+|\[.*|localhost", host.netloc.partition(":")[0]):
        raise ValueError("a name below which each person gets one, such as https://hub.example.org")
    return url.rstrip("/")


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"a regular expression (this one: {error})") from None
    return text


def _link(url: str) -> str:
    if url and not url.startswith(("https://", "http://", "mailto:")):
        raise ValueError("an address that begins with https://, http:// or mailto:")
    return url


def _links(text: str) -> str:
    for part in listed(text):
        if not re.match(r"https?://[^/\s]+/", part):
            raise ValueError(
                "addresses with a path at least of /, separated by commas, such as "
                f"https://hooks.example.org/ (not {part!r})"
            )
    return text


def _mail_domains(text: str) -> str:
    for part in listed(text):
        if not re.fullmatch(r"[a-zA-Z0-9-]+(\.[a-zA-Z0-9-]+)+", part):
            raise ValueError(f"domains, separated by commas, such as example.org (not {part!r})")
    return text


def _relay(url: str) -> str:
    wanted = "an address such as smtp://user@mail.example.org:587, without a password"
    try:
        place = urlsplit(url)
        usable = place.scheme in ("smtp", "smtps") and place.hostname and place.port != 0
    except ValueError:
        usable = False
    if url and (not usable or place.password or place.path not in ("", "/") or place.query):
        raise ValueError(wanted)
    return url


def _networks(text: str) -> str:
    try:
        for part in listed(text):
            ipaddress.ip_network(part)
    except ValueError as error:
        raise ValueError(f"networks, such as 10.0.0.5 or 10.1.0.0/16 ({error})") from None
    return text


def _database(url: str) -> str:
    wanted = (
        "an address such as postgresql+psycopg://hub@db.example.org/hub, without a password: that "
        "is JHUB_DB_PASSWORD, a secret that `secrets.set` keeps"
    )
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError(wanted) from None
    secret = parts.password or any("password" in name.lower() for name in parse_qs(parts.query))
    if url and (secret or not url.startswith("postgresql+psycopg://")):
        raise ValueError(wanted)
    return url


def _keys(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return frozenset(listed(value))


def _variables(patterns: frozenset[str]) -> frozenset[str]:
    for one in sorted(patterns):
        if wrong := variables.complaint(one.removesuffix("*")):
            raise ValueError(f"names of variables, `*` after letters for any ending ({wrong})")
    return patterns


def _zone(name: str) -> str:
    if name and name not in available_timezones():
        raise ValueError("a time zone of the IANA database, such as Europe/Berlin, or none")
    return name


HostPath = Annotated[str, AfterValidator(_absolute)]
Pool = Annotated[IPv4Network, BeforeValidator(_pool)]
Destinations = Annotated[str, AfterValidator(_destinations)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
Domain = Annotated[str, AfterValidator(_domain)]
Port = Annotated[int, Field(ge=1, le=MAX_PORT)]
PublicUrl = Annotated[str, AfterValidator(_public_url)]
Host = Annotated[str, AfterValidator(_host)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Links = Annotated[str, AfterValidator(_links)]
Audience = Literal["nobody", "oneself", "group", "people", "public"]
"""Who may open an application, each wider than the one before."""
Relay = Annotated[str, AfterValidator(_relay)]
MailDomains = Annotated[str, AfterValidator(_mail_domains)]
Link = Annotated[str, AfterValidator(_link)]
Networks = Annotated[str, AfterValidator(_networks)]
Zone = Annotated[str, AfterValidator(_zone)]
Locale = Annotated[
    str,
    matching(
        r"|C\.UTF-8|[a-z]{2,3}_[A-Z]{2}\.UTF-8",
        "a language, a country and UTF-8, such as de_DE.UTF-8, or C.UTF-8",
    ),
]
Tag = Annotated[
    str, matching(r"\w[\w.-]{0,127}", "a tag: letters, digits and _ . -, such as latest or 1.2.0")
]
LogSize = Annotated[str, matching("[1-9][0-9]*[kmg]", "a whole number and k, m or g, such as 10m")]
RepositoryPrefix = Annotated[
    str,
    matching(
        r"|[a-z0-9][\w./:-]*/",
        "a registry and a path with a slash at its end, such as registry.example/team/, or none",
    ),
]
Title = Annotated[str, matching(r"(?s).{1,60}", "at most 60 characters, such as Data Lab")]
FirstAdmin = Annotated[
    str,
    matching(
        "[a-z0-9][a-z0-9._@-]{0,63}",
        "up to 64 letters a-z, digits and . _ @ -, a letter or digit first, such as admin",
    ),
]
BrandColour = Annotated[str, AfterValidator(checked_colour)]
DatabaseUrl = Annotated[str, AfterValidator(_database)]
Keys = Annotated[frozenset[str], NoDecode, BeforeValidator(_keys)]
"""Several names, separated by commas."""

Variables = Annotated[Keys, AfterValidator(_variables)]
