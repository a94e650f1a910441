"""`python -m hub_config.keeper`: what JupyterHub runs as a managed service.

Its token and the hub's API are in the environment (JupyterHub's documentation, Services).
"""

import argparse
import logging
import os
import sys
from contextlib import suppress
from functools import partial

from hub_config.first_start import Places, read_secret
from hub_config.keeper.api import HubApi, ProxyApi
from hub_config.keeper.watch import Keeper, Mend, attach_to_networks


def main() -> None:
    """Watch for ever."""
    parser = argparse.ArgumentParser(prog="keeper")
    parser.add_argument("--proxy", required=True, metavar="URL", help="the proxy's API")
    parser.add_argument("--platform", required=True, help="label on the servers' networks")
    options = parser.parse_args()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="keeper: %(message)s")
    proxy = ProxyApi(options.proxy, read_secret(Places().proxy_token))
    hub = HubApi(os.environ["JUPYTERHUB_API_URL"], os.environ["JUPYTERHUB_API_TOKEN"])
    attach = partial(attach_to_networks, options.platform)
    # JupyterHub ends its services with SIGINT; that is no error to write about.
    with suppress(KeyboardInterrupt):
        mends: dict[str, Mend] = {"networks": attach, "routes": hub.sync_proxy}
        Keeper(proxy, mends, hub.reconcile).run()


if __name__ == "__main__":
    main()
