"""The namespace that a gateway runs in, by the API server's own JSON."""

import json
from http import HTTPStatus
from pathlib import Path
from typing import Any

from kubernetes_asyncio import client, config
from kubernetes_asyncio.client import ApiException

from jhub_gateways import pods

OWN = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


class Namespace:
    """What of a platform's is in it."""

    def __init__(self, platform: str, name: str = "") -> None:
        self.platform, self.name = platform, name

    async def reach(self) -> None:
        """Reach the API server."""
        await config.load_config()
        self.api = client.CoreV1Api()
        self.name = self.name or OWN.read_text(encoding="ascii")

    async def leave(self) -> None:
        """Leave the API server, also where it was never reached."""
        if hasattr(self, "api"):
            await self.api.api_client.close()

    async def ask(self, method: str, *arguments: Any, **named: Any) -> Any:
        """Call a method of the API for this namespace; returns the answer's JSON, since the
        client's own classes lose what a newer cluster says. Raises ApiException.
        """
        named |= {"namespace": self.name, "_preload_content": False, "_request_timeout": 20}
        answer = await getattr(self.api, method)(*arguments, **named)
        body = await answer.text()
        if answer.status >= HTTPStatus.BAD_REQUEST:
            refused = ApiException(answer.status, answer.reason)
            refused.body = body
            raise refused
        return json.loads(body)

    async def listed(self, component: str, *more: str, fields: str = "") -> list[dict[str, Any]]:
        """Records of all pods of a kind, of which all `more` selectors hold too."""
        wanted = ",".join((pods.selector(self.platform, component), *filter(None, more)))
        said = await self.ask("list_namespaced_pod", label_selector=wanted, field_selector=fields)
        found: list[dict[str, Any]] = said["items"]
        return found

    async def remove(self, name: str) -> None:
        """Remove a pod; none of that name is no error."""
        try:
            await self.ask("delete_namespaced_pod", name, grace_period_seconds=5)
        except ApiException as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
