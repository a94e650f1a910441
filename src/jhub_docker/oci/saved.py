"""An image as the engine's `docker save` writes it.

Since Engine 25 the archive is an OCI layout with a `manifest.json` beside it; before, there was
only the latter with `LAYER/layer.tar`.
"""

import io
import json
import re
import shutil
import tarfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docker import DockerClient
from docker.errors import APIError, ImageNotFound

from jhub_docker.errors import ActionError

if TYPE_CHECKING:
    from typing_extensions import Buffer  # collections.abc has it from Python 3.12

_BLOB = re.compile(r"blobs/sha256/([0-9a-f]{64})")
_OTHER = re.compile(r"(manifest|index)\.json|[0-9a-f]{64}\.json|[0-9a-f]{64}/layer\.tar")
_CHUNK = 1 << 20
_LARGEST_JSON = 4 << 20


@dataclass(frozen=True)
class Saved:
    """What was saved: the image's configuration as JSON, and the files of its layers, lowest first.

    The layers are compressed or not, as the engine keeps them. Files of layers that were not
    wanted are not there.
    """

    configuration: bytes
    layers: tuple[Path, ...]

    @property
    def config(self) -> dict[str, Any]:
        """The configuration (image specification 1.1, config.md)."""
        value: dict[str, Any] = json.loads(self.configuration)
        return value


class Chunks(io.RawIOBase):
    """An iterable of byte strings, such as the engine's stream, as a file to read once."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks, self._rest = iter(chunks), b""

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: "Buffer") -> int:
        """Read the next bytes there are."""
        view = memoryview(buffer)
        while not self._rest:
            try:
                self._rest = next(self._chunks)
            except StopIteration:
                return 0
        count = min(len(view), len(self._rest))
        view[:count], self._rest = self._rest[:count], self._rest[count:]
        return count


def save(
    client: DockerClient, image: str, folder: Path, wanted: Callable[[str], bool] = lambda _: True
) -> Saved:
    """Save the image `image` of the engine into `folder`, an empty one.

    Layers whose diff ID is not `wanted` are left out where the archive names them by it. Raises
    ActionError for an image that is not there and for an archive that holds no image.
    """
    try:
        return unpack(client.api.get_image(image), folder, wanted)
    except ImageNotFound:
        raise ActionError(
            f"the engine has no image {image}: build it with `invoke build`, or pull it"
        ) from None
    except APIError as error:
        raise ActionError(f"the engine could not save {image}: {error}") from None


def unpack(
    chunks: Iterable[bytes], folder: Path, wanted: Callable[[str], bool] = lambda _: True
) -> Saved:
    """Unpack the archive of one image into `folder`; raises ActionError where it holds none."""
    try:
        stream = io.BufferedReader(Chunks(chunks), _CHUNK)
        with tarfile.open(fileobj=stream, mode="r|", bufsize=_CHUNK) as archive:
            _unpack(archive, folder, wanted)
        by_index = (folder / "index.json").is_file()
        return _read_layout(folder) if by_index else _read_manifest(folder)
    except (OSError, ValueError, KeyError, IndexError, tarfile.TarError) as error:
        raise ActionError(
            f"what the engine saved is no image as Docker Engine 20 to 28 saves it "
            f"({type(error).__name__}: {error}); update the engine or report this"
        ) from None


def _unpack(archive: tarfile.TarFile, folder: Path, wanted: Callable[[str], bool]) -> None:
    for member in archive:
        blob = _BLOB.fullmatch(member.name)
        if not (blob or _OTHER.fullmatch(member.name)):
            continue
        path = folder / member.name
        path.parent.mkdir(parents=True, exist_ok=True)
        if member.issym():  # before Engine 25: a layer that occurs twice
            target = (path.parent / member.linkname).resolve()
            if target.is_relative_to(folder.resolve()):
                path.symlink_to(target)
        elif file := archive.extractfile(member):
            small = member.size < _LARGEST_JSON  # a configuration or a manifest, perhaps
            if small or not blob or wanted(f"sha256:{blob[1]}"):
                with path.open("wb") as out:
                    shutil.copyfileobj(file, out, _CHUNK)


def _read_layout(folder: Path) -> Saved:
    value = json.loads((folder / "index.json").read_bytes())
    while "manifests" in value:  # an index may hold an index: the image of several platforms
        images = [
            entry
            for entry in value["manifests"]
            if entry.get("platform", {}).get("os") != "unknown"  # an attestation
            and (folder / _blob(entry["digest"])).is_file()
        ]
        value = json.loads((folder / _blob(images[0]["digest"])).read_bytes())
    config = (folder / _blob(value["config"]["digest"])).read_bytes()
    return Saved(config, tuple(folder / _blob(layer["digest"]) for layer in value["layers"]))


def _read_manifest(folder: Path) -> Saved:
    manifest = json.loads((folder / "manifest.json").read_bytes())[0]
    config = (folder / manifest["Config"]).read_bytes()
    return Saved(config, tuple(folder / name for name in manifest["Layers"]))


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"
