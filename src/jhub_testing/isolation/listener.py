"""Listens on a TCP port and accepts whoever comes; runs inside containers, with nothing but Python.

Arguments: the port, 0 for any free one; with `metadata` also the address clouds tell secrets at, on
port 80: where no cloud listens there, the loopback interface has it for as long as this runs.
"""

import fcntl
import signal
import socket
import struct
import sys
import threading

METADATA = "169.254.169.254"
_ALIAS = b"lo:jhubtest"
_SIOCSIFADDR, _SIOCSIFNETMASK, _SIOCSIFFLAGS = 0x8916, 0x891C, 0x8914  # netdevice(7)


def listen(address: str, port: int) -> int:
    """Accept everybody on this address, on `::` with IPv4 as well; returns the port."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.create_server(
        (address, port), family=family, dualstack_ipv6=family == socket.AF_INET6
    )

    def accept() -> None:
        while True:
            listener.accept()[0].close()

    threading.Thread(target=accept, daemon=True).start()
    return int(listener.getsockname()[1])


def answers(address: str, port: int) -> bool:
    """Whether somebody listens there already."""
    try:
        socket.create_connection((address, port), 1).close()
    except OSError:
        return False
    return True


def _interface(request: int, payload: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, request, struct.pack("16s16s8x", _ALIAS, payload))


def _address(text: str) -> bytes:
    return struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(text))


def main() -> None:
    """Listen until told to stop."""
    done = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: done.set())
    port = int(sys.argv[1])
    try:
        port = listen("::", port)
    except OSError:
        port = listen("0.0.0.0", port)  # noqa: S104 - for machines without IPv6
    borrowed = "metadata" in sys.argv and not answers(METADATA, 80)
    if borrowed:
        _interface(_SIOCSIFADDR, _address(METADATA))
        _interface(_SIOCSIFNETMASK, _address("255.255.255.255"))
        listen(METADATA, 80)
    print("listening on", port, flush=True)
    done.wait()
    if borrowed:
        _interface(_SIOCSIFFLAGS, struct.pack("H14x", 0))  # an alias that is down is gone


if __name__ == "__main__":
    main()
