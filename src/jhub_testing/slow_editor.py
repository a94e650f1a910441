"""An editor behind jupyter-server-proxy that answers only when it was asked often enough.

How long a person waits for an editor's page cannot be asserted, but how often the editor is asked
can: one that drops the first connections is up in time only for a server that asks in short pauses.
"""

from jhub_testing.subject import Subject

NAME = "slow-editor"

DROPPED = 16
"""Connections it drops. Pauses that double from 10 ms on (simpervisor) get to 10 in `SECONDS`, and
to 15 in all the time that a process is waited for which runs.
"""

SECONDS = 5
"""jupyter-server-proxy's own patience with a server that sets none."""

_PROGRAM = f"""
import http.server, sys
class Server(http.server.ThreadingHTTPServer):
    asked = 0
    def verify_request(self, *connection):
        self.asked += 1
        return self.asked > {DROPPED}
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"the slow editor")
Server(("127.0.0.1", int(sys.argv[1])), Page).serve_forever()
"""


def is_shown(subject: Subject) -> None:
    """The slow editor's page comes; raises AssertionError when it was given up."""
    editor = {
        "command": ["/usr/local/bin/python3.11", "-c", _PROGRAM, "{port}"],
        "timeout": SECONDS,
    }
    option = f"--ServerProxy.servers={ {NAME: editor} }"
    with subject.booted(command=["jupyterhub-singleuser", option]) as server:
        answer = server.client.get(f"{NAME}/")
    assert answer.status_code == 200, f"{answer.status_code}: {answer.text[:300]}"
    assert answer.text == "the slow editor"
