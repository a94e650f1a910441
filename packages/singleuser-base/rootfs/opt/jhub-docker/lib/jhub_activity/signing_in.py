"""What somebody reads who could not be signed in to this server, mostly since the hub does not
answer just then: JupyterHub's handler shows a number alone (jupyterhub 6.1, services/auth.py).
"""

from __future__ import annotations

from html import escape
from http import HTTPStatus
from typing import Any

WORDS = {
    "en": (
        "You could not be signed in to this server",
        "The platform does not answer at the moment; your server goes on. Try again in a minute; "
        "if this stays, tell an administrator.",
        "This sign-in was begun too long ago, or in another window. Begin it again.",
        "Try again",
    ),
    "de": (
        "Die Anmeldung an diesem Server ist nicht gelungen",
        "Die Plattform antwortet gerade nicht; Ihr Server läuft weiter. Versuchen Sie es in einer "
        "Minute erneut; bleibt es dabei, sagen Sie es der Administration.",
        "Diese Anmeldung liegt zu lange zurück oder begann in einem anderen Fenster. Beginnen Sie "
        "sie neu.",
        "Erneut versuchen",
    ),
}


def page(status: int, accepts: str, again: str) -> str:
    """The page for a status; `accepts` is what the browser says of languages, `again` the server's
    own path.
    """
    language = "de" if accepts.lower().startswith("de") else "en"
    title, away, expired, link = WORDS[language]
    told = away if status >= HTTPStatus.INTERNAL_SERVER_ERROR else expired
    return (
        f'<!DOCTYPE html><html lang="{language}"><head><meta charset="utf-8"><title>{title}</title>'
        f'</head><body><main><h1>{title}</h1><p>{told}</p><p><a href="{escape(again)}">{link}</a>'
        f"</p><p>Error {status}</p></main></body></html>"
    )


def explain() -> None:
    """Have JupyterHub's handler show that page."""
    from jupyterhub.services.auth import HubOAuthCallbackHandler  # noqa: PLC0415

    def write_error(self: Any, status_code: int, **_: Any) -> None:
        accepts = self.request.headers.get("Accept-Language", "")
        self.finish(page(status_code, accepts, self.hub_auth.base_url))

    HubOAuthCallbackHandler.write_error = write_error
