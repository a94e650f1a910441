"""An OCI image layout: images as a folder of blobs named by their digest.

Image specification 1.1, image-layout.md. A blob gets its name when all of it was written and its
bytes have that digest; what was cut before is a file of another name, which nobody takes for it.
"""

import hashlib
import json
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jhub_docker.errors import ActionError

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
"""Of a layer that is not compressed; `+gzip` and `+zstd` are appended for those that are."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_PLATFORM = ("os", "architecture", "variant")
CHUNK = 1 << 20


def digest_of(data: bytes) -> str:
    """The digest that names these bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def canonical_json(value: object) -> bytes:
    """The one form in which JSON is stored: sorted keys, no blanks."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


@dataclass(frozen=True)
class Descriptor:
    """What refers to a blob: its media type, digest (`sha256:…`) and size in bytes.

    `platform` is set in an index only, e.g. `linux/amd64`.
    """

    media_type: str
    digest: str
    size: int
    platform: str = ""

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Descriptor":
        """Read a descriptor as manifests and indexes hold them."""
        platform = value.get("platform") or {}
        return cls(
            media_type=value["mediaType"],
            digest=value["digest"],
            size=value["size"],
            platform="/".join(platform[key] for key in _PLATFORM if platform.get(key)),
        )

    def to_json(self) -> dict[str, Any]:
        """The descriptor as manifests and indexes hold it."""
        value: dict[str, Any] = {
            "mediaType": self.media_type,
            "digest": self.digest,
            "size": self.size,
        }
        if self.platform:
            value["platform"] = dict(zip(_PLATFORM, self.platform.split("/"), strict=False))
        return value


class Layout:
    """The folder. Blobs are added, never changed."""

    def __init__(self, folder: Path) -> None:
        """Use the layout in `folder`, which is made when it is not there."""
        self.folder, self.blobs = folder, folder / "blobs" / "sha256"
        self.blobs.mkdir(parents=True, exist_ok=True)
        write_marks(folder)

    def path(self, digest: str) -> Path:
        """Where the blob is, or would be. Raises ActionError for what is no sha256 digest."""
        if not _DIGEST.fullmatch(digest):
            raise ActionError(f"{digest!r} is no digest; expected sha256: and 64 hex digits")
        return self.blobs / digest.removeprefix("sha256:")

    def has(self, digest: str) -> bool:
        """Whether the blob is here."""
        return self.path(digest).is_file()

    def read(self, digest: str) -> bytes:
        """A blob's bytes, checked. Raises ActionError when it is missing or altered."""
        try:
            data = self.path(digest).read_bytes()
        except FileNotFoundError:
            raise ActionError(f"{self.folder} lacks the blob {digest}") from None
        if (found := digest_of(data)) != digest:
            raise ActionError(f"the blob {digest} was altered: its bytes have the digest {found}")
        return data

    def read_json(self, digest: str) -> dict[str, Any]:
        """A blob that holds a JSON object. Raises ActionError as `read` does."""
        value: dict[str, Any] = json.loads(self.read(digest))
        return value

    def add(self, data: bytes, media_type: str) -> Descriptor:
        """Add a blob."""
        with tempfile.TemporaryDirectory(dir=self.folder, prefix="writing-") as place:
            path = Path(place, "blob")
            path.write_bytes(data)
            return self.take(path, media_type)

    def take(self, path: Path, media_type: str) -> Descriptor:
        """Make a file of the same file system a blob, which moves it."""
        with path.open("rb") as file:
            digest = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
        size = path.stat().st_size
        path.replace(self.path(digest))
        return Descriptor(media_type, digest, size)

    def add_json(self, value: Mapping[str, Any], media_type: str) -> Descriptor:
        """Add a JSON object in its canonical form."""
        return self.add(canonical_json(value), media_type)

    def manifests(self, descriptor: Descriptor) -> Iterator[tuple[Descriptor, dict[str, Any]]]:
        """The image manifests that a manifest or index stands for, with their contents.

        Entries of an index that are no images for a platform (attestations) are left out.
        """
        value = self.read_json(descriptor.digest)
        if value.get("mediaType", descriptor.media_type) == INDEX:
            for entry in map(Descriptor.from_json, value["manifests"]):
                if entry.media_type == MANIFEST and entry.platform != "unknown/unknown":
                    yield entry, self.read_json(entry.digest)
        else:
            yield descriptor, value


def write_marks(folder: Path, manifests: Sequence[Descriptor] = ()) -> None:
    """Write what makes a folder a layout; its index names these manifests."""
    entries = [manifest.to_json() for manifest in manifests]
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}', encoding="ascii")
    (folder / "index.json").write_text(json.dumps(index), encoding="utf-8")
