"""What is kept of a load curve: each step as soon as there is one, and the page that shows all.

`docs/scale.md` has a block for the tables, which a whole run of `load` writes, with the chart
beside it. All but `Kept` is pure.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from docker import DockerClient

from jhub_bench import chart, record
from jhub_bench.chart import Panel
from jhub_bench.curve import RESTART, Line, Points, Step, bend

PAGE, CHART = Path("docs/scale.md"), Path("docs/images/scale.svg")
BEGIN, END = "<!-- written by `invoke bench --only load`: begin -->", "<!-- end -->"
FAR = 5000
"""The number of servers that is extrapolated to."""


@dataclass
class Kept:
    """The steps of one run, in `.bench/<name>-steps.json`; with `page`, shown in `docs/` too."""

    client: DockerClient
    root: Path
    name: str
    page: bool = False
    steps: list[Step] = field(default_factory=list)

    def add(self, step: Step) -> None:
        """Keep one more."""
        self.steps.append(step)
        run = {
            "at": datetime.now(UTC).isoformat(timespec="minutes"),
            "machine": record.machine_of(self.client, self.root),
            "steps": [one.as_record() for one in self.steps],
        }
        folder = self.root / record.FOLDER
        folder.mkdir(exist_ok=True)
        (folder / f"{self.name}-steps.json").write_text(json.dumps(run, indent=1) + "\n")
        (folder / f"{self.name}.svg").write_text(drawing(self.steps))
        if self.page:
            (self.root / CHART).write_text(drawing(self.steps))
            page = self.root / PAGE
            page.write_text(filled(page.read_text("utf-8"), block(run, self.steps)))


def filled(page: str, text: str) -> str:
    """The page with this in its block."""
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    return pattern.sub(lambda _: f"{BEGIN}\n{text}\n{END}", page)


Value = Callable[[Step], float]


def _taken(phase: str, part: int) -> Value:
    return lambda step: step.taken(phase, part)


def _each(phase: str, service: str = "hub") -> Value:
    return lambda step: 1000 * step.each(phase, service)


def _health(phase: str) -> Value:
    return lambda step: 1000 * step.phases[phase].health[1]


def _rest(service: str) -> Value:
    return lambda step: 100 * step.at_rest(service)


def _memory(service: str) -> Value:
    return lambda step: step.memory[service]


STARTS, STOPS, LOGIN = "30 starts", "30 stops", "log-in"
NAMES = {"engine": "filter", "postgres": "database"}
SERVICES = ("hub", "proxy", "engine", "postgres")


def rows(steps: Sequence[Step]) -> Iterator[tuple[str, list[str]]]:
    """What each step of one database was measured to be, by the thing that was measured."""

    def row(text: str, *values: Value) -> tuple[str, list[str]]:
        return text, [" / ".join(f"{value(step):.3g}" for value in values) for step in steps]

    for name in (LOGIN, "form", "home", "People", "admin's list", "one start", "one stop"):
        yield row(f"{name}, p50 / p99, s", _taken(name, 50), _taken(name, 99))
    yield row("of 30 starts at once, p50 / p99, s", _taken(STARTS, 50), _taken(STARTS, 99))
    yield row("of 30 stops at once, p50 / p99, s", _taken(STOPS, 50), _taken(STOPS, 99))
    yield row("health p50 / p99 at rest, ms", lambda s: 1000 * s.phases["rest"].health[0],
              _health("rest"))  # fmt: skip
    for name in (LOGIN, STARTS, STOPS):
        yield row(f"health p99 meanwhile: {name}, ms", _health(name))
    for name in (LOGIN, "form", STARTS, STOPS):
        yield row(f"CPU of the hub for each: {name}, ms", _each(name))
    yield row("hub restarted: until it answers, its CPU, s", _taken(RESTART, 50),
              lambda s: s.phases[RESTART].cpu["hub"])  # fmt: skip
    there = [service for service in SERVICES if service in steps[0].memory]
    told = " / ".join(NAMES.get(service, service) for service in there)
    yield row(f"CPU at rest: {told}, % of one", *map(_rest, there))
    yield row(f"CPU for each start: {told}, ms", *(_each(STARTS, one) for one in there))
    yield row(f"memory: {told}, MB", *map(_memory, there))
    yield row("load average, machine busy in %", lambda s: s.phases[LOGIN].load,
              lambda s: 100 * s.phases[LOGIN].busy)  # fmt: skip


def block(run: dict[str, Any], steps: Sequence[Step]) -> str:
    """The tables, and what follows from them."""
    machine = run["machine"]
    parts = [
        f"Measured {run['at']} on {machine['cpus']} processors and "
        f"{machine['memory_bytes'] / 2**30:.0f} GB, at `{machine['revision']}`."
    ]
    for database, own in by_database(steps).items():
        head = [f"| {database} | " + " | ".join(f"{step.servers:,}" for step in own) + " |"]
        head.append("| --- |" + " --- |" * len(own))
        parts.append("\n".join([*head, *(f"| {a} | {' | '.join(b)} |" for a, b in rows(own))]))
    parts.append(f"![Times, processor time and memory over servers]({CHART.relative_to('docs')})")
    growths = [line for own in by_database(steps).items() for line in growth(*own)]
    if growths:
        heads = f"| grows | for 1,000 servers more | at {FAR:,} | bends at |"
        parts.append("\n".join([heads, "| --- | --- | --- | --- |", *growths]))
    return "\n\n".join(parts)


def growth(database: str, steps: Sequence[Step]) -> Iterator[str]:
    """A line of a table for each thing that could grow; nothing for too few steps."""
    wanted: dict[str, tuple[Value, str]] = {
        "memory of the hub": (_memory("hub"), "MB"),
        "memory of the proxy": (_memory("proxy"), "MB"),
        "the hub at rest": (_rest("hub"), "% of a processor"),
        "the proxy at rest": (_rest("proxy"), "% of a processor"),
        "the hub for a log-in": (_each(LOGIN), "ms"),
        "the hub for a form": (_each("form"), "ms"),
        "the hub for a start": (_each(STARTS), "ms"),
        "the hub for a stop": (_each(STOPS), "ms"),
    }
    for what, (value, unit) in wanted.items():
        points: Points = [(step.servers, value(step)) for step in steps]
        if (line := Line.through(points)) is None:
            continue
        there, error = line.at(FAR)
        bent = bend(points)
        yield (
            f"| {what}, {database} | {1000 * line.slope:.3g} ± {1000 * line.slope_error:.2g} "
            f"{unit} | {there:.3g} ± {error:.2g} {unit} | {f'{bent:,.0f}' if bent else 'nowhere'} |"
        )


def by_database(steps: Iterable[Step]) -> dict[str, list[Step]]:
    """The steps of each."""
    found: dict[str, list[Step]] = {}
    for step in steps:
        found.setdefault(step.database, []).append(step)
    return found


def drawing(steps: Sequence[Step]) -> str:
    """The chart."""

    def panel(title: str, **values: Value) -> Panel:
        return Panel(
            title,
            [
                chart.Line(label.replace("_", " "), [(s.servers, value(s)) for s in own], place > 0)
                for place, own in enumerate(by_database(steps).values())
                for label, value in values.items()
                if label != "database" or "postgres" in own[0].memory
            ],
        )

    names = list(by_database(steps))
    how = "" if len(names) == 1 else f" ({names[0]}; dashed: {names[1]})"
    return chart.svg(
        f"Over the number of servers{how}",
        [
            panel("Log-in and form, s", log_in_p50=_taken(LOGIN, 50), log_in_p99=_taken(LOGIN, 99),
                  form_p50=_taken("form", 50), form_p99=_taken("form", 99)),
            panel("Starts, s", one_p50=_taken("one start", 50), of_30_p50=_taken(STARTS, 50),
                  of_30_p99=_taken(STARTS, 99)),
            panel("Health page, p99, ms", at_rest=_health("rest"), log_ins=_health(LOGIN),
                  starts=_health(STARTS), stops=_health(STOPS)),
            panel("Processor time of the hub for each, ms", log_in=_each(LOGIN), form=_each("form"),
                  start=_each(STARTS), stop=_each(STOPS)),
            panel("Processor at rest, % of one", hub=_rest("hub"), proxy=_rest("proxy"),
                  filter=_rest("engine"), database=_rest("postgres")),
            panel("Memory, MB", hub=_memory("hub"), proxy=_memory("proxy"),
                  filter=_memory("engine"), database=lambda step: step.memory["postgres"]),
        ],
    )  # fmt: skip
