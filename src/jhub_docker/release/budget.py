"""How large an image is against its budget."""

from collections.abc import Mapping
from typing import Any

from jhub_docker.catalog.fields import Budget
from jhub_docker.catalog.ledger import Entry
from jhub_docker.oci.content import layers, unpacked
from jhub_docker.oci.layout import CHUNK, Descriptor, Layout

MB = 10**6


def measure(layout: Layout, manifest: Mapping[str, Any], base_layers: int) -> tuple[int, int, int]:
    """What an exported image adds to its base, whose layers are its lowest `base_layers`.

    That is bytes as they are, bytes compressed, and layers.
    """
    own = layers(manifest)[base_layers:]
    compressed = sum(layer.size for layer in own)
    return sum(_unpacked(layout, layer) for layer in own), compressed, len(own)


def exceeded(budget: Budget, made: Entry) -> list[str]:
    """In what a release is above its budget and the tolerance, each in words. Pure."""
    found = []
    for what in ("size", "compressed"):
        size, allowed = getattr(made, what), getattr(budget, what)
        if size > allowed * MB * (100 + budget.tolerance) / 100:
            found.append(
                f"{what}: {size / MB:,.0f} MB, allowed {allowed:,} MB and {budget.tolerance} %"
            )
    if made.layers > budget.layers:
        found.append(f"layers: {made.layers}, allowed {budget.layers}")
    return found


def report(budget: Budget, made: Entry, before: Entry | None) -> list[str]:
    """The sizes beside the budget and those of the release before. Pure."""
    lines = [
        f"{what}: {getattr(made, what) / MB:,.1f} MB of {getattr(budget, what):,} MB, "
        f"{(getattr(made, what) - getattr(before, what, 0)) / MB:+,.1f} MB since the last release"
        for what in ("size", "compressed")
    ]
    return [*lines, f"layers: {made.layers} of {budget.layers}"]


def _unpacked(layout: Layout, layer: Descriptor) -> int:
    """The bytes of a layer's tar archive."""
    with unpacked(layout, layer) as stream:
        return sum(len(chunk) for chunk in iter(lambda: stream.read(CHUNK), b""))
