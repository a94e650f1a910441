"""Thousands of addresses for one process, and the way there (netdevice(7), linux/sockios.h).

It is also run by its text alone, `python -c TEXT POOL GATEWAY`, in the network of hub and proxy.
"""

import fcntl
import socket
import struct
import sys
from ipaddress import IPv4Network

_SIOCADDRT, _SIOCSIFADDR, _SIOCSIFNETMASK = 0x890B, 0x8916, 0x891C
_UP_BY_GATEWAY = 0x1 | 0x2


def _address(text: str) -> bytes:
    return struct.pack("=HH4s8x", socket.AF_INET, 0, socket.inet_aton(text))


def own(pool: IPv4Network) -> None:
    """All addresses of a network at once: what the loopback device has is local as a whole."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as kernel:
        for call, text in ((_SIOCSIFADDR, str(pool[1])), (_SIOCSIFNETMASK, str(pool.netmask))):
            fcntl.ioctl(kernel, call, struct.pack("16s16s8x", b"lo:1", _address(text)))


def route(pool: IPv4Network, gateway: str) -> None:
    """Lead there what this network namespace sends to the pool."""
    where = (_address(str(pool[0])), _address(gateway), _address(str(pool.netmask)))
    entry = struct.pack("@L16s16s16sHhLPhPLLH", 0, *where, _UP_BY_GATEWAY, 0, 0, 0, 0, 0, 0, 0, 0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as kernel:
        fcntl.ioctl(kernel, _SIOCADDRT, entry)


if __name__ == "__main__":
    route(IPv4Network(sys.argv[1]), sys.argv[2])
