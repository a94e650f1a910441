"""Something at the public address of a platform that shows a certificate, and nothing else."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import trustme

from jhub_docker.catalog.identity import LABEL
from jhub_docker.platform.ports import free_port
from jhub_testing.platforms import Platform
from jhub_testing.resources import Engine

NAME = "door.test"
"""Where the hub finds it."""

PROGRAM = """
import os, socket, ssl
open("/tmp/door.pem", "w").write(os.environ["PEM"])
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/tmp/door.pem")
with socket.create_server(("", 8443)) as listener:
    while True:
        try:
            context.wrap_socket(listener.accept()[0], server_side=True).close()
        except OSError:
            pass
"""


@dataclass(frozen=True)
class Door:
    """Its certificate is by a CA of its own; `url` is where this machine finds it."""

    url: str
    ca: trustme.CA


def opened(engine: Engine, platform: Platform) -> Door:
    """Something at the public address that shows a certificate which ends in three days."""
    ends, ca = datetime.now(UTC) + timedelta(days=3), trustme.CA()
    issued = ca.issue_cert(NAME, "localhost", not_after=ends)
    shown = issued.private_key_and_cert_chain_pem.bytes()
    network, port = platform.environment["JHUB_NETWORK"], free_port()
    engine.client.containers.run(
        f"local/jupyterhub-hub:{platform.environment['JHUB_IMAGE_TAG']}",
        ["-c", PROGRAM],
        entrypoint="python",
        environment={"PEM": shown.decode()},
        labels={**engine.labels, f"{LABEL}.platform": platform.project},
        network=network,
        networking_config={network: engine.endpoint(NAME)},
        ports={"8443/tcp": ("127.0.0.1", port)},
        detach=True,
    )
    return Door(f"https://localhost:{port}/", ca)
