"""A container registry of the tests' own, behind a gate that can hold back and break what passes.

The registry is the distribution's (Debian: docker-registry), without a container, so that no image
has to be pulled to test pulling. The engine speaks plain HTTP to registries on 127.0.0.0/8.
"""

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bcrypt
import requests
import trustme

from jhub_docker.host import programs as tools
from jhub_docker.platform.ports import free_port
from jhub_testing.gate import Gate
from jhub_testing.waiting import ASK_AGAIN, PATIENCE, wait_until

_ROUNDS = 4
"""The least that bcrypt takes; the registry checks the password at every request."""


def executable() -> str:
    """The registry's program, unpacked where it is missing. Raises ActionError where it cannot."""
    # Its own project calls it so; Debian has it under another name.
    return shutil.which("registry") or str(tools.program("docker-registry"))


class Registry:
    """Entering starts it; `address` is what references begin with, `ca` the file with its CA.

    `direct` is the same without the gate before it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        tls: bool = False,
        people: Mapping[str, str] | None = None,
        deletes: bool = False,
    ) -> None:
        """`folder` is empty and takes what is pushed.

        With `tls` it has a certificate of a CA that nobody knows; `people` have to log in, by
        name and password; with `deletes` manifests can be deleted.
        """
        self._folder = folder
        self._direct = free_port()
        self.gate = Gate(self._direct)
        self.address = f"127.0.0.1:{self.gate.port}"
        self.direct = f"127.0.0.1:{self._direct}"
        self.ca = folder / "ca.pem"
        self._scheme = "https" if tls else "http"
        self._configuration: dict[str, Any] = {
            "version": "0.1",
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": str(folder / "blobs")},
                "delete": {"enabled": deletes},
            },
            # Its own idea of its address is that behind the gate.
            "http": {"addr": f"127.0.0.1:{self._direct}", "relativeurls": True},
        }
        if tls:
            self._configuration["http"]["tls"] = self._certificate()
        if people:
            self._configuration["auth"] = {"htpasswd": self._passwords(people)}

    def __enter__(self) -> "Registry":
        configuration = self._folder / "registry.yml"
        configuration.write_text(json.dumps(self._configuration))  # YAML's subset
        log = self.log.open("wb")
        self._process = subprocess.Popen(
            [executable(), "serve", str(configuration)], stdout=log, stderr=log
        )
        log.close()
        self.gate.start()
        url = f"{self._scheme}://{self.address}/v2/"
        verify = str(self.ca) if self._scheme == "https" else True
        wait_until(
            lambda: requests.get(url, timeout=ASK_AGAIN, verify=verify).status_code in (200, 401),
            "the registry",
            ignoring=requests.RequestException,
        )
        self.gate.forget()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Answer nobody any more."""
        self.gate.stop()
        self._process.terminate()
        self._process.wait(PATIENCE)

    @property
    def log(self) -> Path:
        """What the registry wrote."""
        return self._folder / "registry.log"

    @property
    def stored(self) -> set[str]:
        """The digests of all blobs that arrived whole, manifests among them."""
        folder = self._folder / "blobs/docker/registry/v2/blobs/sha256"
        return {f"sha256:{path.parent.name}" for path in folder.glob("*/*/data")}

    def _certificate(self) -> dict[str, str]:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.ca))
        issued = authority.issue_cert("127.0.0.1")
        chain, key = self._folder / "chain.pem", self._folder / "key.pem"
        chain.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(str(key))
        return {"certificate": str(chain), "key": str(key)}

    def _passwords(self, people: Mapping[str, str]) -> dict[str, str]:
        path = self._folder / "htpasswd"
        lines = [
            f"{name}:{bcrypt.hashpw(password.encode(), bcrypt.gensalt(_ROUNDS)).decode()}\n"
            for name, password in people.items()
        ]
        path.write_text("".join(lines))
        return {"realm": "tests", "path": str(path)}
