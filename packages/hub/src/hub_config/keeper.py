"""`python -m hub_config.keeper`: a service beside the hub that notices when the proxy lost its
routes, and has them restored.

The proxy keeps its routes in memory only; one that was restarted or recreated sends everybody to
the hub. JupyterHub compares routes at an interval; this one looks every second, which is cheap,
and asks the hub to compare them at once. It runs as a process of its own that JupyterHub starts,
and starts again when it ends, with its token and the hub's API in the environment (JupyterHub's
documentation, Services). Every minute it has the hub compare what runs with its
database, measure it, and begin scheduled runs that are due.
"""

import argparse
import contextlib
import logging
import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import requests
from docker.errors import DockerException

from hub_config import tracing
from hub_config.apis import PROXY_ROUTES, ask
from hub_config.first_start import Places, read_secret
from hub_config.runtime.attachments import attach_all

Routes = Mapping[str, Mapping[str, Any]]
"""By path (configurable-http-proxy's README, REST API: GET /api/routes)."""

AWAY = (requests.RequestException, DockerException)
"""What is asked does not answer, or refuses, just now."""


def are_lost(routes: Routes) -> bool:
    """Whether the hub has not told this proxy any route since it started.

    A proxy begins with one to its default target. The hub's own carries `hub`
    (jupyterhub 6.1, proxy.py, add_hub_route) and is there whether or not anybody has a server.
    """
    return not any(route.get("hub") for route in routes.values())


LOOK_EVERY = 1.0
"""Seconds between two looks; half of it is how long a lost route goes unnoticed on average."""

RECONCILE_EVERY = 60.0
"""Seconds between two comparisons of what runs with the hub's database."""

log = logging.getLogger(__name__)

Mend = Callable[[], object]
"""Mends one thing a new proxy lacks; raises one of `AWAY` when it cannot be done just now."""


class Keeper:
    """Remembers what is still to be mended, so that a failure is tried again at the next look."""

    def __init__(
        self,
        routes: Callable[[], Routes],
        mends: dict[str, Mend],
        reconcile: Mend,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`routes` asks the proxy; `mends` are by what they restore, in the order in which they are
        done.
        """
        self.routes, self.mends, self.reconcile, self.clock = routes, mends, reconcile, clock
        self.missing: set[str] = set()
        self.due = clock()

    def reconcile_in_time(self) -> None:
        """Have the hub reconcile when it is time; one that is away is asked at the next look."""
        if self.clock() >= self.due:
            try:
                self.reconcile()
            except AWAY as error:
                log.debug("%s", error)
            else:
                self.due = self.clock() + RECONCILE_EVERY

    def look(self) -> None:
        """Look once, and mend what is found missing. Raises nothing for what is away just now."""
        try:
            if are_lost(self.routes()):
                log.warning("The proxy has lost its routes")
                self.missing.update(self.mends)
        except AWAY as error:
            log.debug("%s", error)
            return
        for what, mend in self.mends.items():
            if what in self.missing:
                try:
                    mend()
                except AWAY as error:
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
    any more, a restarted one still is.
    """
    for made in attach_all(platform):
        log.info("Attached %s", made)


def main() -> None:
    """Watch for ever."""
    parser = argparse.ArgumentParser(prog="keeper")
    parser.add_argument("--platform", default="", help="label on the servers' networks, if any")
    options = parser.parse_args()
    tracing.configure_logs(os.environ.get(tracing.FORMAT, ""), "keeper: %(message)s")
    proxy_token = read_secret(Places().proxy_token)
    api, token = os.environ["JUPYTERHUB_API_URL"], os.environ["JUPYTERHUB_API_TOKEN"]

    def routes() -> Routes:
        found: Routes = ask("GET", PROXY_ROUTES, proxy_token).json()
        return found

    def post(path: str) -> object:
        return ask("POST", f"{api}/{path}", token)

    # JupyterHub ends its services with SIGINT; that is no error to write about.
    with contextlib.suppress(KeyboardInterrupt):
        mends: dict[str, Mend] = {}
        if options.platform:
            mends["networks"] = partial(attach_to_networks, options.platform)
        # Returns when the proxy's routes are complete (JupyterHub REST API, POST /proxy).
        mends["routes"] = partial(post, "proxy")
        Keeper(routes, mends, partial(post, "reconcile")).run()


if __name__ == "__main__":
    main()
