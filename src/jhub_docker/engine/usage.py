"""What images and build cache take on the engine's disk."""

from collections.abc import Mapping
from typing import Any

from docker import DockerClient


def of(client: DockerClient) -> Mapping[str, Any]:
    """What images and build cache take; volumes are left out, to add them up takes minutes."""
    api = client.api
    answer = api.get(
        f"{api.base_url}/v{api.api_version}/system/df", params={"type": ["image", "build-cache"]}
    )
    answer.raise_for_status()
    found: Mapping[str, Any] = answer.json()
    return found
