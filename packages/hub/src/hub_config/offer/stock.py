"""Which GPUs are free, and which of them a server is given. Pure.

What is free is what is known less what containers have that exist, running or not: their labels
say it, so nothing is kept beside them, and a device comes back with the end of its container.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from hub_config.settings.gpus import Gpus, called


@dataclass(frozen=True)
class Stock:
    """All devices in order, each with its kind, and those that somebody has."""

    known: Mapping[str, str] = field(default_factory=dict)
    taken: frozenset[str] = frozenset()

    def all(self, kind: str) -> list[str]:
        """The devices of a kind."""
        return [device for device, its in self.known.items() if its == kind]

    def free(self, kind: str) -> list[str]:
        """Those that nobody has."""
        return [device for device in self.all(kind) if device not in self.taken]

    def assign(self, asked: Gpus | None) -> tuple[str, ...]:
        """The devices for a server that asks for so many: the first free ones."""
        return tuple(self.free(asked.kind)[: asked.count]) if asked else ()

    def lack(self, asked: Gpus | None) -> str:
        """Why it cannot have them, in a sentence; empty when it can."""
        if asked is None or len(self.free(asked.kind)) >= asked.count:
            return ""
        have = len(self.all(asked.kind))
        if have < asked.count:
            return f"It needs {asked.words}, and this machine has {have} for servers."
        return f"It needs {asked.words}, and {len(self.free(asked.kind))} of {have} are free."

    def told(self) -> Iterator[str]:
        """A sentence for each kind on what is free."""
        for kind in sorted({*self.known.values()}):
            have = len(self.all(kind))
            yield f"{called(kind, 2)}: {len(self.free(kind))} of {have} are free."
