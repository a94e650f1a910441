"""Images out of an engine and into it, as `docker save` and `docker load` have them.

Since Engine 25 an image is saved as an OCI layout, with a `manifest.json` beside it. One with the
classic image store reads that alone, one with containerd's store the layout's index.
"""

import io
import json
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docker import DockerClient
from docker.errors import DockerException, ImageNotFound

from jhub_docker.errors import ActionError
from jhub_docker.oci.layout import CHUNK, INDEX, Descriptor, Layout

if TYPE_CHECKING:
    from typing_extensions import Buffer  # collections.abc has it from Python 3.12

_BLOB = re.compile(r"blobs/sha256/[0-9a-f]{64}")


def save(client: DockerClient, image: str, folder: Path) -> tuple[Layout, dict[str, Any]]:
    """Save the image `image` of the engine into `folder`, an empty one: its layout and manifest.

    Raises ActionError for an image that is not there and for an archive that holds none.
    """
    try:
        return unpack(client.api.get_image(image), folder)
    except ImageNotFound:
        raise ActionError(
            f"the engine has no image {image}: build it with `invoke build`, or pull it"
        ) from None
    except DockerException as error:
        raise ActionError(f"the engine could not save {image}: {error}") from None


def unpack(chunks: Iterable[bytes], folder: Path) -> tuple[Layout, dict[str, Any]]:
    """Unpack the archive of one image into `folder`; raises ActionError where it holds none."""
    layout = Layout(folder)
    value: dict[str, Any] = {}
    try:
        stream = as_file(chunks)
        with tarfile.open(fileobj=stream, mode="r|", bufsize=CHUNK) as archive:
            for member in archive:
                file = archive.extractfile(member)
                if file and member.name == "index.json":
                    value = json.load(file)
                elif file and _BLOB.fullmatch(member.name):
                    with (folder / member.name).open("wb") as out:
                        shutil.copyfileobj(file, out, CHUNK)
        while "manifests" in value:  # an index may hold an index: the image of several platforms
            here = (
                entry["digest"]
                for entry in value["manifests"]
                if entry.get("platform", {}).get("os") != "unknown"  # an attestation
                and layout.has(entry["digest"])
            )
            value = layout.read_json(next(here))
        layout.read_json(value["config"]["digest"])
    except (OSError, ValueError, KeyError, StopIteration, tarfile.TarError) as error:
        raise ActionError(
            "what the engine saved is no image as Docker Engine 25 and newer saves it "
            f"({type(error).__name__}: {error}); update the engine or report this"
        ) from None
    return layout, value


def load(client: DockerClient, layout: Layout, image: Descriptor, reference: str) -> str:
    """Load an image of `layout` into the engine as `reference` (with a tag); returns its id there.

    `image` is an image manifest, or an index with one image. With the classic image store the id
    is the digest of the image's configuration. Raises ActionError when the engine refuses.
    """
    found = list(layout.manifests(image))
    if len(found) != 1:
        raise ActionError(f"{image.digest} holds {len(found)} images; name the one to load")
    ((descriptor, manifest),) = found
    layers = [layer["digest"] for layer in manifest["layers"]]
    registry = reference.partition("/")[0]
    named = "." in registry or ":" in registry or registry == "localhost"
    names = {
        # Containerd's store names the image by the first, an engine's CLI by the second.
        "io.containerd.image.name": reference if named else f"docker.io/{reference}",
        "org.opencontainers.image.ref.name": reference.rpartition(":")[2],
    }
    listed = {
        "Config": _name(manifest["config"]["digest"]),
        "RepoTags": [reference],
        "Layers": [_name(digest) for digest in layers],
    }
    entry = descriptor.to_json() | {"annotations": names}
    documents = {
        "oci-layout": {"imageLayoutVersion": "1.0.0"},
        "index.json": {"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]},
        "manifest.json": [listed],
    }
    try:
        with tempfile.TemporaryFile(dir=layout.folder) as archive:
            with tarfile.open(fileobj=archive, mode="w") as tar:
                for name, value in documents.items():
                    data = json.dumps(value).encode()
                    member = tarfile.TarInfo(name)
                    member.size = len(data)
                    tar.addfile(member, io.BytesIO(data))
                for digest in {descriptor.digest, manifest["config"]["digest"], *layers}:
                    tar.add(layout.path(digest), _name(digest))
            archive.seek(0)
            client.images.load(archive)
        return str(client.images.get(reference).id)
    except DockerException as error:
        raise ActionError(f"the engine could not load {reference}: {error}") from None


def _name(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def as_file(chunks: Iterable[bytes]) -> io.BufferedReader:
    """The engine's stream of byte strings as a file to read once."""
    return io.BufferedReader(_Chunks(chunks), CHUNK)


class _Chunks(io.RawIOBase):
    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks, self._rest = iter(chunks), b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "Buffer") -> int:
        view = memoryview(buffer)
        while not self._rest and (chunk := next(self._chunks, None)) is not None:
            self._rest = chunk
        count = min(len(view), len(self._rest))
        view[:count], self._rest = self._rest[:count], self._rest[count:]
        return count
