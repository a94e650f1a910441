"""Hub and proxy of which only that is there what `up`, `down` and `upgrade` see of them, so that a
start takes a second.

Each release of the hub writes its name into the database as a user's, after it was started.
"""

from jhub_testing.resources import Engine

REPOSITORIES = ("local/jupyterhub-hub", "local/jupyterhub-proxy")

BROKEN = "broken"
"""A release whose hub ends, once it has changed the database."""

PRETENDED = """
import http.server, os, signal, socket, sqlite3, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            socket.create_connection(("hub", 8081)).close()
            self.send_response(200)
        except OSError:
            self.send_response(503)
        self.end_headers()
match sys.argv[1:]:
    case ["check", *_]:
        print("The settings can be used.")
    case ["hub"]:
        release = os.environ["RELEASE"]
        with sqlite3.connect("/srv/jupyterhub/jupyterhub.sqlite") as database:
            database.execute("CREATE TABLE IF NOT EXISTS users (name TEXT)")
            database.execute("INSERT INTO users VALUES (?)", [release])
        if release == "broken" or os.path.exists("/srv/jupyterhub/broken"):
            sys.exit("the hub's last words")
        http.server.ThreadingHTTPServer(("", 8081), Page).serve_forever()
    case ["guard", "--remove"]:
        pass
    case [_, *_]:
        signal.pause()
    case _:
        http.server.ThreadingHTTPServer(("", 8000), Page).serve_forever()
"""

COMMANDS = """
import sys
sys.exit("There is a person of that name, who is no canary")
"""
"""What the hub's commands say: nobody tries an upgrade out then."""

WRITE = f"""
mkdir -p /opt/hub/bin /opt/commands/hub_config
ln -s /usr/local/bin/python3.11 /opt/hub/bin/python
cat >/opt/commands/hub_config/__main__.py <<'PYTHON'
{COMMANDS}
PYTHON
cat >/opt/pretended.py <<'PYTHON'
{PRETENDED}
PYTHON
"""


def images(engine: Engine, base: str, tag: str, release: str = "first") -> str:
    """Make hub and proxy from the layer `base`; returns their tag."""
    container = engine.client.containers.create(
        base, ["-euc", WRITE], entrypoint="sh", user="root", labels=engine.labels
    )
    container.start()
    assert container.wait()["StatusCode"] == 0, container.logs().decode()
    changes = [
        'ENTRYPOINT ["/usr/local/bin/python3.11","/opt/pretended.py"]',
        "CMD []",
        "USER root",
        "WORKDIR /",
        f"ENV RELEASE={release} PYTHONPATH=/opt/commands",
        "HEALTHCHECK --interval=1s --start-period=30s --start-interval=100ms CMD true",
        *(f'LABEL {key}="{value}"' for key, value in engine.labels.items()),
    ]
    for repository in REPOSITORIES:
        container.commit(repository, tag, changes=changes)
    container.remove(force=True)
    return tag
