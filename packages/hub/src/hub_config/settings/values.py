"""The types of single values, each with words for what it allows."""

import ipaddress
import re
from ipaddress import IPv4Network
from pathlib import PurePosixPath
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

from hub_config import variables
from hub_config.settings import colours, destinations

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
    destinations.parse(text)
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
        if one != "*" and (wrong := variables.complaint(one.removesuffix("*"))):
            raise ValueError(f"names of variables, `*` for any ending ({wrong})")
    return patterns


HostPath = Annotated[str, AfterValidator(_absolute)]
Pool = Annotated[IPv4Network, AfterValidator(_pool)]
Destinations = Annotated[str, AfterValidator(_destinations)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
PublicUrl = Annotated[str, AfterValidator(_public_url)]
Host = Annotated[str, AfterValidator(_host)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Link = Annotated[str, AfterValidator(_link)]
Networks = Annotated[str, AfterValidator(_networks)]
Colour = Annotated[str, AfterValidator(colours.checked)]
Keys = Annotated[frozenset[str], NoDecode, BeforeValidator(_keys)]
"""Several names, separated by commas."""

Variables = Annotated[Keys, AfterValidator(_variables)]
