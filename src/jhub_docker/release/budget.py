"""How large an image is against its budget, and which package made it grow."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jhub_docker.catalog.fields import Budget
from jhub_docker.oci.content import layers, unpacked
from jhub_docker.oci.layout import CHUNK, Descriptor, Layout

MB = 10**6


@dataclass(frozen=True)
class Measured:
    """What an image adds to its base: bytes as they are and compressed, and layers."""

    size: int
    compressed: int
    layers: int


def measure(layout: Layout, manifest: Mapping[str, Any], base_layers: int) -> Measured:
    """Measure an exported image; its lowest `base_layers` layers are the base's."""
    own = layers(manifest)[base_layers:]
    return Measured(
        size=sum(_unpacked(layout, layer) for layer in own),
        compressed=sum(layer.size for layer in own),
        layers=len(own),
    )


def exceeded(budget: Budget, measured: Measured) -> list[str]:
    """In what the image is above its budget and the tolerance, each in words. Pure."""
    found = []
    for what, allowed, size in (
        ("size", budget.size, measured.size),
        ("compressed", budget.compressed, measured.compressed),
    ):
        if size > allowed * MB * (100 + budget.tolerance) / 100:
            found.append(
                f"{what}: {size / MB:,.0f} MB, allowed {allowed:,} MB and {budget.tolerance} %"
            )
    if measured.layers > budget.layers:
        found.append(f"layers: {measured.layers}, allowed {budget.layers}")
    return found


def growth(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    """The packages whose size changed, by so many bytes; `before` and `after` are sizes. Pure."""
    grown = {name: after.get(name, 0) - before.get(name, 0) for name in sorted({*before, *after})}
    return {name: size for name, size in grown.items() if size}


def report(
    budget: Budget | None,
    measured: Measured,
    before: Measured | None = None,
    grown: Mapping[str, int] | None = None,
    most: int = 8,
) -> list[str]:
    """The sizes beside budget and last release, then the packages that changed most. Pure."""
    lines = []
    for what in ("size", "compressed"):
        size = getattr(measured, what)
        line = f"{what}: {size / MB:,.1f} MB"
        if budget:
            line += f" of {getattr(budget, what):,} MB"
        if before:
            line += f", {(size - getattr(before, what)) / MB:+,.1f} MB since the last release"
        lines.append(line)
    allowed = f" of {budget.layers}" if budget else ""
    lines.append(f"layers: {measured.layers}{allowed}")
    changed = sorted((grown or {}).items(), key=lambda one: -abs(one[1]))
    return [*lines, *(f"  {package}: {size / MB:+,.2f} MB" for package, size in changed[:most])]


def _unpacked(layout: Layout, layer: Descriptor) -> int:
    """The bytes of a layer's tar archive."""
    with unpacked(layout, layer) as stream:
        return sum(len(chunk) for chunk in iter(lambda: stream.read(CHUNK), b""))
