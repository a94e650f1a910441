"""What people see where nothing is: behind the proxy, which port and what to do; elsewhere in place
of Jupyter's own page for what is wrong. In their browser's language.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any

from tornado.escape import utf8

AGAIN_SECONDS = 3
"""How often the page looks again: an application may be starting."""

NOTHING = "Nothing answers on {name}"
START_IT = (
    "No program of this server listens on {name}. If it is starting, wait; otherwise start it in a "
    "terminal and leave it running. It has to listen on 127.0.0.1 or 0.0.0.0."
)
IMPROPER = "What listens on {name} gave no proper answer: {error}."
AGAIN = "This page looks again every {seconds} seconds."
GERMAN = {
    NOTHING: "Auf {name} antwortet nichts",
    START_IT: "Kein Programm dieses Servers lauscht auf {name}. Wenn es gerade startet, warten "
    "Sie; sonst starten Sie es in einem Terminal und lassen es laufen. Es muss auf 127.0.0.1 oder "
    "0.0.0.0 lauschen.",
    IMPROPER: "Was auf {name} lauscht, hat nicht richtig geantwortet: {error}.",
    AGAIN: "Diese Seite sieht alle {seconds} Sekunden wieder nach.",
    "port {port}": "Port {port}",
    "There is no such page": "Diese Seite gibt es nicht",
    "Check the address.": "Prüfen Sie die Adresse.",
    "You may not do this": "Das dürfen Sie nicht",
    "That did not work": "Das hat nicht geklappt",
    "Open this server": "Diesen Server öffnen",
}

PAGE = """<!doctype html>
<html lang="{lang}"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width">{more}
<style>body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 38rem; margin: 15vh auto;
padding: 0 1rem; color-scheme: light dark }}</style></head>
<body><h1>{title}</h1><p>{what}</p>
<p>{after}</p></body></html>
"""


class Words:
    """Texts in the language of whoever asks: the first of a browser's that there is."""

    def __init__(self, request: Any) -> None:
        accepts = request.headers.get("Accept-Language", "").lower()
        found = re.search(r"(?<![-\w])(de|en)\b", accepts)
        self.lang = found[1] if found else "en"

    def __call__(self, text: str, **given: Any) -> str:
        """The text, filled in."""
        return (GERMAN[text] if self.lang == "de" else text).format(**given)


def is_page(request: Any) -> bool:
    """Whether somebody opens a page, as opposed to what a page asks for by itself."""
    return request.method == "GET" and "text/html" in request.headers.get("Accept", "")


def say(handler: Any, port: int, error: Exception) -> None:
    """Answer with 502, for a person or for a program."""
    words = Words(handler.request)
    name = getattr(handler, "name", "") or words("port {port}", port=port)
    handler.log.info("No answer of %s: %s", name, error)
    title, what = words(NOTHING, name=name), words(START_IT, name=name)
    if not isinstance(error, ConnectionError | OSError):
        what = words(IMPROPER, name=name, error=error)
    handler.set_status(502)
    handler.set_header("Cache-Control", "no-store")
    if is_page(handler.request):
        after = words(AGAIN, seconds=AGAIN_SECONDS)
        again = f'<meta http-equiv="refresh" content="{AGAIN_SECONDS}">'
        _finish(handler, words.lang, title, what, escape(after), again)
    else:
        handler.set_header("Content-Type", "text/plain; charset=utf-8")
        handler.finish(utf8(f"{title}. {what}\n"))


def install(handler_class: Any) -> None:
    """Have Jupyter's pages (JupyterHandler) say what is wrong so, and lead back to the server."""
    write_error = handler_class.write_error

    def said(self: Any, status_code: int, **kwargs: Any) -> None:
        if not is_page(self.request):
            write_error(self, status_code, **kwargs)
            return
        words = Words(self.request)
        error: Any = (kwargs.get("exc_info") or (None, None))[1]
        titles = {403: "You may not do this", 404: "There is no such page"}
        message = getattr(error, "log_message", None)
        what = message % error.args if message else f"{status_code} {self._reason}"
        if status_code == 404 and not message:
            what = words("Check the address.")
        link = f'<a href="{escape(self.base_url)}">{words("Open this server")}</a>'
        title = words(titles.get(status_code, "That did not work"))
        _finish(self, words.lang, title, what, link)

    handler_class.write_error = said


def _finish(handler: Any, lang: str, title: str, what: str, after: str, more: str = "") -> None:
    """Send the page; `after` and `more` are HTML."""
    handler.set_header("Content-Type", "text/html; charset=utf-8")
    text = PAGE.format(lang=lang, title=escape(title), what=escape(what), after=after, more=more)
    handler.finish(utf8(text))
