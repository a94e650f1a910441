"""A TLS server whose CA nobody knows: a package index and a git repository for the tests.

It makes the checks of uv, pip, git, curl and Node independent of any network, and shows that the
operator's CA bundle is what lets them through.
"""

import io
import zipfile
from importlib import resources
from pathlib import Path

import trustme
from docker.models.containers import Container

from jhub_testing.archives import archive
from jhub_testing.resources import Engine
from jhub_testing.waiting import wait_until

HOST = "packages.test"
PORT = 8443
PACKAGE = "jhub-probe"
MODULE = "jhub_probe"


class TlsPeer:
    """Serves `https://packages.test:8443/simple/` and `/repository.git` on a test network.

    `bundle` is the file, on this machine, with the CA that signed its certificate. The process
    runs in the image under test, which has the Python and the git it needs.
    """

    def __init__(
        self,
        engine: Engine,
        image: str,
        network: str,
        folder: Path,
        *,
        host: str = HOST,
        port: int = PORT,
    ) -> None:
        """`host` is the name or address in the certificate; on the network `host` it is nobody's
        alias, so it must be an address of the engine's machine.
        """
        self.index = f"https://{host}:{port}/simple/"
        self.repository = f"https://{host}:{port}/repository.git"
        authority = trustme.CA()
        self.bundle = folder / "test-ca.crt"
        authority.cert_pem.write_to_path(str(self.bundle))
        self.bundle.chmod(0o644)
        certificate = authority.issue_cert(host).private_key_and_cert_chain_pem.bytes()
        serve = (resources.files("jhub_testing.peers") / "serve_tls.py").read_bytes()
        files = {
            "serve_tls.py": serve,
            "certificate.pem": certificate,
            f"www/simple/{PACKAGE}/{MODULE}-1.0-py3-none-any.whl": _wheel(),
        }
        script = (
            "git init -q --bare /srv/peer/www/repository.git"
            " && git -C /srv/peer/www/repository.git update-server-info"
            " && exec /usr/local/bin/python3.11 /srv/peer/serve_tls.py"
            f" /srv/peer/www /srv/peer/certificate.pem {port}"
        )
        self.container: Container = engine.client.containers.create(
            image,
            ["-c", script],
            entrypoint="sh",
            user="root",
            name=engine.name("tls-peer"),
            labels=engine.labels,
            network=network,
            networking_config=None if network == "host" else {network: engine.endpoint(host)},
            healthcheck={"test": ["NONE"]},
        )
        self.container.put_archive("/srv", archive({f"peer/{k}": v for k, v in files.items()}))
        self.container.start()
        engine.watch(self.container)
        wait_until(lambda: b"serving" in self.container.logs(), "the TLS peer to serve")


def _wheel() -> bytes:
    """The smallest wheel there can be (packaging.python.org, binary distribution format 1.0)."""
    info = f"{MODULE}-1.0.dist-info"
    files = {
        f"{MODULE}.py": 'ANSWER = "from the peer"\n',
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as wheel:
        for name, text in {**files, f"{info}/RECORD": record}.items():
            wheel.writestr(name, text)
    return buffer.getvalue()
