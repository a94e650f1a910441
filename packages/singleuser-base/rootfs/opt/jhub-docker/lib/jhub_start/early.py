"""Begins the editor whose page the person is about to open, before Jupyter Server is imported.

jupyter-server-proxy starts an editor when its page is asked for, which is after the hub has found
the server ready. The page that a server opens is known before (`JUPYTERHUB_DEFAULT_URL`), and a
second CPU is idle meanwhile.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module, metadata
from inspect import signature
from tempfile import mkdtemp
from typing import Any

GROUP = "jupyter_serverproxy_servers"
"""The entry points of jupyter-server-proxy: a function each, that returns what a server is."""

_begun: dict[tuple[str, ...], subprocess.Popen[bytes]] = {}
"""What runs and has no supervisor yet, by its command."""

names: dict[str, tuple[str, ...]] = {}
"""The command of each editor that was begun, by its name."""


def begin(environ: Mapping[str, str]) -> None:
    """Start the editor of the default page, if that is an editor's.

    Whatever is wrong with it is told when its page is opened, by the proxy, as without this.
    """
    name = environ.get("JUPYTERHUB_DEFAULT_URL", "").strip("/").partition("/")[0]
    try:
        for point in metadata.entry_points(group=GROUP, name=name):
            _begin(point, environ)
    except Exception as error:  # any package may be behind an entry point
        print(f"jhub_start: {name} is not started ahead: {error}", file=sys.stderr)


def _begin(point: metadata.EntryPoint, environ: Mapping[str, str]) -> None:
    given = point.load()()
    place = _place(given)
    config = {**given, **{key: value for key, value in place.items() if value}}
    # A second call would make another password; the proxy's gets this one's answer.
    setattr(import_module(point.module), point.attr, lambda: config)
    arguments = {**place, "base_url": environ.get("JUPYTERHUB_SERVICE_PREFIX", "/")}
    command = tuple(render(config["command"], arguments))
    own = render(config.get("environment", {}), arguments)
    process = subprocess.Popen(command, env={**environ, **own})
    _begun[command], names[point.name] = process, command


def _place(given: Mapping[str, Any]) -> dict[str, Any]:
    """Where it will listen, as jupyter-server-proxy chooses: a private socket or a free port."""
    asked = given.get("unix_socket")
    if asked:
        if asked is True:
            asked = mkdtemp(prefix="jupyter-server-proxy-") + "/socket"
        return {"port": 0, "unix_socket": asked}
    if port := given.get("port"):
        return {"port": port, "unix_socket": ""}
    with socket.socket() as probe:
        probe.bind(("", 0))
        return {"port": probe.getsockname()[1], "unix_socket": ""}


def render(value: Any, arguments: Mapping[str, Any]) -> Any:
    """A command or an environment with its places filled in, as jupyter-server-proxy does it.

    Functions get what they ask for by name.
    """
    if callable(value):
        asked: Callable[..., Any] = value
        value = asked(**{name: arguments[name] for name in signature(asked).parameters})
    if isinstance(value, str):
        return value.format(**arguments)
    if isinstance(value, Mapping):
        return {render(key, arguments): render(one, arguments) for key, one in value.items()}
    return [render(one, arguments) for one in value]


def take(command: Sequence[str]) -> subprocess.Popen[bytes] | None:
    """Hand over what was begun with this command, once; None where nothing runs."""
    process = _begun.pop(tuple(command), None)
    return process if process and process.poll() is None else None
