"""Looks at the proxy every second and mends what a new one lacks; has the hub reconcile."""

import contextlib
import logging
import time
from collections.abc import Callable

import requests
from docker import APIClient
from docker.errors import DockerException
from docker.utils import kwargs_from_env

from hub_config.keeper.api import ProxyApi, UnavailableError, are_lost
from hub_config.networks.members import attach_missing

LOOK_EVERY = 1.0
"""Seconds between two looks; half of it is how long a lost route goes unnoticed on average."""

RECONCILE_EVERY = 60.0
"""Seconds between two comparisons of what runs with the hub's database."""

log = logging.getLogger(__name__)

Mend = Callable[[], None]
"""Mends one thing a new proxy lacks; raises UnavailableError when it cannot be done just now."""


class Keeper:
    """Remembers what is still to be mended, so that a failure is tried again at the next look."""

    def __init__(
        self,
        proxy: ProxyApi,
        mends: dict[str, Mend],
        reconcile: Mend,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`mends` by what they restore, in the order in which they are done."""
        self.proxy, self.mends, self.reconcile, self.clock = proxy, mends, reconcile, clock
        self.missing: set[str] = set()
        self.due = clock()

    def reconcile_in_time(self) -> None:
        """Have the hub reconcile when it is time; one that is away is asked at the next look."""
        if self.clock() >= self.due:
            try:
                self.reconcile()
            except UnavailableError as error:
                log.debug("%s", error)
            else:
                self.due = self.clock() + RECONCILE_EVERY

    def look(self) -> None:
        """Look once, and mend what is found missing. Raises nothing for what is away just now."""
        try:
            if are_lost(self.proxy.routes()):
                log.warning("The proxy has lost its routes")
                self.missing.update(self.mends)
        except UnavailableError as error:
            log.debug("%s", error)
            return
        for what, mend in self.mends.items():
            if what in self.missing:
                try:
                    mend()
                except UnavailableError as error:
                    log.warning("The proxy's %s cannot be restored yet: %s", what, error)
                else:
                    self.missing.discard(what)
                    log.info("Restored the proxy's %s", what)

    def run(self) -> None:
        """Go on for ever."""
        while True:
            self.look()
            self.reconcile_in_time()
            time.sleep(LOOK_EVERY)


def attach_to_networks(platform: str) -> None:
    """Attach hub and proxy wherever they are missing: a recreated proxy is on no server's network
    any more, a restarted one still is. Raises UnavailableError.
    """
    try:
        with contextlib.closing(APIClient(**kwargs_from_env())) as client:
            for made in attach_missing(client, platform):
                log.info("Attached %s", made)
    except (DockerException, requests.RequestException) as error:
        raise UnavailableError(str(error)) from None
