"""What every source answers with."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from jhub_docker.release.audit.components import Component
from jhub_docker.release.audit.osv import Advisory


@dataclass(frozen=True)
class Coverage:
    """What a source could say of one ecosystem.

    `date` is that of its data: the newest record, the archive's release file, or the moment a
    service answered. `note` says what it knows, or why it was not reached. `components` counts
    the parts of the image it was asked about.
    """

    source: str
    ecosystem: str
    reached: bool
    components: int
    note: str
    date: datetime | None = None


@dataclass(frozen=True)
class Answer:
    """The advisories that are about components, and what was covered."""

    found: list[tuple[Component, Advisory]] = field(default_factory=list)
    coverage: list[Coverage] = field(default_factory=list)


def by_ecosystem(components: Iterable[Component]) -> dict[str, list[Component]]:
    """The components of each ecosystem that databases have, ecosystems by name."""
    groups: dict[str, list[Component]] = {}
    for component in sorted(components, key=lambda c: c.ecosystem):
        if component.ecosystem:
            groups.setdefault(component.ecosystem, []).append(component)
    return groups
