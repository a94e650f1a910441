"""What a command in a container printed, whole.

docker-py (7.1, api/client.py) reads an answer's header by way of a buffer and the rest from the
socket below it. What came together with the header is lost, as it does when a command ends at once
and this machine is busy (github.com/docker/docker-py/issues/3332). It is read from the buffer here.
"""

import struct
from collections.abc import Iterator
from typing import IO, Any

from docker import APIClient
from docker.utils.socket import STDOUT, consume_socket_output, demux_adaptor

_HEADER = struct.Struct(">BxxxL")


def have_it_read() -> None:
    """Let docker-py read all of it from now on."""
    APIClient._read_from_socket = _read


def _read(
    self: Any, response: Any, stream: bool, tty: bool = True, demux: bool = False
) -> Iterator[Any] | Any:
    """In place of docker-py's own, which has the same arguments."""
    self._disable_socket_timeout(self._get_raw_response_socket(response))
    frames = _frames(response.raw._fp.fp, tty=tty)
    said = (demux_adaptor(*frame) if demux else frame[1] for frame in frames)
    if stream:
        return said
    try:
        return consume_socket_output(said, demux=demux)
    finally:
        response.close()


def _frames(answer: IO[bytes], *, tty: bool) -> Iterator[tuple[int, bytes]]:
    """The stream and the bytes of each piece (Docker's API, ContainerAttach)."""
    if tty:
        while piece := answer.read(1):
            yield STDOUT, piece
    while len(header := answer.read(_HEADER.size)) == _HEADER.size:
        stream, size = _HEADER.unpack(header)
        yield stream, answer.read(size)
