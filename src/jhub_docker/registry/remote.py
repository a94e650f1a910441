"""Registries: images and what is attached to them, pushed, named and pulled.

Thin over the program oras. Everything is asked for by digest where there is one; a tag is written
last. Registries have no way to write a tag only if it is not there, so two releases of one image at
the same time are not guarded against here.
"""

import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from jhub_docker.errors import ActionError, UsageError
from jhub_docker.oci.layout import INDEX, MANIFEST, Descriptor, Layout, digest_of, write_marks
from jhub_docker.progress import say, stage
from jhub_docker.registry.access import Access
from jhub_docker.registry.faults import MissingError
from jhub_docker.registry.oras import PAUSES, Oras
from jhub_docker.registry.reference import Reference
from jhub_docker.table import counted

EMPTY = "application/vnd.oci.empty.v1+json"
"""The type of `{}`, the configuration of what is no image (image-spec 1.1, manifest.md)."""

TITLE = "org.opencontainers.image.title"
"""The annotation with a file's name."""


class Remote:
    """All registries, reached as `access` says. Raises ActionError for what they refuse."""

    def __init__(self, access: Access, pauses: tuple[float, ...] = PAUSES) -> None:
        """`pauses` are the seconds before each further try after a fault that passes."""
        self.access = access
        self._oras = Oras(access, pauses)

    @classmethod
    def from_environment(cls) -> "Remote":
        """Reached as the environment says. Raises UsageError as `Access.from_environment` does."""
        return cls(Access.from_environment())

    def resolve(self, reference: Reference) -> Descriptor | None:
        """What the reference stands for in the registry; None where it has no such thing."""
        try:
            text = self._call(reference, "asking for", "manifest", "fetch", "--descriptor")
        except MissingError:
            return None
        return Descriptor.from_json(json.loads(text))

    def require(self, reference: Reference) -> Descriptor:
        """What the reference stands for. Raises UsageError where the registry has no such thing."""
        found = self.resolve(reference)
        if found is None:
            raise UsageError(f"{reference} is not in the registry; look at its name and tag")
        return found

    def manifest(self, reference: Reference) -> tuple[Descriptor, dict[str, Any]]:
        """A manifest or index, its bytes checked against its digest. Raises MissingError."""
        data = self._call(reference, "reading", "manifest", "fetch")
        digest = digest_of(data)
        if reference.digest and digest != reference.digest:
            raise ActionError(f"{reference}: the registry sent {digest} instead")
        value = json.loads(data)
        media_type = value.get("mediaType", INDEX if "manifests" in value else MANIFEST)
        return Descriptor(media_type, digest, len(data)), value

    def platforms(self, image: Reference) -> list[Descriptor]:
        """The images that an index in the registry stands for; none for a single image."""
        return [Descriptor.from_json(e) for e in self.manifest(image)[1].get("manifests", ())]

    def push(self, layout: Layout, descriptor: Descriptor, repository: Reference) -> Reference:
        """Copy all that the descriptor reaches to the repository; returns it by digest.

        Blobs that are there are not sent again, so a push that was cut goes on with the rest.
        """
        target = repository.at(descriptor.digest)
        sizes = {
            blob.digest: blob.size
            for blob in _reached(descriptor, lambda one: layout.read_json(one.digest))
        }
        with _view(layout, [descriptor]) as folder:
            source = ["--from-oci-layout", f"{folder}@{descriptor.digest}", target.name]
            self._copy("pushing", target, sizes, "to-", source)
        return target

    def pull(self, reference: Reference, layout: Layout) -> Descriptor:
        """Copy all that the reference reaches into the layout, checked; returns what it is.

        Blobs that are there are not fetched again, but those that something has altered.
        """
        descriptor, _ = self.manifest(reference)
        source = reference.at(descriptor.digest)
        blobs = list(_reached(descriptor, lambda one: self.manifest(source.at(one.digest))[1]))
        here = [blob for blob in blobs if layout.has(blob.digest)]
        if not all(map(layout.is_whole, here)):
            for blob in here:  # below a manifest that is here oras looks at nothing
                if blob.media_type in (INDEX, MANIFEST) or not layout.is_whole(blob):
                    layout.path(blob.digest).unlink()
        sizes = {blob.digest: blob.size for blob in blobs}
        with _view(layout, []) as folder:
            target = ["--to-oci-layout", source.address, str(folder)]
            self._copy("pulling", source, sizes, "from-", target)
        layout.verify(descriptor)
        return descriptor

    def _copy(
        self, what: str, image: Reference, sizes: Mapping[str, int], side: str, ends: list[str]
    ) -> None:
        size = sum(sizes.values())
        with stage(f"{what} {image}: {counted(len(sizes), 'blob')}, {_size(size)}"):
            self._oras.call(
                image.registry, f"{what} {image}",
                "cp", "--no-tty", "--verbose", "--concurrency", "3", *ends,
                side=side, size=size, on_line=_moved,
            )  # fmt: skip

    def tag(self, reference: Reference, name: str) -> None:
        """Let the tag refer to what is in the repository by digest, whatever it was before."""
        if not reference.digest:
            raise ActionError(f"{reference} cannot be tagged: only a digest is sure to stay")
        self._call(reference, f"tagging as {name}", "tag", trailing=[name])

    def tags(self, repository: Reference) -> list[str]:
        """All tags of the repository, sorted; none where it is not there yet."""
        place = Reference(repository.registry, repository.repository)
        try:
            text = self._call(place, "listing the tags of", "repo", "tags")
        except MissingError:
            return []
        return sorted(text.decode().split())

    def attach(self, subject: Reference, kind: str, name: str, data: bytes) -> Reference:
        """Attach a file of the media type `kind` to an image; returns what is attached, by digest.

        It is a manifest whose `subject` is the image. The same file gives the same digest, so that
        attaching it again changes nothing. A registry without the referrers API gets the list as a
        tag (distribution-spec 1.1).
        """
        descriptor = self.resolve(subject)
        if descriptor is None or not subject.digest:
            raise ActionError(f"{subject} is not in the registry by that digest; push it first")
        with tempfile.TemporaryDirectory() as folder:
            layout = Layout(Path(folder))
            manifest = {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "artifactType": kind,
                "config": layout.add(b"{}", EMPTY).to_json(),
                "layers": [layout.add(data, kind).to_json() | {"annotations": {TITLE: name}}],
                "subject": descriptor.to_json(),
            }
            attached = layout.add_json(manifest, MANIFEST)
            reference = self.push(layout, attached, subject)
        if attached.digest not in {found.digest for found in self.referrers(subject)}:
            self._list(subject, replace(attached, artifact_type=kind))
        return reference

    def _list(self, subject: Reference, attached: Descriptor) -> None:
        """Put an attachment on the list that stands in for the referrers API.

        oras does that only when it pushes the manifest itself; a cut in between has to be mended.
        The list is an index with a tag made of the digest (distribution-spec 1.1, "Referrers Tag
        Schema").
        """
        tag = subject.tagged(str(subject.digest).replace(":", "-"))
        listed = self.manifest(tag)[1]["manifests"] if self.resolve(tag) else []
        entries = [*listed, attached.to_json()]
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
        with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
            json.dump(index, file)
            file.flush()
            self._call(tag, "listing in", "manifest", "push", trailing=[file.name])

    def referrers(self, subject: Reference, artifact_type: str = "") -> list[Descriptor]:
        """What is attached to the image, of one type or all; sorted by type and digest."""
        only = ["--artifact-type", artifact_type] if artifact_type else []
        text = self._call(
            subject, "listing what is attached to", "discover", "--format", "json", *only
        )
        found = json.loads(text)
        # oras 1.3 renamed the field.
        entries = found.get("manifests") or found.get("referrers") or []
        descriptors = map(Descriptor.from_json, entries)
        return sorted(descriptors, key=lambda entry: (entry.artifact_type, entry.digest))

    def document(self, reference: Reference) -> dict[str, Any]:
        """The JSON document that is attached as this manifest's one file. Raises ActionError."""
        layers = self.manifest(reference)[1].get("layers", [])
        try:
            (layer,) = layers
            # Checked by oras.
            blob = reference.at(layer["digest"])
            value = json.loads(self._call(blob, "reading", "blob", "fetch", "--output", "-"))
        except ValueError:
            raise ActionError(f"{reference} holds no single JSON document") from None
        if not isinstance(value, dict):
            raise ActionError(f"{reference} holds no JSON object")
        return value

    def _call(
        self, reference: Reference, what: str, *arguments: str, trailing: Sequence[str] = ()
    ) -> bytes:
        return self._oras.call(
            reference.registry, f"{what} {reference}", *arguments, reference.address, *trailing
        )


