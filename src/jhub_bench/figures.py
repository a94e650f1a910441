"""What a benchmark found: measured values beside the peer's, and what follows from them. Pure."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One measured thing: every run's value, the peer's from the same run, and the target.

    `unit` is `s`, `MB` (10^6 bytes), `requests` or `images`; less is better in all of them.
    `target` is the largest ratio to the peer that is good enough. `note` says what a reader has
    to know to understand the figure, `details` are rows of (what, value in `unit`) that add up to
    it or explain it.
    """

    benchmark: str
    subject: str
    unit: str
    ours: tuple[float, ...]
    peer: tuple[float, ...] = ()
    peer_name: str = ""
    target: float | None = None
    note: str = ""
    details: tuple[tuple[str, float], ...] = field(default=())

    @property
    def key(self) -> str:
        """What stays the same from one run of the benchmarks to the next."""
        return f"{self.benchmark} {self.subject}"

    @property
    def value(self) -> float:
        """The median of our runs."""
        return statistics.median(self.ours)

    @property
    def peer_value(self) -> float | None:
        """The median of the peer's runs; None without a peer."""
        return statistics.median(self.peer) if self.peer else None

    @property
    def ratio(self) -> float | None:
        """Ours divided by the peer's; None without a peer."""
        return self.value / self.peer_value if self.peer_value else None

    @property
    def reached(self) -> bool | None:
        """Whether the target is reached; None where there is none or nothing to compare with."""
        if self.target is None or self.ratio is None:
            return None
        return self.ratio <= self.target

    def as_record(self) -> dict[str, Any]:
        """The figure for the JSON file, with what follows from it spelled out."""
        return {
            "benchmark": self.benchmark,
            "subject": self.subject,
            "unit": self.unit,
            "value": round(self.value, 3),
            "runs": [round(value, 3) for value in self.ours],
            "peer": self.peer_name,
            "peer_value": None if self.peer_value is None else round(self.peer_value, 3),
            "peer_runs": [round(value, 3) for value in self.peer],
            "ratio": None if self.ratio is None else round(self.ratio, 3),
            "target": self.target,
            "reached": self.reached,
            "note": self.note,
            "details": [[what, round(value, 3)] for what, value in self.details],
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Figure":
        """The figure that `as_record` wrote; raises KeyError or TypeError for anything else."""
        return cls(
            benchmark=record["benchmark"],
            subject=record["subject"],
            unit=record["unit"],
            ours=tuple(record["runs"]),
            peer=tuple(record["peer_runs"]),
            peer_name=record["peer"],
            target=record["target"],
            note=record["note"],
            details=tuple((what, value) for what, value in record["details"]),
        )


def change(now: Figure, before: Mapping[str, Figure]) -> float | None:
    """By what part our median changed since the last run (0.1: a tenth more); None if new."""
    last = before.get(now.key)
    if last is None or last.unit != now.unit or not last.value:
        return None
    return now.value / last.value - 1


def spread(values: Sequence[float]) -> float:
    """The distance between the lowest and the highest quarter; how noisy the runs were."""
    if len(values) < 2:
        return 0.0
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return high - low


def percentile(values: Sequence[float], part: int) -> float:
    """The value that `part` hundredths of `values` do not exceed; interpolated."""
    if len(values) < 2:
        return values[0]
    return statistics.quantiles(values, n=100, method="inclusive")[part - 1]
