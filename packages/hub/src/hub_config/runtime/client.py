"""The engine's client, which says for which request, and by which of several hubs, it calls."""

import os
from typing import Any

import requests
from docker import APIClient

from engine_filter import EPOCH
from hub_config import names, tracing


class Client(APIClient):
    """docker-py's, with two more headers."""

    def __init__(self, **named: Any) -> None:
        """As docker-py's own."""
        super().__init__(**named)
        if epoch := os.environ.get(names.EPOCH_VARIABLE):
            self.headers[EPOCH] = epoch

    def request(self, *args: Any, **named: Any) -> requests.Response:
        """As every call is sent."""
        if request := tracing.current_id():
            named["headers"] = {**(named.get("headers") or {}), tracing.HEADER: request}
        return super().request(*args, **named)
