"""What a person sees of a push or a pull: blobs, bytes and seconds, from what oras tells."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from jhub_docker.progress import say

_PAUSE = 2.0
"""Seconds between two lines of progress."""


@contextmanager
def shown(what: str, sizes: Mapping[str, int]) -> Iterator[Callable[[str], None]]:
    """Say what moves of blobs with these `sizes` in bytes, by digest.

    The block gives the lines of `oras cp --verbose`, such as `Copied  <12 digits> <type>`.
    """
    short = {digest.removeprefix("sha256:")[:12]: size for digest, size in sizes.items()}
    moved: set[str] = set()
    started = told = time.monotonic()

    def so_far() -> str:
        count = sum(short[name] for name in moved)
        return f"{len(moved)} blobs, {_size(count)} in {time.monotonic() - started:.1f} s"

    def line(text: str) -> None:
        nonlocal told
        words = text.split()
        if words[:1] == ["Copied"] and words[1] in short:
            moved.add(words[1])
            if time.monotonic() - told >= _PAUSE:
                told = time.monotonic()
                say(f"    {so_far()}")

    say(f"==> {what}: {len(short)} blobs, {_size(sum(short.values()))} …")
    try:
        yield line
    except BaseException:
        say(f"    failed after {so_far()}")
        raise
    there = len(short) - len(moved)
    say(f"    {so_far()}" + (f"; {there} were there" if there else ""))


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"