def _reached(
    descriptor: Descriptor, read: Callable[[Descriptor], Mapping[str, Any]]
) -> Iterator[Descriptor]:
    """The manifests and blobs that a manifest or index stands for, itself among them.

    A `subject` is not among them: it is in the registry before.
    """
    yield descriptor
    value = read(descriptor)
    for entry in value.get("manifests", ()):
        yield from _reached(Descriptor.from_json(entry), read)
    for blob in (value.get("config"), *value.get("layers", ())):
        if blob:
            yield Descriptor.from_json(blob)


@contextmanager
def _view(layout: Layout, manifests: Sequence[Descriptor]) -> Iterator[Path]:
    """A folder with the layout's blobs and an index of its own, of just these manifests.

    oras finds only what `index.json` reaches (any other digest it takes for a plain blob), and
    adds to it what it fetches.
    """
    with tempfile.TemporaryDirectory(dir=layout.folder, prefix=".oras-") as place:
        folder = Path(place)
        (folder / "blobs").symlink_to(layout.folder.resolve() / "blobs")
        write_marks(folder, manifests)
        yield folder


def _moved(line: str) -> None:
    """Show a line of `oras cp --verbose` about a blob that was really sent or fetched."""
    if re.match("Copied +[0-9a-f]{12} ", line):
        say(f"    {line}")


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"
