"""What people see when nothing answers behind the proxy: which port, and what to do."""

from __future__ import annotations

from html import escape
from typing import Any

from tornado.escape import utf8

AGAIN_SECONDS = 3
"""How often the page looks again: an application may be starting."""

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="{seconds}">
<style>body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 38rem; margin: 15vh auto;
padding: 0 1rem; color-scheme: light dark }}</style></head>
<body><h1>{title}</h1><p>{what}</p>
<p>This page looks again every {seconds} seconds.</p></body></html>
"""


def is_page(request: Any) -> bool:
    """Whether somebody opens a page, as opposed to what a page asks for by itself."""
    return request.method == "GET" and "text/html" in request.headers.get("Accept", "")


def say(handler: Any, port: int, error: Exception) -> None:
    """Answer with 502, for a person or for a program."""
    name = getattr(handler, "name", "") or f"port {port}"
    handler.log.info("No answer of %s: %s", name, error)
    title = f"Nothing answers on {name}"
    what = (
        f"No program of this server listens on {name}. If it is starting, wait; otherwise start it"
        " in a terminal and leave it running. It has to listen on 127.0.0.1 or 0.0.0.0."
    )
    if not isinstance(error, ConnectionError | OSError):
        what = f"What listens on {name} gave no proper answer: {error}."
    handler.set_status(502)
    handler.set_header("Cache-Control", "no-store")
    if is_page(handler.request):
        handler.set_header("Content-Type", "text/html; charset=utf-8")
        text = PAGE.format(title=escape(title), what=escape(what), seconds=AGAIN_SECONDS)
    else:
        handler.set_header("Content-Type", "text/plain; charset=utf-8")
        text = f"{title}. {what}\n"
    handler.finish(utf8(text))
