"""Where people come in: what is published, who speaks TLS, and whether the hub answers there."""

import json
import ssl
import urllib.error
import urllib.request
from http.client import HTTPException
from urllib.parse import urljoin

from jhub_docker.platform.compose import HUB, TLS, Platform

ANSWER_SECONDS = 10

ROOT_CERTIFICATE = "/data/caddy/pki/authorities/local/root.crt"
"""Where Caddy has the certificate of a CA of its own."""

SHOW_ROOT = f"docker compose exec tls cat {ROOT_CERTIFICATE}"

_ASK = """
import json, sys, urllib.error, urllib.request
try:
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(sys.argv[1], timeout=5)
except urllib.error.HTTPError as error:
    try:
        if error.headers.get("Retry-After"):  # the proxy's own words
            raise ValueError
        print(json.loads(error.read(10_000))["message"])
    except (ValueError, LookupError, TypeError):
        sys.exit(f"status {error.code}")
except OSError as error:
    sys.exit(str(error))
"""


def health(address: str) -> str:
    """Where the hub says below an address that it is well."""
    return f"{address.rstrip('/')}/hub/health"


def asked(platform: Platform, path: str = "") -> tuple[str, str]:
    """What went wrong when hub and proxy were asked, and what a hub that answers says of itself.

    `path` is another one than that of the hub's health. They are asked from this machine where it
    can reach them without a name or a certificate, else from the hub's container.
    """
    if platform.direct:
        return _heard(urljoin(health(platform.address), path))
    url = urljoin(health(f"http://proxy:8000{platform.base_url}"), path)
    ended = platform.python(HUB, "-I", "-c", _ASK, url, seconds=60)
    if ended.code:
        return ended.tail(1).strip() or f"exit code {ended.code}", ""
    return "", ended.out.strip()


def ask(url: str, context: ssl.SSLContext | None = None) -> str:
    """What went wrong when an address was asked; empty for an answer of hub or proxy."""
    return _heard(url, context)[0]


def _heard(url: str, context: ssl.SSLContext | None = None) -> tuple[str, str]:
    # No proxy leads to the platform's own machine.
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    try:
        with opener.open(url, timeout=ANSWER_SECONDS):
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


def told(platform: Platform) -> list[str]:
    """What to say of the entrance to whoever starts the platform."""
    said = platform.hub_environment.get
    if TLS in platform.services:
        by, standin = platform.images[TLS], " (a stand-in: the public image cannot be pulled)"
        why = standin if by.startswith("local/") else ""
        lines = [f"TLS by Caddy from {by}{why}."]
        if said("JHUB_TLS") == "internal":
            lines.append(f"Its CA is its own; browsers want its certificate: {SHOW_ROOT}")
        return lines
    if said("JHUB_PUBLIC_URL") or said("JHUB_SUBDOMAIN_HOST"):
        return []
    if platform.on_loopback:
        return [
            "It answers on this machine alone. JHUB_DOMAIN=hub.example.org opens it to others, "
            "with TLS: docs/tls.md"
        ]
    return [
        f"Warning: plain HTTP on {platform.bind or '0.0.0.0'}, where passwords can be read on the "  # noqa: S104
        "way. JHUB_DOMAIN=hub.example.org gives it TLS: docs/tls.md"
    ]
