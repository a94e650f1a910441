"""The platform as people meet it: its public address, certificate, a websocket through all that
stands before the hub, and whom the hub takes for the visitor. Asks, and judges what came back.
"""

import json
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

import websocket

from jhub_docker.doctor import machine
from jhub_docker.doctor.findings import WARNING, Finding
from jhub_docker.platform import entrance, hearing
from jhub_docker.platform.compose import HUB, TLS, Platform

CLAIMED = "192.0.2.1"
"""An address that nobody has (RFC 5737), which the doctor says it came from."""

TICKET = """
import json
from hub_config.first_start import Places
from hub_config.login import outside
print(json.dumps([outside.TICKET, outside.ticket(Places())]))
"""


@dataclass(frozen=True)
class Visit:
    """What a websocket to the hub gave: what went wrong, or what the hub saw of the visitor.

    `hops` are the addresses that the hub was told, from the first that anybody saw to the one that
    the platform's own entrance did.
    """

    wrong: str = ""
    address: str = ""
    hops: tuple[str, ...] = ()


def answers(platform: Platform) -> list[Finding]:
    """Whether the hub answers at its own address, and if not whether the proxy does."""
    if not (wrong := entrance.asked(platform)[0]):
        return []
    proxy, _ = entrance.asked(platform, "/_chp_healthz")
    where = "nothing answers there" if proxy else "the proxy answers, the hub behind it does not"
    return [Finding("JD014", f"{entrance.health(platform.address)}: {wrong}; {where}")]


def look(platform: Platform) -> list[Finding]:
    """Ask the platform at its public address."""
    url = entrance.health(platform.public_address)
    context = _trusting(platform)
    findings: list[Finding] = []
    wrong, _ = hearing.heard(url, context)
    if platform.public_address != platform.address or TLS in platform.services:
        end = certificate_end(url, context)
        findings += machine.certificate(url, end, datetime.now(UTC))
        if wrong:
            return [Finding("JD019", f"{url}: {wrong}", WARNING), *findings]
    if not wrong:
        header, ticket = platform.told(HUB, TICKET)
        sent = [f"{header}: {ticket}"]
        plain = visit(url, sent, context)
        forged = visit(url, [*sent, f"X-Forwarded-For: {CLAIMED}"], context)
        findings += judged(url, plain, forged)
    return findings


def judged(url: str, plain: Visit, forged: Visit) -> list[Finding]:
    """A visit, and one by somebody who claims to come from elsewhere. Pure."""
    where = urlsplit(url).netloc
    if plain.wrong:
        return [Finding("JD026", f"{where}: {plain.wrong}")]
    if forged.address == CLAIMED:
        says = f"{where}: whoever says they are {CLAIMED} is taken for it"
        return [Finding("JD027", says)]
    if plain.hops and not _same(plain.address, plain.hops[0]):
        says = (
            f"{where}: everybody seems to come from {plain.address}, the proxy in front; it saw "
            f"{plain.hops[0]}"
        )
        return [Finding("JD027", says, WARNING)]
    return []


def _same(address: str, hop: str) -> bool:
    """Whether the hub's address is of this visitor; of an IPv6 one it keeps the network."""
    return address == hop or ("/" in address and ":" in hop) or hop.endswith(f":{address}")


def visit(url: str, headers: Sequence[str], context: ssl.SSLContext | None) -> Visit:
    """Open the hub's websocket beside its health, and have it say something again."""
    place = url.replace("http", "ws", 1).removesuffix("/health") + "/api/from-outside"
    word = "does this come back?"
    try:
        opened = websocket.create_connection(
            place,
            timeout=hearing.SECONDS,
            header=list(headers),
            sslopt={"context": context or ssl.create_default_context()},
            suppress_origin=True,
            http_no_proxy=["*"],
        )
        try:
            seen = json.loads(opened.recv())
            opened.send(word)
            answer = opened.recv()
        finally:
            opened.close()
    except websocket.WebSocketBadStatusException as error:
        return Visit(f"a websocket is answered with status {error.status_code}")
    except (OSError, websocket.WebSocketException, ValueError) as error:
        return Visit(f"a websocket does not open: {hearing.reason(error)}")
    if answer != word:
        return Visit("a websocket does not give back what it was sent")
    return Visit("", str(seen["address"]), tuple(seen["hops"]))


def certificate_end(url: str, context: ssl.SSLContext | None) -> datetime | None:
    """When the certificate of an address ends; None where there is none, or none to be trusted."""
    parts = urlsplit(url)
    if parts.scheme != "https":
        return None
    place = (str(parts.hostname), parts.port or 443)
    with (
        suppress(OSError),
        socket.create_connection(place, hearing.SECONDS) as plain,
        (context or ssl.create_default_context()).wrap_socket(
            plain, server_hostname=place[0]
        ) as secure,
    ):
        said = str((secure.getpeercert() or {})["notAfter"])
        return datetime.fromtimestamp(ssl.cert_time_to_seconds(said), UTC)
    return None


def _trusting(platform: Platform) -> ssl.SSLContext | None:
    """What trusts the platform's certificate where its CA is Caddy's own; else None."""
    if TLS not in platform.services or platform.hub_environment.get("JHUB_TLS") != "internal":
        return None
    ended = platform.compose("exec", "-T", TLS, "cat", entrance.ROOT_CERTIFICATE)
    return ssl.create_default_context(cadata=ended.require("Caddy's CA cannot be read", 1))
