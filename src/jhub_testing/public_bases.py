"""Images that stand for public bases, in a registry of the tests' own.

Each is what a project publishes: a tag over an index of two platforms, that moves when it likes.
"""

from contextlib import suppress
from pathlib import Path

import requests
from docker import DockerClient
from docker.errors import APIError

from jhub_docker.oci.layout import Layout
from jhub_docker.registry.access import Access
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import Remote
from jhub_testing import little_images
from jhub_testing.registry import Registry
from jhub_testing.waiting import PATIENCE


class PublicBase:
    """An image of two files, published as often as somebody likes."""

    def __init__(self, registry: Registry, repository: str, tag: str, scratch: Path) -> None:
        self.tagged = Reference(registry.direct, repository, tag)
        self._remote = Remote(Access(), pauses=())
        self._layout = Layout(scratch)

    @property
    def reference(self) -> str:
        """How a package declares it, by its tag."""
        return str(self.tagged)

    def publish(self, content: str, arm64: str = "") -> str:
        """Let the tag stand for this content, `arm64` of it for that platform; the digest."""
        manifests = []
        for platform in ("linux/amd64", "linux/arm64"):
            own = arm64 if platform.endswith("arm64") and arm64 else content
            files = {**little_images.debian({"bash": "5.2-1"}), "etc/motd": own.encode()}
            layers = [files]
            manifests.append(little_images.manifest(self._layout, layers, platform=platform))
        index = little_images.index(self._layout, manifests)
        image = self._remote.push(self._layout, index, self.tagged)
        assert self.tagged.tag  # it is made with one
        self._remote.tag(image, self.tagged.tag)
        return index.digest

    def delete(self, digest: str) -> None:
        """Have the registry forget an index, and the tag if that stands for it."""
        address = f"http://{self.tagged.registry}/v2/{self.tagged.repository}/manifests/{digest}"
        requests.delete(address, timeout=PATIENCE).raise_for_status()


def forget(client: DockerClient, *beginnings: str) -> None:
    """Take all names out of the engine that begin so, and with the last one each image."""
    for image in client.api.images():
        for name in (*(image.get("RepoTags") or ()), *(image.get("RepoDigests") or ())):
            if name.startswith(beginnings):
                with suppress(APIError):  # gone with another name of it
                    client.api.remove_image(name, force=True)
