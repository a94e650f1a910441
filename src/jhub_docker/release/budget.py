"""How large an image is against its budget, and which package made it grow."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jhub_docker.catalog.fields import Budget
from jhub_docker.oci.content import layers, unpacked
from jhub_docker.oci.layout import CHUNK, Descriptor, Layout

MB = 10**6
_MOST = 8
"""Packages that are named, of those that changed most."""


@dataclass(frozen=True)
class Measured:
    """What an image adds to its base: bytes as they are and compressed, and layers."""

    size: int
    compressed: int
    layers: int


def measure(layout: Layout, manifest: Mapping[str, Any], base_layers: int) -> Measured:
    """Measure an exported image; its lowest `base_layers` layers are the base's."""
    own = layers(manifest)[base_layers:]
    compressed = sum(layer.size for layer in own)
    return Measured(sum(_unpacked(layout, layer) for layer in own), compressed, len(own))


def exceeded(budget: Budget, measured: Measured) -> list[str]:
    """In what the image is above its budget and the tolerance, each in words. Pure."""
    found = []
    for what in ("size", "compressed"):
        size, allowed = getattr(measured, what), getattr(budget, what)
        if size > allowed * MB * (100 + budget.tolerance) / 100:
            found.append(
                f"{what}: {size / MB:,.0f} MB, allowed {allowed:,} MB and {budget.tolerance} %"
            )
    if measured.layers > budget.layers:
        found.append(f"layers: {measured.layers}, allowed {budget.layers}")
    return found


def report(
    budget: Budget, measured: Measured, before: Measured, grown: Iterable[tuple[str, int]] = ()
) -> list[str]:
    """The sizes beside budget and those of the release before, then the packages that changed most,
    by so many bytes. Pure.
    """
    lines = [
        f"{what}: {size / MB:,.1f} MB of {getattr(budget, what):,} MB, "
        f"{(size - getattr(before, what)) / MB:+,.1f} MB since the last release"
        for what, size in (("size", measured.size), ("compressed", measured.compressed))
    ]
    changed = sorted((one for one in grown if one[1]), key=lambda one: -abs(one[1]))
    lines.append(f"layers: {measured.layers} of {budget.layers}")
    return [*lines, *(f"  {package}: {size / MB:+,.2f} MB" for package, size in changed[:_MOST])]


def _unpacked(layout: Layout, layer: Descriptor) -> int:
    """The bytes of a layer's tar archive."""
    with unpacked(layout, layer) as stream:
        return sum(len(chunk) for chunk in iter(lambda: stream.read(CHUNK), b""))
