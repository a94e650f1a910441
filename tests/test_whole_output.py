"""What commands in containers print is read whole by tests, however early it comes."""

import socket
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from docker import APIClient

from jhub_testing import whole_output

SAID = {1: b"what was asked\n", 2: b"and a warning\n"}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[APIClient]:
    """Something that answers at once, all in one piece, as an engine may."""
    frames = b"".join(struct.pack(">BxxxL", one, len(text)) + text for one, text in SAID.items())
    header = (
        b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n"
        b"Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
    )

    def answer() -> None:
        connection, _ = listening.accept()
        with connection:
            while b"}" not in connection.recv(4096):
                pass
            connection.sendall(header + frames)

    with socket.socket(socket.AF_UNIX) as listening, ThreadPoolExecutor(1) as beside:
        listening.bind(str(tmp_path / "engine.sock"))
        listening.listen()
        beside.submit(answer)
        client = APIClient(f"unix://{tmp_path / 'engine.sock'}", version="1.41", timeout=60)
        yield client
        client.close()


def test_what_comes_with_the_header_is_not_lost(engine: APIClient) -> None:
    whole_output.have_it_read()
    assert engine.exec_start("some-exec", demux=True) == (SAID[1], SAID[2])
