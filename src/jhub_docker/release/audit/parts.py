"""The parts of an image as package URLs: of one in the engine, or of one in a registry."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from docker import DockerClient

from jhub_docker.locks.package import package_url
from jhub_docker.oci import saved
from jhub_docker.oci.layout import LAYER, Descriptor, Layout
from jhub_docker.registry.access import Access
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import Remote
from jhub_docker.release.record import inventory

_COMPRESSED = {b"\x1f\x8b": "+gzip", b"\x28\xb5": "+zstd"}
"""How compressed layers begin (RFC 1952 and RFC 8878), and what their media type ends in."""


def in_engine(client: DockerClient, image: str) -> list[str]:
    """What is in an image of the engine. Raises ActionError when the engine does not have it."""
    with _scratch() as folder:
        image_files = saved.save(client, image, folder)
        layout = Layout(folder)
        layers = [_layer(layout, path).to_json() for path in image_files.layers]
        return _purls(layout, {"layers": layers})


def in_registry(reference: Reference, access: Access) -> list[str]:
    """What is in an image of a registry, for all its platforms. Raises ActionError as pulls do."""
    with _scratch() as folder:
        layout = Layout(folder)
        index = Remote(access).pull(reference, layout)
        found = [_purls(layout, manifest) for _, manifest in layout.manifests(index)]
    return list(dict.fromkeys(purl for purls in found for purl in purls))


def _purls(layout: Layout, manifest: dict[str, Any]) -> list[str]:
    taken = inventory.take(layout, manifest)
    urls = (package_url(p, taken.distribution, taken.release) for p in taken.packages)
    return list(dict.fromkeys(url.to_string() for url in urls))


def _layer(layout: Layout, path: Path) -> Descriptor:
    """A saved layer as a blob. Engines from 25 on save them under their digests already."""
    with path.open("rb") as file:
        kind = LAYER + _COMPRESSED.get(file.read(2), "")
        file.seek(0)
        if path.parent == layout.folder / "blobs/sha256":
            return Descriptor(kind, f"sha256:{path.name}", path.stat().st_size)
        return layout.add_stream(file, kind)


@contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="jhub-docker-audit-") as name:
        yield Path(name)
