"""The types of single values, each with words for what it allows. Pure.

Of colours also how well one is read on another, as WCAG 2.2 measures it; of destinations what an
operator allows or blocks: `10.0.0.0/24, 10.1.2.3:5432`.
"""

import ipaddress
import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Network, NetmaskValueError
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

from hub_config import variables

AA = 4.5
"""Least contrast of text (WCAG 2.2, success criterion 1.4.3, level AA)."""


@dataclass(frozen=True)
class Colour:
    """An sRGB colour, each part from 0 to 255."""

    red: int
    green: int
    blue: int

    def __str__(self) -> str:
        return f"#{self.red:02x}{self.green:02x}{self.blue:02x}"

    @property
    def parts(self) -> str:
        """As the arguments of CSS's `rgb()`."""
        return f"{self.red}, {self.green}, {self.blue}"

    @property
    def luminance(self) -> float:
        """Relative luminance, 0 (black) to 1 (white) (WCAG 2.2, relative luminance)."""
        red, green, blue = (_linear(part / 255) for part in (self.red, self.green, self.blue))
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    def mixed(self, other: "Colour", share: float) -> "Colour":
        """This colour with `share` (0 to 1) of another one in it."""
        pairs = zip(
            (self.red, self.green, self.blue), (other.red, other.green, other.blue), strict=True
        )
        return Colour(*(round(mine + (theirs - mine) * share) for mine, theirs in pairs))


WHITE = Colour(255, 255, 255)
BLACK = Colour(0, 0, 0)

LIGHT = Colour(238, 240, 244)
"""The darkest of the pages' light backgrounds; `--quiet` in platform.css."""


def parse_colour(text: str) -> Colour:
    """A colour written `#rrggbb`. Raises ValueError for anything else."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        raise ValueError("a colour such as #1f5fa8")
    return Colour(*(int(text[at : at + 2], 16) for at in (1, 3, 5)))


def contrast(one: Colour, other: Colour) -> float:
    """The contrast ratio, 1 (none) to 21 (WCAG 2.2, contrast ratio)."""
    lighter, darker = sorted((one.luminance, other.luminance), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def readable_on(background: Colour, colour: Colour) -> Colour:
    """`colour`, lightened in steps of 5 % as far as text in it needs on a dark `background`."""
    steps = (colour.mixed(WHITE, step / 20) for step in range(21))
    return next(step for step in steps if contrast(step, background) >= AA)


def checked_colour(text: str) -> str:
    """A colour that can be used for links and, with white text, for buttons.

    Raises ValueError with the measured contrast for one that is too light. White is lighter than
    `LIGHT`, so white text on the colour is read at least as well.
    """
    colour = parse_colour(text)
    measured = contrast(colour, LIGHT)
    if measured < AA:
        raise ValueError(
            f"a darker colour: the contrast of {colour} to the light page is {measured:.2f}:1, "
            f"and text needs {AA}:1 (WCAG AA)"
        )
    return str(colour)


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


MAX_PORT = 65535


@dataclass(frozen=True)
class Destination:
    """Addresses, and one TCP or UDP port of them or all that there is."""

    network: IPv4Network
    port: int | None = None


def parse_destinations(text: str) -> tuple[Destination, ...]:
    """The destinations in `text`, separated by commas; raises ValueError for anything else."""
    return tuple(_destination(part.strip()) for part in text.split(",") if part.strip())


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


Name = Annotated[str, Field(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.-]*$")]
"""A name the Docker Engine accepts for containers, networks and volumes."""

Seconds = Annotated[int, Field(ge=1)]
Number = Annotated[int, Field(ge=0)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def _absolute(path: str) -> str:
    if path and not PurePosixPath(path).is_absolute():
        raise ValueError("an absolute path on the Docker host")
    return path


def _pool(network: IPv4Network) -> IPv4Network:
    if not network.is_private or not 8 <= network.prefixlen <= 24:
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
    for part in filter(None, map(str.strip, text.split(","))):
        if not re.match(r"https?://[^/\s]+/", part):
            raise ValueError(
                "addresses with a path at least of /, separated by commas, such as "
                f"https://hooks.example.org/ (not {part!r})"
            )
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


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("a time zone such as UTC or Europe/Berlin") from None
    return name


def _networks(text: str) -> str:
    try:
        for part in filter(None, map(str.strip, text.split(","))):
            ipaddress.ip_network(part)
    except ValueError as error:
        raise ValueError(f"networks, such as 10.0.0.5 or 10.1.0.0/16 ({error})") from None
    return text


def _keys(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return frozenset(key.strip() for key in value.split(",") if key.strip())


def _variables(patterns: frozenset[str]) -> frozenset[str]:
    for one in sorted(patterns):
        if wrong := variables.complaint(one.removesuffix("*")):
            raise ValueError(f"names of variables, `*` after letters for any ending ({wrong})")
    return patterns


HostPath = Annotated[str, AfterValidator(_absolute)]
Pool = Annotated[IPv4Network, AfterValidator(_pool)]
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
TimeZone = Annotated[str, AfterValidator(_time_zone)]
Link = Annotated[str, AfterValidator(_link)]
Networks = Annotated[str, AfterValidator(_networks)]
BrandColour = Annotated[str, AfterValidator(checked_colour)]
Keys = Annotated[frozenset[str], NoDecode, BeforeValidator(_keys)]
"""Several names, separated by commas."""

Variables = Annotated[Keys, AfterValidator(_variables)]
