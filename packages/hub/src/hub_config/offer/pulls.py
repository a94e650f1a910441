"""Gets images from their registries: each once, however many wait for it, and on threads of its
own, so that a slow registry holds up nobody who wants another image.

Credentials are in the form of Docker's own configuration file. docker-py reads it from the hub's
home, which is the data volume, and hands a registry's credentials to the engine with each pull. It
passes over in silence what it cannot read.
"""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub_config import SettingsError
from hub_config.runtime.glances import heard

CREDENTIALS = Path(".docker") / "config.json"
"""Below the data volume."""


def check_credentials(data: Path) -> None:
    """Raises SettingsError for a file that docker-py would pass over, or could not use here.

    The message never holds what is in the file.
    """
    path = data / CREDENTIALS
    try:
        if not path.exists():
            return
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SettingsError(
            f"{path}: the credentials for registries cannot be read: {reason}. The file has to "
            "belong to the hub's user; see packages/hub/README.md, Images in a registry"
        ) from None
    if problem := _problem(text):
        raise SettingsError(f"{path}: {problem}; expected is what `docker login` writes")


def _problem(text: str) -> str:
    try:
        found: Any = json.loads(text)
    except ValueError:
        return "it is not valid JSON"
    if not isinstance(found, dict):
        return "it is no JSON object"
    if helpers := [name for name in ("credsStore", "credHelpers") if found.get(name)]:
        return (
            f"{helpers[0]} names a credential helper, a program that the hub's image does not "
            "have: log in with an empty configuration, as in docker --config FOLDER login"
        )
    entries = found.get("auths")
    if not isinstance(entries, dict) or not entries:
        return "it has no `auths`, so no credentials"
    for registry, entry in entries.items():
        known = isinstance(entry, dict) and (entry.get("auth") or entry.get("identitytoken"))
        if not known:
            return f"the entry of {registry} has neither `auth` nor `identitytoken`"
    return ""


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
        """Made anew for a new layer: the loop reads it while a thread takes in more."""

    def take(self, message: Mapping[str, Any]) -> None:
        """Take in one message. Raises PullError when it is the engine's last word."""
        if error := message.get("error"):
            raise PullError(str(error))
        status, name = message.get("status"), message.get("id")
        if not name or (status not in _PART and status not in _MOVING):
            return
        layer = self._layers.get(str(name)) or _Layer()
        if str(name) not in self._layers:
            self._layers = {**self._layers, str(name): layer}
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


THREADS = 8
"""Different images that can be under way at the same time."""

PAUSE = 0.3
"""Seconds between two messages to who waits; the engine sends hundreds a second."""

Tell = Callable[[str, float], None]
"""Is told a sentence and how much is done, 0 to 1."""

Stream = Callable[[], Iterable[Mapping[str, Any]]]
"""Begins a pull and gives the engine's messages; called on a thread."""


class _Pull:
    def __init__(self) -> None:
        self.progress = PullProgress()
        self.listeners: list[Tell] = []
        self.task: asyncio.Future[None]
        self._soon: asyncio.TimerHandle | None = None

    def changed(self) -> None:
        """Tell what there is to tell, a moment from now: one message for all of that moment."""
        if self._soon is None:
            self._soon = asyncio.get_running_loop().call_later(PAUSE, self._news)

    def _news(self) -> None:
        self._soon = None
        for tell in self.listeners:
            tell(self.progress.sentence, self.progress.part)


class Pulls:
    """The pulls that are under way."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, "pull")
        self._running: dict[str, _Pull] = {}

    async def get(self, reference: str, stream: Stream, tell: Tell) -> None:
        """Return once the image is there; a pull of it that is under way is shared.

        When whoever waits gives up, the pull goes on: the next one who wants the image has less
        to wait for. Raises PullError, or what the engine's client raises.
        """
        pull = self._running.get(reference)
        if pull is None:
            pull = self._running[reference] = _Pull()
            pull.task = asyncio.ensure_future(self._run(reference, pull, stream))
            pull.task.add_done_callback(heard)
        pull.listeners.append(tell)
        try:
            tell(pull.progress.sentence, pull.progress.part)
            await asyncio.shield(pull.task)
        finally:
            pull.listeners.remove(tell)

    async def _run(self, reference: str, pull: _Pull, stream: Stream) -> None:
        loop = asyncio.get_running_loop()

        def work() -> None:
            for message in stream():
                pull.progress.take(message)
                loop.call_soon_threadsafe(pull.changed)

        try:
            await loop.run_in_executor(self._threads, work)
        finally:
            del self._running[reference]
