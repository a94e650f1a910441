"""How registries are reached: over TLS with which CA, or in the clear.

Credentials are not here: the programs that talk to registries read Docker's own configuration with
its credential helpers, so that no secret passes through this library.
"""

import functools
import ipaddress
import os
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from jhub_docker.errors import UsageError
from jhub_docker.host import machine


@dataclass(frozen=True)
class Access:
    """What holds for every registry of one command.

    `ca_file` holds the CAs of registries that the machine does not trust by itself, in PEM; they
    are trusted beside the machine's. `plain_registries` (`host` or `host:port`) speak HTTP, and so
    do registries on this machine's own loopback address, as for the Docker Engine, unless there is
    a `ca_file`.
    """

    ca_file: Path | None = None
    plain_registries: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Access":
        """JHUB_REGISTRY_CA (a file) and JHUB_REGISTRY_PLAIN_HTTP (registries, with commas).

        Raises UsageError when the file is not there or holds no certificates.
        """
        ca_file = environment.get("JHUB_REGISTRY_CA", "")
        if ca_file:
            try:
                ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(ca_file)
            except OSError as error:
                what = "no PEM certificates" if isinstance(error, ssl.SSLError) else error.strerror
                raise UsageError(
                    f"JHUB_REGISTRY_CA names {ca_file}, which cannot be used ({what}); expected a "
                    "file of PEM certificates: correct the variable or unset it"
                ) from None
        plain = environment.get("JHUB_REGISTRY_PLAIN_HTTP", "").split(",")
        return cls(
            ca_file=Path(ca_file).resolve() if ca_file else None,
            plain_registries=tuple(name.strip() for name in plain if name.strip()),
        )

    def is_plain(self, registry: str) -> bool:
        """Whether this registry is spoken to in the clear."""
        alone = self.ca_file is None and _is_loopback(registry)
        return alone or registry in self.plain_registries

    def bundle(self) -> Path | None:
        """The CAs to trust in place of the machine's, which are among them; None: just those.

        Programs in Go take a given file for the whole truth; so the two are joined in one.
        """
        return Path(_joined(self.ca_file).name) if self.ca_file else None


@functools.cache
def _joined(ca_file: Path) -> IO[bytes]:
    """A file of these CAs and the machine's, for as long as this process runs."""
    file = tempfile.NamedTemporaryFile(prefix="jhub-docker-ca-", suffix=".pem")  # noqa: SIM115
    file.write(ca_file.read_bytes())
    if known := machine.ca_bundle():
        file.write(b"\n" + Path(known).read_bytes())
    file.flush()
    return file


def _is_loopback(registry: str) -> bool:
    host = registry.rpartition(":")[0] if ":" in registry.rpartition("]")[2] else registry
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
