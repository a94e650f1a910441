"""Whether hub or proxy answer at an address. It is asked from here, or from the hub's container,
where this is sent as text, so standard library only; there it prints both parts as JSON.
"""

import json
import ssl
import sys
import urllib.error
import urllib.request
from http.client import HTTPException

SECONDS = 30
"""How long an answer may take."""


def heard(url: str, context: ssl.SSLContext | None = None) -> tuple[str, str]:
    """What went wrong when an address was asked, empty for an answer of hub or proxy; and what a
    hub that answers says is wrong."""
    # No proxy leads to the platform's own machine.
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    try:
        with opener.open(url, timeout=SECONDS):
            return "", ""
    except urllib.error.HTTPError as error:
        complaint = _complaint(error)
        return ("", complaint) if complaint else (f"status {error.code}", "")
    except (OSError, HTTPException) as error:
        return reason(error), ""


def _complaint(error: urllib.error.HTTPError) -> str:
    """What a hub that answers says is wrong; empty where it is not the hub that answered.

    It says 503 of itself while its disk is full, and the proxy says it while there is no hub, with
    a message of its own and when to ask again (packages/proxy/hub-away.mjs).
    """
    if error.headers.get("Retry-After"):
        return ""
    try:
        return str(json.loads(error.read(10_000))["message"])
    except (ValueError, LookupError, TypeError):
        return ""


def reason(error: Exception) -> str:
    """Why there was no answer, in a few words."""
    why = getattr(error, "reason", error)
    if isinstance(why, ssl.SSLCertVerificationError):
        return f"its certificate is refused: {why.verify_message}"
    return str(getattr(why, "strerror", None) or why).lower()


if __name__ == "__main__":
    print(json.dumps(heard(sys.argv[1])))
