"""Looks at the proxy every second, and mends what a new one lacks."""

import logging
import time
from collections.abc import Callable

from hub_config.keeper.api import ProxyApi, UnavailableError
from hub_config.keeper.routes import are_lost

LOOK_EVERY = 1.0
"""Seconds between two looks; half of it is how long a lost route goes unnoticed on average."""

log = logging.getLogger(__name__)

Mend = Callable[[], None]
"""Mends one thing a new proxy lacks; raises UnavailableError when it cannot be done just now."""


class Keeper:
    """Remembers what is still to be mended, so that a failure is tried again at the next look."""

    def __init__(self, proxy: ProxyApi, mends: dict[str, Mend]) -> None:
        """`mends` by what they restore, in the order in which they are done."""
        self.proxy, self.mends = proxy, mends
        self.missing: set[str] = set()

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
            time.sleep(LOOK_EVERY)
