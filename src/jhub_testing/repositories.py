"""Servers that backups go to, as real ones on this machine: restic's own, and an S3."""

import json
import socket
import subprocess
import sys
from pathlib import Path

from jhub_docker.host import programs as tools
from jhub_docker.platform.ports import free_port
from jhub_testing.resources import Engine
from jhub_testing.waiting import wait_until


def host_of(engine: Engine) -> str:
    """This machine's address as containers of the engine's default network see it."""
    network = engine.client.networks.get("bridge").attrs
    address: str = network["IPAM"]["Config"][0]["Gateway"]
    return address


class Server:
    """A program that listens on a port; entering starts it, and it can be killed and come back."""

    def __init__(self, *command: str, port: int, log: Path) -> None:
        self.port = port
        self._command, self._log = command, log

    def __enter__(self) -> "Server":
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)

        def listens() -> bool:
            assert self._process.poll() is None, self._log.read_text()[-2000:]
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True

        wait_until(listens, f"{self._command[0]} to listen", ignoring=OSError)
        return self

    def kill(self) -> None:
        """End it at once, as a cut cable would."""
        self._process.kill()
        self._process.wait()

    def __exit__(self, *_: object) -> None:
        self.kill()


def rest(folder: Path, *options: str) -> Server:
    """restic's REST server on the folder."""
    port = free_port()
    program = str(tools.program("restic-rest-server"))
    listen = ("--listen", f"0.0.0.0:{port}", "--no-auth")
    log = folder.with_suffix(".log")
    return Server(program, "--path", str(folder), *listen, *options, port=port, log=log)


KEYS = {"AWS_ACCESS_KEY_ID": "backup", "AWS_SECRET_ACCESS_KEY": "of-this-test-alone"}


def s3(folder: Path) -> Server:
    """SeaweedFS's S3 on the folder, which takes KEYS."""
    folder.mkdir()
    port = free_port()
    credentials = {
        "accessKey": KEYS["AWS_ACCESS_KEY_ID"],
        "secretKey": KEYS["AWS_SECRET_ACCESS_KEY"],
    }
    identity = {"name": "backup", "credentials": [credentials], "actions": ["Admin"]}
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    # Of its own accord it takes ports 10,000 higher for gRPC, which may be none.
    own = ("master.port", "volume.port", "filer.port")
    further = (f"{name}.grpc" for name in (*own, "s3.port"))
    ports = [f"-{name}={free_port()}" for name in (*own, *further)]
    none = ("-s3.port.iceberg=0", "-s3.port.lance=0")
    return Server(
        *(
            str(Path(sys.executable).with_name("weed")),
            "server",
            f"-dir={folder}",
            "-ip=127.0.0.1",
            "-ip.bind=0.0.0.0",
            "-s3",
        ),
        *(*ports, *none, f"-s3.port={port}", f"-s3.config={folder / 's3.json'}"),
        *("-master.volumeSizeLimitMB=64",),
        port=port,
        log=folder.with_suffix(".log"),
    )
