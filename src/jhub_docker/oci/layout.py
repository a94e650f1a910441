"""An OCI image layout: images as a folder of blobs named by their digest.

Image specification 1.1, image-layout.md. A blob's bytes are checked against its name whenever they
are written, and `verify` reads them all again.
"""

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from jhub_docker.errors import ActionError

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
"""Of a layer that is not compressed; `+gzip` and `+zstd` are appended for those that are."""

REF_NAME = "org.opencontainers.image.ref.name"
"""The annotation in `index.json` that holds a tag."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Descriptor:
    """What refers to a blob: its media type, digest (`sha256:…`) and size in bytes.

    `platform` is set in an index only, e.g. `linux/amd64`.
    """

    media_type: str
    digest: str
    size: int
    platform: str = ""
    artifact_type: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Descriptor":
        """Read a descriptor as manifests and indexes hold them."""
        platform = value.get("platform") or {}
        parts = [platform.get(key, "") for key in ("os", "architecture", "variant")]
        return cls(
            media_type=value["mediaType"],
            digest=value["digest"],
            size=value["size"],
            platform="/".join(part for part in parts if part),
            artifact_type=value.get("artifactType", ""),
            annotations=dict(value.get("annotations") or {}),
        )

    def to_json(self) -> dict[str, Any]:
        """The descriptor as manifests and indexes hold it."""
        value: dict[str, Any] = {
            "mediaType": self.media_type,
            "digest": self.digest,
            "size": self.size,
        }
        if self.platform:
            keys = ("os", "architecture", "variant")
            value["platform"] = dict(zip(keys, self.platform.split("/"), strict=False))
        if self.artifact_type:
            value["artifactType"] = self.artifact_type
        if self.annotations:
            value["annotations"] = dict(sorted(self.annotations.items()))
        return value


class Blob:
    """A blob that is being written."""

    def __init__(self, file: IO[bytes], media_type: str) -> None:
        self._file, self._media_type = file, media_type
        self._sha, self._size = hashlib.sha256(), 0

    def write(self, data: bytes) -> None:
        """Append to the blob."""
        self._sha.update(data)
        self._size += len(data)
        self._file.write(data)

    @property
    def descriptor(self) -> Descriptor:
        """What refers to the bytes written so far."""
        return Descriptor(self._media_type, f"sha256:{self._sha.hexdigest()}", self._size)


class Layout:
    """The folder. Blobs are added, never changed; tags are entries of `index.json`."""

    def __init__(self, folder: Path) -> None:
        """Use the layout in `folder`, which is made when it is not there."""
        self.folder = folder
        (folder / "blobs" / "sha256").mkdir(parents=True, exist_ok=True)
        marker = folder / "oci-layout"
        if not marker.exists():
            marker.write_text('{"imageLayoutVersion": "1.0.0"}', encoding="ascii")
            self._write_entries([])

    def path(self, digest: str) -> Path:
        """Where the blob is, or would be. Raises ActionError for what is no sha256 digest."""
        if not _DIGEST.fullmatch(digest):
            raise ActionError(f"{digest!r} is no digest; expected sha256: and 64 hex digits")
        return self.folder / "blobs" / "sha256" / digest.removeprefix("sha256:")

    def has(self, digest: str) -> bool:
        """Whether the blob is here."""
        return self.path(digest).is_file()

    def read(self, digest: str) -> bytes:
        """A blob's bytes, checked. Raises ActionError when it is missing or altered."""
        path = self.path(digest)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise ActionError(f"{self.folder} lacks the blob {digest}") from None
        found = f"sha256:{hashlib.sha256(data).hexdigest()}"
        if found != digest:
            raise ActionError(f"the blob {digest} was altered: its bytes have the digest {found}")
        return data

    def read_json(self, digest: str) -> dict[str, Any]:
        """A blob that holds a JSON object. Raises ActionError as `read` does."""
        value = json.loads(self.read(digest))
        if not isinstance(value, dict):
            raise ActionError(f"the blob {digest} holds no JSON object")
        return value

    def add(self, data: bytes, media_type: str) -> Descriptor:
        """Add a blob."""
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        if not self.has(digest):
            with self.writer(media_type) as blob:
                blob.write(data)
        return Descriptor(media_type, digest, len(data))

    def add_json(self, value: Mapping[str, Any], media_type: str) -> Descriptor:
        """Add a JSON object in one canonical form: sorted keys, no blanks."""
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return self.add(text.encode(), media_type)

    def add_stream(self, stream: IO[bytes], media_type: str) -> Descriptor:
        """Add a blob from a file that is read to its end."""
        with self.writer(media_type) as blob:
            while chunk := stream.read(_CHUNK):
                blob.write(chunk)
        return blob.descriptor

    @contextmanager
    def writer(self, media_type: str) -> Iterator["Blob"]:
        """Add a blob piece by piece; it has its `descriptor` when the block is left.

        What was written of a block that fails is removed.
        """
        with tempfile.NamedTemporaryFile(dir=self.folder, delete=False) as file:
            path = Path(file.name)
            try:
                blob = Blob(file, media_type)
                yield blob
            except BaseException:
                path.unlink()
                raise
        self._adopt(path, blob.descriptor.digest)

    def copy(self, descriptor: Descriptor, source: "Layout") -> None:
        """Take a blob over from another layout, by a hard link where the file system can."""
        target = self.path(descriptor.digest)
        if target.exists():
            return
        try:
            target.hardlink_to(source.path(descriptor.digest))
        except OSError:
            shutil.copyfile(source.path(descriptor.digest), target)

    def tags(self) -> dict[str, Descriptor]:
        """The entries of `index.json` that have a tag."""
        return {d.annotations[REF_NAME]: d for d in self._entries() if REF_NAME in d.annotations}

    def tag(self, name: str, descriptor: Descriptor) -> None:
        """Let the tag `name` refer to this blob."""
        kept = [d for d in self._entries() if d.annotations.get(REF_NAME) != name]
        value = descriptor.to_json() | {"annotations": {REF_NAME: name}}
        self._write_entries([*kept, Descriptor.from_json(value)])

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

    def verify(self, descriptor: Descriptor) -> None:
        """Read everything the descriptor reaches. Raises ActionError naming what does not fit."""
        for entry, manifest in self.manifests(descriptor):
            self._check(entry)
            for blob in (manifest["config"], *manifest["layers"]):
                self._check(Descriptor.from_json(blob))

    def _check(self, descriptor: Descriptor) -> None:
        path = self.path(descriptor.digest)
        if not path.is_file():
            raise ActionError(f"{self.folder} lacks the blob {descriptor.digest}")
        with path.open("rb") as file:
            found = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
        if found != descriptor.digest or path.stat().st_size != descriptor.size:
            raise ActionError(
                f"the blob {descriptor.digest} ({descriptor.size} bytes) was altered: it has "
                f"{path.stat().st_size} bytes and the digest {found}"
            )

    def _adopt(self, file: Path, digest: str) -> None:
        file.chmod(0o644)
        file.replace(self.path(digest))

    def _entries(self) -> list[Descriptor]:
        index = json.loads((self.folder / "index.json").read_text(encoding="utf-8"))
        return [Descriptor.from_json(entry) for entry in index["manifests"]]

    def _write_entries(self, entries: list[Descriptor]) -> None:
        index = {
            "schemaVersion": 2,
            "mediaType": INDEX,
            "manifests": [entry.to_json() for entry in entries],
        }
        with tempfile.NamedTemporaryFile("w", dir=self.folder, delete=False) as file:
            json.dump(index, file, indent=2)
        Path(file.name).chmod(0o644)
        Path(file.name).replace(self.folder / "index.json")
