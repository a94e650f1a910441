"""A recreated proxy is on no server's network any more; a restarted one still is."""

import contextlib
import logging

import requests
from docker import APIClient
from docker.errors import DockerException
from docker.utils import kwargs_from_env

from hub_config.keeper.api import UnavailableError
from hub_config.networks.attachments import attach_missing

log = logging.getLogger(__name__)


def attach_to_networks(platform: str) -> None:
    """Attach the platform's hub and proxy wherever they are missing. Raises UnavailableError."""
    try:
        with contextlib.closing(APIClient(**kwargs_from_env())) as client:
            for made in attach_missing(client, platform):
                log.info("Attached %s", made)
    except (DockerException, requests.RequestException) as error:
        raise UnavailableError(str(error)) from None
