"""The engine's client, which says with each call for which request of the hub's it is made."""

from typing import Any

import requests
from docker import APIClient

from hub_config import tracing


class Client(APIClient):
    """docker-py's, with one more header."""

    def request(self, *args: Any, **named: Any) -> requests.Response:
        """As every call is sent."""
        if request := tracing.current_id():
            named["headers"] = {**(named.get("headers") or {}), tracing.HEADER: request}
        return super().request(*args, **named)
