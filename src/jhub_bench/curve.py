"""A load curve: steps of ever more servers, what was done on each, and what follows. Pure."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from jhub_bench.figures import Figure, percentile

REST, RESTART = "rest", "hub restarted"
"""The phase in which nobody does anything, and that in which the hub is away."""

Points = list[tuple[float, float]]


@dataclass(frozen=True)
class Phase:
    """One thing that was done so many times.

    `seconds` are what each took, `lasted` all of it; `health` are median, 99th percentile and worst
    of the seconds that the hub's health page took meanwhile, empty while it is away. `cpu` are
    processor seconds of each service. `load` is the machine's load average, and `busy` the part of
    all its processors that was busy with anything, other people's work too.
    """

    seconds: tuple[float, ...]
    lasted: float
    health: tuple[float, ...]
    cpu: Mapping[str, float]
    load: float
    busy: float


@dataclass(frozen=True)
class Step:
    """So many servers on one database; `memory` is each service's, in MB (10^6 bytes)."""

    database: str
    servers: int
    phases: Mapping[str, Phase]
    memory: Mapping[str, float]

    def as_record(self) -> dict[str, Any]:
        """For the JSON file."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Step":
        """The step that `as_record` wrote."""
        phases = {
            name: Phase(**one | {"seconds": tuple(one["seconds"]), "health": tuple(one["health"])})
            for name, one in record["phases"].items()
        }
        return cls(record["database"], record["servers"], phases, record["memory"])

    def taken(self, phase: str, part: int) -> float:
        """The seconds that `part` hundredths of what was done did not exceed."""
        return percentile(sorted(self.phases[phase].seconds), part)

    def at_rest(self, service: str) -> float:
        """The part of one processor that a service takes while nobody does anything."""
        rest = self.phases[REST]
        return rest.cpu.get(service, 0.0) / rest.lasted

    def each(self, phase: str, service: str) -> float:
        """The processor seconds of a service for each thing done, what it takes at rest left out.

        It is the same on a machine that is busy with other things, unlike what people wait.
        """
        done = self.phases[phase]
        above = done.cpu.get(service, 0.0) - self.at_rest(service) * done.lasted
        return max(0.0, above) / len(done.seconds)


_STUDENT = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45)
"""Student's t for 95 % (two-sided), by degrees of freedom from one."""


@dataclass(frozen=True)
class Line:
    """A straight line through points, with the error of what it says (95 % of measurements)."""

    slope: float
    start: float
    slope_error: float
    _noise: float
    _centre: float
    _width: float
    _count: int

    @classmethod
    def through(cls, points: Points) -> "Line | None":
        """By least squares; None for fewer than three points, which have no error."""
        if (count := len(points)) < 3:
            return None
        xs, ys = zip(*points, strict=True)
        slope, start = statistics.linear_regression(xs, ys)
        width = sum((x - statistics.mean(xs)) ** 2 for x in xs)
        left = sum((y - start - slope * x) ** 2 for x, y in points)
        student = _STUDENT[min(count - 2, len(_STUDENT)) - 1]
        noise = student * math.sqrt(left / (count - 2))
        centre = statistics.mean(xs)
        return cls(slope, start, noise / math.sqrt(width), noise, centre, width, count)

    def at(self, x: float) -> tuple[float, float]:
        """The value there, and by how much one that is measured there may differ."""
        far = (x - self._centre) ** 2 / self._width
        return self.start + self.slope * x, self._noise * math.sqrt(1 + 1 / self._count + far)


BENT = 2.0
"""How many times steeper than before a piece of a curve has to be to be called a bend."""


def bend(points: Points) -> float | None:
    """The number of servers from which on something grows `BENT` times as fast as up to there, and
    more than by what a tenth of it is; None where it does not.
    """
    first = points[0]
    for here, there in pairwise(points[1:]):
        before = (here[1] - first[1]) / (here[0] - first[0])
        after = (there[1] - here[1]) / (there[0] - here[0])
        if after > BENT * max(before, 0.0) and there[1] - here[1] > 0.1 * here[1]:
            return here[0]
    return None


def figures(benchmark: str, steps: Sequence[Step]) -> list[Figure]:
    """The last step of each database beside its first: a ratio above one is what grows."""
    found = []
    for database in dict.fromkeys(step.database for step in steps):
        own = [step for step in steps if step.database == database]
        first, last = own[0], own[-1]
        where, peer = f"{last.servers} servers, {database}", f"the same with {first.servers}"
        for name, phase in last.phases.items():
            told = [
                (f"health p99, {step.servers}", step.phases[name].health[1])
                for step in own
                if phase.health
            ]
            if phase.seconds:
                told += [(f"p99, {step.servers}", step.taken(name, 99)) for step in own]
                told += [
                    (f"CPU of hub each, {step.servers}", step.each(name, "hub")) for step in own
                ]
                ours, theirs = phase.seconds, first.phases[name].seconds
            else:
                ours, theirs = (phase.cpu["hub"],), (first.phases[name].cpu["hub"],)
            note = f"Load average {first.phases[name].load:.1f} there, {phase.load:.1f} here."
            subject = f"{name if phase.seconds else f'CPU of hub in {phase.lasted:.0f} s'}, {where}"
            rows = tuple(told)
            found.append(Figure(benchmark, subject, "s", ours, theirs, peer, None, note, rows))
        for service, amount in last.memory.items():
            theirs = (first.memory[service],)
            subject = f"memory of {service}, {where}"
            found.append(Figure(benchmark, subject, "MB", (amount,), theirs, peer))
    return found
