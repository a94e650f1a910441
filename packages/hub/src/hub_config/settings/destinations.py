"""Destinations an operator allows or blocks: `10.0.0.0/24, 10.1.2.3:5432`. Pure."""

from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Network, NetmaskValueError

MAX_PORT = 65535


@dataclass(frozen=True)
class Destination:
    """Addresses, and one TCP or UDP port of them or all that there is."""

    network: IPv4Network
    port: int | None = None


def parse(text: str) -> tuple[Destination, ...]:
    """The destinations in `text`, separated by commas; raises ValueError for anything else."""
    return tuple(_one(part.strip()) for part in text.split(",") if part.strip())


def _one(text: str) -> Destination:
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
