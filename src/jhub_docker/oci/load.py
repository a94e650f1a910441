"""An image of a layout into the engine, as `docker load` takes it.

An engine with the classic image store reads the archive's `manifest.json` alone, one with
containerd's store its OCI index, so it has both.
"""

import json
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from docker import DockerClient
from docker.errors import DockerException

from jhub_docker.errors import ActionError
from jhub_docker.oci.canonical import BLOCK, Entry, header
from jhub_docker.oci.layout import INDEX, REF_NAME, Descriptor, Layout

_CHUNK = 1 << 20


def load(client: DockerClient, layout: Layout, image: Descriptor, reference: str) -> str:
    """Load an image of `layout` into the engine as `reference` (with a tag); returns its id there.

    `image` is an image manifest, or an index with one image. With the classic image store the id
    is the digest of the image's configuration. Raises ActionError when the engine refuses.
    """
    found = list(layout.manifests(image))
    if len(found) != 1:
        raise ActionError(f"{image.digest} holds {len(found)} images; name the one to load")
    try:
        client.images.load(_archive(layout, *found[0], reference))
        return str(client.images.get(reference).id)
    except DockerException as error:
        raise ActionError(f"the engine could not load {reference}: {error}") from None


def _archive(
    layout: Layout, descriptor: Descriptor, manifest: dict[str, Any], reference: str
) -> Iterator[bytes]:
    config = Descriptor.from_json(manifest["config"])
    blobs = [Descriptor.from_json(layer) for layer in manifest["layers"]]
    names = {
        # Containerd's store names the image by the first, an engine's CLI by the second.
        "io.containerd.image.name": _full(reference),
        REF_NAME: reference.rpartition(":")[2],
    }
    entry = descriptor.to_json() | {"annotations": names}
    compatible = {
        "Config": _path(config.digest),
        "RepoTags": [reference],
        "Layers": [_path(blob.digest) for blob in blobs],
    }
    documents = {
        "oci-layout": {"imageLayoutVersion": "1.0.0"},
        "index.json": {"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]},
        "manifest.json": [compatible],
    }
    for name, value in documents.items():
        data = json.dumps(value).encode()
        yield from _file(name, len(data), [data])
    for digest in dict.fromkeys(blob.digest for blob in (descriptor, config, *blobs)):
        path = layout.path(digest)
        yield from _file(_path(digest), path.stat().st_size, _chunks(path))
    yield bytes(2 * BLOCK)


def _file(name: str, size: int, chunks: Iterable[bytes]) -> Iterator[bytes]:
    yield header(Entry(name, tarfile.REGTYPE, 0o644, 0, 0, 0, size))
    yield from chunks
    yield bytes(-size % BLOCK)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while data := file.read(_CHUNK):
            yield data


def _path(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _full(reference: str) -> str:
    """A reference with its registry, as containerd keeps names."""
    registry, slash, _ = reference.partition("/")
    if not slash:
        return f"docker.io/library/{reference}"
    if registry == "localhost" or "." in registry or ":" in registry:
        return reference
    return f"docker.io/{reference}"
