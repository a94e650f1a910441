"""What takes too long for a scrape: when the certificate of the public address ends. It is looked
up beside it, once in a while, and only while somebody scrapes.
"""

import asyncio
import logging
import ssl
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509

EVERY = 3600.0
"""Seconds between two looks."""

SOON = 60.0
"""Seconds until the next look where no certificate was shown."""

HANDSHAKE_SECONDS = 10.0

HTTPS_PORT = 443

log = logging.getLogger(__name__)


class Slow:
    """One for the whole hub."""

    def __init__(self, public_url: str, clock: Callable[[], float] = time.monotonic) -> None:
        """`public_url` is where people open the platform; empty, or without TLS: no certificate."""
        self.public_url, self._clock = public_url, clock
        self.certificate: float | None = None
        """Seconds since the epoch; None while it is not known."""
        self._looked: float | None = None
        self._task: asyncio.Task[Any] | None = None

    def asked(self) -> None:
        """Somebody scrapes: look again when it is time, unless a look is under way."""
        if urlsplit(self.public_url).scheme != "https":
            return
        if self._task is not None and not self._task.done():
            return
        wait = SOON if self.certificate is None else EVERY
        if self._looked is None or self._clock() - self._looked >= wait:
            self._looked = self._clock()
            self._task = asyncio.ensure_future(self.look())

    async def look(self) -> None:
        """Look. Raises nothing; what cannot be known any more is not told any more."""
        url = urlsplit(self.public_url)
        try:
            ends = certificate_ends(url.hostname or "", url.port or HTTPS_PORT)
            self.certificate = await asyncio.wait_for(ends, HANDSHAKE_SECONDS)
        except (OSError, ValueError) as error:  # TimeoutError is one of the first kind
            self.certificate = None
            log.warning("The certificate of %s is not known: %s", self.public_url, error)


async def certificate_ends(host: str, port: int) -> float:
    """When the certificate that is shown there ends, whoever signed it: its age is asked, nothing
    is told. Raises OSError where none is shown.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=host)
    try:
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        writer.close()
    return x509.load_der_x509_certificate(shown).not_valid_after_utc.timestamp()
