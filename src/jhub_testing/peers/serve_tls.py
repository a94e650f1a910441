"""Serve a folder over TLS: `python serve_tls.py FOLDER CERTIFICATE PORT`."""

import functools
import http.server
import ssl
import sys

folder, certificate, port = sys.argv[1:]
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(certificate)
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
server = http.server.ThreadingHTTPServer(("0.0.0.0", int(port)), handler)  # noqa: S104
server.socket = context.wrap_socket(server.socket, server_side=True)
print(f"serving {folder} on port {port}", flush=True)
server.serve_forever()
