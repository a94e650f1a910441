"""A certificate by ACME, from Pebble, the test server of Let's Encrypt's own people.

Pebble is Debian's and runs beside the platform's Caddy: no engine and no platform is needed for it.
"""

import json
import os
import shutil
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import trustme

from jhub_docker.host import programs
from jhub_docker.platform.ports import free_port
from jhub_testing import front
from jhub_testing.front import Caddy
from jhub_testing.waiting import PATIENCE, wait_until

VALID = 30
"""Seconds that Pebble's certificates are good for; Caddy renews in the last third."""


class Pebble:
    """An ACME server whose own certificate is from `authority`."""

    def __init__(self, folder: Path, http_port: int, tls_port: int) -> None:
        self.authority, self.port, self.management = trustme.CA(), free_port(), free_port()
        self.folder = folder
        own = self.authority.issue_cert("localhost", "127.0.0.1")
        own.private_key_pem.write_to_path(str(folder / "key.pem"))
        own.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
        self.authority.cert_pem.write_to_path(str(folder / "ca.pem"))
        settings = {
            "listenAddress": f"127.0.0.1:{self.port}",
            "managementListenAddress": f"127.0.0.1:{self.management}",
            "certificate": "cert.pem",
            "privateKey": "key.pem",
            "httpPort": http_port,
            "tlsPort": tls_port,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": False,
            "certificateValidityPeriod": VALID,
        }
        (folder / "pebble.json").write_text(json.dumps({"pebble": settings}))
        self.command = [str(programs.program("pebble")), "-config", "pebble.json"]
        self.environment = {**os.environ, "PEBBLE_VA_NOSLEEP": "1"}

    def root(self) -> str:
        """The certificate that what it issues goes back to, new at each start."""
        found = wait_until(
            lambda: (
                requests.get(
                    f"https://127.0.0.1:{self.management}/roots/0",
                    verify=str(self.folder / "ca.pem"),
                    timeout=PATIENCE,
                ).text
            ),
            "Pebble",
            ignoring=requests.RequestException,
        )
        assert "BEGIN CERTIFICATE" in found
        return found


@pytest.fixture
def caddy(
    pytestconfig: pytest.Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Caddy, ssl.SSLContext]]:
    """The platform's Caddy, which is told of Pebble, and what trusts Pebble's certificates."""
    monkeypatch.setenv("NO_PROXY", "*")
    place = tmp_path / "pebble"
    place.mkdir()
    with front.peer() as peer:
        # It looks every ten minutes whether a certificate ends.
        soon = {"persist_config off": "persist_config off\nrenew_interval 1s"}
        made = Caddy(pytestconfig.rootpath, tmp_path, peer.server_port, instead=soon)
        pebble = Pebble(place, made.http_port, made.port)
        made.settings = {
            "JHUB_TLS": "acme",
            "JHUB_ACME_CA": f"https://localhost:{pebble.port}/dir",
            "JHUB_ACME_EMAIL": "ops@example.org",
        }
        shutil.copyfile(place / "ca.pem", made.tls / "acme-root.pem")
        with front.running(pebble.command, place, pebble.environment):
            context = ssl.create_default_context(cadata=pebble.root())
            with made.running():
                yield made, context


def test_a_certificate_comes_by_acme_and_a_new_one_ends_no_websocket(
    caddy: tuple[Caddy, ssl.SSLContext],
) -> None:
    made, context = caddy
    made.wait_until_open(context)
    before = made.serial(context)
    opened = front.echo(f"wss://localhost:{made.port}/", context)

    def renewed() -> bool:
        return made.serial(context) != before

    wait_until(renewed, "another certificate", ignoring=OSError)
    assert front.says_again(opened)
    opened.close()
    assert oct(next((made.folder / "data").rglob("*.key")).stat().st_mode).endswith("600")
