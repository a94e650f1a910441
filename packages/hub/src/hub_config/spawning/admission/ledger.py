"""Who was promised what: kept in memory, and refilled from the spawners' state at hub start."""

from collections.abc import Mapping
from dataclasses import replace

from hub_config.spawning.admission.room import Promise

Key = tuple[int, str]
"""A person's id in the hub's database and the name of the server."""


class Ledger:
    """The promises of all servers that run or are starting."""

    def __init__(self) -> None:
        self._promises: dict[Key, Promise] = {}

    def enter(self, key: Key, promise: Promise) -> None:
        """A server was admitted, or found running."""
        self._promises[key] = promise

    def started(self, key: Key) -> None:
        """The server answers: what it uses shows in the machine's free memory from now on."""
        if key in self._promises:
            self._promises[key] = replace(self._promises[key], starting=False)

    def release(self, key: Key) -> None:
        """The server is gone, or was never made."""
        self._promises.pop(key, None)

    def get(self, key: Key) -> Promise | None:
        """What this server was promised."""
        return self._promises.get(key)

    def others(self, key: Key) -> Mapping[Key, Promise]:
        """All promises but that of `key`, which is about to be made anew."""
        return {known: promise for known, promise in self._promises.items() if known != key}
