"""Registries: images pushed, named and pulled.

Thin over the program oras. Everything is asked for by digest where there is one; a tag is written
last. Registries have no way to write a tag only if it is not there, so two releases of one image at
the same time are not guarded against here.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from jhub_docker.errors import ActionError, UsageError
from jhub_docker.oci.layout import INDEX, MANIFEST, Descriptor, Layout, digest_of, write_marks
from jhub_docker.progress import say, stage
from jhub_docker.registry.access import Access
from jhub_docker.registry.faults import MissingError
from jhub_docker.registry.oras import PAUSES, Oras
from jhub_docker.registry.reference import Reference
from jhub_docker.table import counted


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
            return self.manifest(reference)[0]
        except MissingError:
            return None

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
        # oras finds only what the index reaches, and takes any other digest for a plain blob.
        write_marks(layout.folder, [descriptor])
        source = ["--from-oci-layout", f"{layout.folder}@{descriptor.digest}", target.name]
        self._copy("pushing", target, sizes, "to-", source)
        return target

    def pull(self, reference: Reference, layout: Layout) -> Descriptor:
        """Copy all that the reference reaches into the layout; returns what it is.

        oras checks what it fetches; blobs that are there are not fetched again.
        """
        descriptor, _ = self.manifest(reference)
        source = reference.at(descriptor.digest)
        sizes = {
            blob.digest: blob.size
            for blob in _reached(descriptor, lambda one: self.manifest(source.at(one.digest))[1])
        }
        target = ["--to-oci-layout", source.address, str(layout.folder)]
        self._copy("pulling", source, sizes, "from-", target)
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

    def _call(
        self, reference: Reference, what: str, *arguments: str, trailing: Sequence[str] = ()
    ) -> bytes:
        return self._oras.call(
            reference.registry, f"{what} {reference}", *arguments, reference.address, *trailing
        )


def _reached(
    descriptor: Descriptor, read: Callable[[Descriptor], Mapping[str, Any]]
) -> Iterator[Descriptor]:
    """The manifests and blobs that a manifest or index stands for, itself among them."""
    yield descriptor
    value = read(descriptor)
    for entry in value.get("manifests", ()):
        yield from _reached(Descriptor.from_json(entry), read)
    for blob in (value.get("config"), *value.get("layers", ())):
        if blob:
            yield Descriptor.from_json(blob)


def _moved(line: str) -> None:
    """Show a line of `oras cp --verbose` about a blob that was really sent or fetched."""
    if re.match("Copied +[0-9a-f]{12} ", line):
        say(f"    {line}")


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"
