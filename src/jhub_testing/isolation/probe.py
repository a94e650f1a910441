"""Tries to reach things; runs inside containers, so with Python's standard library alone.

Argument: JSON, a list of [kind, argument...]. Prints JSON, for each whether it was reached, and
what was seen. All are tried at the same time.
"""

import contextlib
import fcntl
import json
import os
import socket
import stat
import struct
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

_SIOCSIFADDR, _SIOCSIFFLAGS = 0x8916, 0x8914  # netdevice(7); an alias that is down is gone

SECONDS = 2.0
"""How long a connection may take; what is dropped takes this long."""


def tcp(host: str, port: int) -> str:
    """Connect, and hear what the other side says unasked, if it does."""
    with socket.create_connection((host, port), SECONDS) as connection:
        return f"connected to {connection.getpeername()[0]}"


def name(host: str) -> str:
    """Find an address by name."""
    return str(socket.getaddrinfo(host, None)[0][4][0])


def link(address: str) -> str:
    """Be on the same link: after a packet to the address the kernel knows its hardware address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as packet:
        packet.settimeout(SECONDS)
        packet.connect((address, 9))
        packet.send(b"")
        with contextlib.suppress(OSError):  # nobody answers; what counts is that it was sent
            packet.recv(1)
    for line in Path("/proc/net/arp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[0] == address and int(fields[2], 16) & 2:
            return fields[3]
    raise OSError(f"{address} is no neighbour")


def file(*paths: str) -> str:
    """See a file."""
    for path in paths:
        if os.path.lexists(path):
            return path
    raise OSError("not there")


def mount(word: str) -> str:
    """Have something mounted whose place on the host holds this word."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        if word in line.split()[3]:
            return line.split()[4]
    raise OSError("not mounted")


def raw() -> str:
    """Open a socket that sends and sees whole packets."""
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close()
    return "opened"


def address(text: str) -> str:
    """Have another address, for a moment."""
    packed = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(text))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for request, value in ((_SIOCSIFADDR, packed), (_SIOCSIFFLAGS, bytes(16))):
            fcntl.ioctl(any_socket, request, struct.pack("16s16s8x", b"eth0:probe", value))
    return text


def device() -> str:
    """Make a node of the first disk's kind."""
    with tempfile.TemporaryDirectory() as folder:
        os.mknod(f"{folder}/disk", stat.S_IFBLK | 0o600, os.makedev(8, 0))
    return "made"


KINDS = {probe.__name__: probe for probe in (tcp, name, link, file, mount, raw, address, device)}


def attempt(probe: list[Any]) -> tuple[bool, str]:
    """Whether it was reached, and what was seen."""
    try:
        return True, KINDS[probe[0]](*probe[1:])
    except OSError as error:
        return False, f"{type(error).__name__}: {error}"


def main() -> None:
    """Try all that the argument names."""
    probes = json.loads(sys.argv[1])
    with ThreadPoolExecutor(max(1, len(probes))) as threads:
        json.dump(list(threads.map(attempt, probes)), sys.stdout)


if __name__ == "__main__":
    main()
