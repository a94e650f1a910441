"""The platform as people meet it: its public address, certificate, a websocket through all that
stands before the hub, and whom the hub takes for the visitor. Asks, and judges what came back.
"""

import json
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import websocket

from jhub_docker.doctor import judging
from jhub_docker.doctor.findings import WARNING, Finding
from jhub_docker.platform import entrance, hearing
from jhub_docker.platform.compose import HUB, TLS, Platform
from jhub_docker.table import counted

CERTIFICATE_DAYS = (3, 14)
"""Days left to a certificate that are an error, and worth a warning: ACME renews at thirty."""

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


def look(platform: Platform) -> Iterator[Finding]:
    """Ask the platform at its public address."""
    url, context = entrance.health(platform.public_address), ssl.create_default_context()
    if TLS in platform.services and platform.hub_environment.get("JHUB_TLS") == "internal":
        ended = platform.compose("exec", "-T", TLS, "cat", entrance.ROOT_CERTIFICATE)
        context.load_verify_locations(cadata=ended.require("Caddy's CA cannot be read", 1))
    wrong, _ = hearing.heard(url, context)
    if platform.public_address != platform.address or TLS in platform.services:
        yield from certificate(url, context)
        if wrong:
            yield Finding("JD019", f"{url}: {wrong}", WARNING)
    if not wrong:
        header, ticket = platform.told(HUB, TICKET)
        sent = [f"{header}: {ticket}"]
        plain = visit(url, sent, context)
        forged = visit(url, [*sent, f"X-Forwarded-For: {CLAIMED}"], context)
        yield from judged(url, plain, forged)


def judged(url: str, plain: Visit, forged: Visit) -> list[Finding]:
    """A visit, and one by somebody who claims to come from elsewhere. Pure."""
    where = urlsplit(url).netloc
    if plain.wrong:
        return [Finding("JD026", f"{where}: {plain.wrong}")]
    if forged.address == CLAIMED:
        says = f"{where}: whoever says they are {CLAIMED} is taken for it"
        return [Finding("JD027", says)]
    first, address = next(iter(plain.hops), plain.address), plain.address
    # Of an IPv6 address the hub keeps the network.
    if address == first or ("/" in address and ":" in first) or first.endswith(f":{address}"):
        return []
    says = f"everybody seems to come from {address}, the proxy in front; it saw {first}"
    return [Finding("JD027", f"{where}: {says}", WARNING)]


def visit(url: str, headers: Sequence[str], context: ssl.SSLContext | None) -> Visit:
    """Open the hub's websocket beside its health, and have it say something again."""
    place = url.replace("http", "ws", 1).removesuffix("/health") + "/api/from-outside"
    word = "does this come back?"
    try:
        opened = websocket.create_connection(
            place,
            timeout=hearing.SECONDS,
            header=list(headers),
            sslopt={"context": context},
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


def certificate(url: str, context: ssl.SSLContext) -> list[Finding]:
    """How long the certificate of an address is good; nothing of none, or of none to be trusted."""
    parts = urlsplit(url)
    if parts.scheme != "https":
        return []
    place = (str(parts.hostname), parts.port or 443)
    try:
        with (
            socket.create_connection(place, hearing.SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=place[0]) as secure,
        ):
            end = ssl.cert_time_to_seconds(str((secure.getpeercert() or {})["notAfter"]))
    except OSError:
        return []
    days = int((end - time.time()) // 86400)
    says = f"that of {url} ends in {counted(days, 'day')}"
    return judging.by_what_is_left("JD025", says, days, CERTIFICATE_DAYS)
