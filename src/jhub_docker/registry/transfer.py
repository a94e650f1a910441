"""What a person sees of a push or a pull: blobs, bytes and seconds, from what oras tells."""

import time
from collections.abc import Mapping
from types import TracebackType

from jhub_docker.oci.layout import Descriptor, Layout
from jhub_docker.progress import say
from jhub_docker.registry.reference import Reference

_PAUSE = 2.0
"""Seconds between two lines of progress."""


def reached(layout: Layout, descriptor: Descriptor) -> dict[str, int]:
    """The sizes in bytes of all blobs the descriptor stands for, by digest, itself among them.

    A `subject` is not among them: it is in the registry before.
    """
    value = layout.read_json(descriptor.digest)
    sizes = {descriptor.digest: descriptor.size}
    for entry in value.get("manifests", ()):
        sizes |= reached(layout, Descriptor.from_json(entry))
    for blob in (value.get("config"), *value.get("layers", ())):
        if blob:
            sizes[blob["digest"]] = blob["size"]
    return sizes


class Transfer:
    """Says what moves, from the lines of `oras cp --verbose`: `Copied  <12 digits> <type>`."""

    def __init__(self, what: str, reference: Reference, sizes: Mapping[str, int]) -> None:
        """`sizes` are the bytes of all that may have to move, by digest."""
        self._what = f"{what} {reference}"
        self._sizes = {digest.removeprefix("sha256:")[:12]: sizes[digest] for digest in sizes}
        self.size = sum(sizes.values())
        self._moved: set[str] = set()

    def __enter__(self) -> "Transfer":
        self._started = self._told = time.monotonic()
        say(f"==> {self._what}: {len(self._sizes)} blobs, {_size(self.size)} …")
        return self

    def line(self, text: str) -> None:
        """Take one line of oras's output."""
        words = text.split()
        if len(words) < 2 or words[0] != "Copied" or words[1] not in self._sizes:
            return
        self._moved.add(words[1])
        if time.monotonic() - self._told >= _PAUSE:
            self._told = time.monotonic()
            say(f"    {self._so_far()}")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        there = len(self._sizes) - len(self._moved)
        end = f"failed after {self._so_far()}" if kind else f"{self._so_far()}"
        say(f"    {end}" + (f"; {there} were there" if there and not kind else ""))

    def _so_far(self) -> str:
        moved = sum(self._sizes[name] for name in self._moved)
        seconds = time.monotonic() - self._started
        return f"{len(self._moved)} blobs, {_size(moved)} in {seconds:.1f} s"


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"
