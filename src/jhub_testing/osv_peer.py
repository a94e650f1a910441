"""A service that answers as OSV's does, from records and a table of who is affected by which.

https://google.github.io/osv.dev/api/. It compares no versions: that the real one does so is what
the code under test relies on.
"""

import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PAGE = 2
"""Vulnerabilities on one page of an answer; the rest is asked for with the page's token."""


class OsvPeer:
    """Entering starts it at `address`. `broken` paths answer 403, which nobody tries again."""

    def __init__(
        self,
        records: Mapping[str, Mapping[str, Any]],
        affected: Mapping[tuple[str, str, str], list[str]],
    ) -> None:
        """`affected` maps (ecosystem, name, version) to identifiers in `records`."""
        self.records, self.affected = records, affected
        self.broken: set[str] = set()
        self.asked: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "OsvPeer":
        # It looks every 10 ms whether it is to end; by default that is half a second.
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """One result of a batch."""
        package = query["package"]
        key = (package["ecosystem"], package["name"], query["version"])
        start = int(query.get("page_token", "0"))
        names = self.affected.get(key, [])
        result: dict[str, Any] = {}
        if page := names[start : start + PAGE]:
            result["vulns"] = [
                {"id": name, "modified": self.records[name]["modified"]} for name in page
            ]
        if start + PAGE < len(names):
            result["next_page_token"] = str(start + PAGE)
        return result


def _handler(peer: OsvPeer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            results = [peer.answer(query) for query in body["queries"]]
            self._send({"results": results} if self.path == "/v1/querybatch" else None)

        def do_GET(self) -> None:
            self._send(peer.records.get(self.path.removeprefix("/v1/vulns/")))

        def _send(self, value: Mapping[str, Any] | None) -> None:
            peer.asked.append(self.path)
            status = 403 if self.path in peer.broken else 404 if value is None else 200
            data = json.dumps(value if status == 200 else {"code": 5}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
