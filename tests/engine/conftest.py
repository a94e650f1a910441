"""What the harness is tested with: a good image made on the spot, and broken ones made from it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jhub_docker.build.images import built, here
from jhub_testing.resources import Engine
from jhub_testing.subject import Subject

Broken = Callable[..., Subject]

# Answers every path below the prefix, so that the checks of the process have a server to look at.
SERVER = """
import http.server, os, signal, sys
signal.signal(signal.SIGTERM, %(on_sigterm)s)
%(first)s
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        known = self.path.startswith(os.environ.get('JUPYTERHUB_SERVICE_PREFIX', '/'))
        self.send_response(200 if known else 404); self.end_headers(); self.wfile.write(b'{}')
http.server.ThreadingHTTPServer(('', 8888), Page).serve_forever()
"""


@pytest.fixture(scope="session")
def base(engine: Engine) -> str:
    """The operating system layer of the real images; it has no `latest`, being no one's to run."""
    # Images made from it inherit its labels; `built` tells them apart.
    found = [image for image in built(here()).values() if image.package == "singleuser-base"]
    assert found, "there is no image of singleuser-base; run `./dev invoke build`"
    return max(found, key=lambda image: image.created).image_id


@pytest.fixture
def broken(engine: Engine, base: str, tmp_path: Path) -> Iterator[Broken]:
    """Makes an image with a small server from the base: sound, but for what the test breaks. What
    runs of it ends with the test: a server that never gets well is looked at every other second.
    """
    tmp_path.chmod(0o755)
    before = {*engine.running}

    def make(
        script: str = "true",
        *changes: str,
        first: str = "",
        on_sigterm: str = "lambda *_: sys.exit(0)",
    ) -> Subject:
        server = SERVER % {"first": first, "on_sigterm": on_sigterm}
        write = f"cat >/opt/server.py <<'PYTHON'\n{server}\nPYTHON\n{script}\n"
        container = engine.client.containers.create(
            base, ["-euc", write], entrypoint="sh", user="root", labels=engine.labels
        )
        container.start()
        assert container.wait()["StatusCode"] == 0, container.logs().decode()
        name = engine.name("broken")
        command = 'CMD ["/usr/local/bin/python3.11","/opt/server.py"]'
        entry = 'ENTRYPOINT ["tini","-g","--","/usr/local/bin/start-singleuser"]'
        labels = [f'LABEL {key}="{value}"' for key, value in engine.labels.items()]
        container.commit(name, changes=[entry, command, "USER nebula", *labels, *changes])
        container.remove(force=True)
        return Subject(engine, f"{name}:latest", tmp_path, with_hub=False)

    yield make
    for name in {*engine.running} - before:
        engine.remove(engine.running[name])
