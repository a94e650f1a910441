"""How far a pull is: the engine's messages folded into layers and bytes. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_PART = {
    "Pulling fs layer": 0.0,
    "Waiting": 0.0,
    "Verifying Checksum": 0.7,
    "Download complete": 0.7,
    "Pull complete": 1.0,
    "Already exists": 1.0,
}
"""How much of a layer's work is done by status; what moves bytes is in between."""

_MOVING = {"Downloading": (0.0, 0.7), "Extracting": (0.7, 1.0)}


class PullError(Exception):
    """The engine could not get the image; the message is the engine's."""


@dataclass
class _Layer:
    part: float = 0.0
    bytes_here: int = 0
    bytes_all: int = 0


class PullProgress:
    """The layers of one image, as the engine tells of them (Engine API, ImageCreate)."""

    def __init__(self) -> None:
        self._layers: dict[str, _Layer] = {}

    def take(self, message: Mapping[str, Any]) -> None:
        """Take in one message. Raises PullError when it is the engine's last word."""
        if error := message.get("error"):
            raise PullError(str(error))
        status, name = message.get("status"), message.get("id")
        if not name or (status not in _PART and status not in _MOVING):
            return
        layer = self._layers.setdefault(str(name), _Layer())
        if status in _PART:
            layer.part = max(layer.part, _PART[status])
            if layer.part:
                layer.bytes_here = layer.bytes_all
            return
        detail = message.get("progressDetail") or {}
        here, total = int(detail.get("current") or 0), int(detail.get("total") or 0)
        begin, end = _MOVING[status]
        if total > 0:
            layer.part = max(layer.part, begin + (end - begin) * min(1.0, here / total))
        if status == "Downloading":
            layer.bytes_here, layer.bytes_all = here, max(total, here)

    @property
    def part(self) -> float:
        """From 0 to 1; each layer counts the same, since sizes are known only one by one."""
        layers = self._layers.values()
        return sum(layer.part for layer in layers) / len(layers) if layers else 0.0

    @property
    def sentence(self) -> str:
        """Layers and bytes in words."""
        layers = self._layers.values()
        if not layers:
            return "Getting the image: asking the registry"
        done = sum(layer.part >= 1.0 for layer in layers)
        text = f"Getting the image: {done} of {len(layers)} layers"
        if total := sum(layer.bytes_all for layer in layers):
            here = sum(layer.bytes_here for layer in layers)
            text += f", {here / 10**6:.0f} of {total / 10**6:.0f} MB"
        return text
