"""What the hub does about networks before it becomes JupyterHub."""

import sys

import requests
from docker import APIClient
from docker.errors import DockerException
from docker.utils import kwargs_from_env

from hub_config.networks.attachments import attach_missing
from hub_config.networks.server_networks import ServerNetworks
from hub_config.settings import Settings


def prepare_networks(settings: Settings) -> None:
    """Remove networks of servers that are gone, and attach hub and proxy to all others.

    An engine that does not answer is no reason not to start: people can still log in, and the
    log says what is missing.
    """
    try:
        client = APIClient(version="auto", **kwargs_from_env())
        try:
            ServerNetworks(settings.platform, settings.address_pool).remove_unused(client)
            for line in attach_missing(client, settings.platform):
                print(f"Attached {line}", file=sys.stderr)
        finally:
            client.close()
    except (DockerException, requests.RequestException) as error:
        print(f"Networks of running servers may lack the hub: {error}", file=sys.stderr)
