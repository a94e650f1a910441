"""Lays a cable: two network interfaces, one here and one in another network namespace.

Runs inside containers with NET_ADMIN, so with Python's standard library alone. Arguments: this
end's name and address, then, where the cable is still to be laid, a process in the other namespace;
the other end is called eth0. The mask is always a /30. Messages are as in rtnetlink(7), the kind is
that of veth(4).
"""

import fcntl
import os
import socket
import struct
import sys

_NEWLINK, _REQUEST_NEW_AND_ACK = 16, 0x1 | 0x4 | 0x200 | 0x400
_IFNAME, _LINKINFO, _NET_NS_PID, _KIND, _DATA, _PEER = 3, 18, 19, 1, 2, 1
_SIOCSIFADDR, _SIOCSIFNETMASK, _SIOCSIFFLAGS = 0x8916, 0x891C, 0x8914  # netdevice(7)
_UP = 0x1


def _attribute(kind: int, payload: bytes) -> bytes:
    header = struct.pack("HH", 4 + len(payload), kind)
    return header + payload + bytes(-len(payload) % 4)


def lay(name: str, process: int) -> None:
    """Make both ends."""
    link = bytes(16)  # struct ifinfomsg: anything
    peer = link + _attribute(_IFNAME, b"eth0\0")
    peer += _attribute(_NET_NS_PID, struct.pack("I", process))
    info = _attribute(_KIND, b"veth\0") + _attribute(_DATA, _attribute(_PEER, peer))
    body = link + _attribute(_IFNAME, name.encode() + b"\0") + _attribute(_LINKINFO, info)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        kernel.send(
            struct.pack("IHHII", 16 + len(body), _NEWLINK, _REQUEST_NEW_AND_ACK, 1, 0) + body
        )
        (error,) = struct.unpack_from("i", kernel.recv(4096), 16)
    if error:
        raise OSError(-error, os.strerror(-error))


def plug_in(name: str, address: str) -> None:
    """Give this end its address and switch it on."""
    for request, text in ((_SIOCSIFADDR, address), (_SIOCSIFNETMASK, "255.255.255.252")):
        _set(name, request, struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(text)))
    _set(name, _SIOCSIFFLAGS, struct.pack("H14x", _UP))


def _set(name: str, request: int, payload: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, request, struct.pack("16s16s8x", name.encode(), payload))


if __name__ == "__main__":
    if len(sys.argv) > 3:
        lay(sys.argv[1], int(sys.argv[3]))
    plug_in(sys.argv[1], sys.argv[2])
