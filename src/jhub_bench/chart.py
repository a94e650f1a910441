"""Charts as SVG: a few panels of lines over the number of servers. Pure; it only draws."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, COLUMNS = 440, 250, 2
LEFT, RIGHT, TOP, BOTTOM = 46, 104, 34, 28
TITLE = 30

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#666666", "#e69f00")
"""Okabe and Ito's, which people see apart who do not see all colours."""


@dataclass(frozen=True)
class Line:
    """One curve; those of the same `label` have one colour, and `dashed` tells them apart."""

    label: str
    points: Sequence[tuple[float, float]]
    dashed: bool = False


@dataclass(frozen=True)
class Panel:
    """One drawing with its own axis, which begins at zero."""

    title: str
    lines: Sequence[Line]


def svg(title: str, panels: Sequence[Panel]) -> str:
    """All panels, on white ground: the page around may be dark."""
    rows = math.ceil(len(panels) / COLUMNS)
    width, height = COLUMNS * WIDTH, TITLE + rows * HEIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="11" fill="#222" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="12" y="20" font-size="13">{escape(title)}</text>',
    ]
    for place, panel in enumerate(panels):
        x, y = place % COLUMNS * WIDTH, TITLE + place // COLUMNS * HEIGHT
        parts += [f'<g transform="translate({x} {y})">', *_panel(panel), "</g>"]
    return "\n".join([*parts, "</svg>", ""])


def ticks(largest: float) -> list[float]:
    """From zero to at least `largest` in four to eight round steps."""
    rough = (largest or 1.0) / 4
    power = 10 ** math.floor(math.log10(rough))
    step = max(power * part for part in (1, 2, 5) if power * part <= rough)
    return [step * number for number in range(math.ceil((largest or 1.0) / step - 1e-9) + 1)]


def _panel(panel: Panel) -> Iterator[str]:
    every = [point for line in panel.lines for point in line.points]
    across = ticks(max(x for x, _ in every))
    up = ticks(max(y for _, y in every))
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM

    def at(x: float, y: float) -> tuple[float, float]:
        wide, high = (right - LEFT) / across[-1], (bottom - TOP) / up[-1]
        return round(LEFT + x * wide, 1), round(bottom - y * high, 1)

    yield f'<text x="{LEFT - 34}" y="20" font-weight="bold">{escape(panel.title)}</text>'
    for y in up:
        _, height = at(0, y)
        yield f'<path d="M{LEFT} {height}H{right}" stroke="#ddd"/>'
        yield f'<text x="{LEFT - 5}" y="{height + 4}" text-anchor="end">{y:g}</text>'
    for x in across:
        where, _ = at(x, 0)
        yield f'<text x="{where}" y="{bottom + 16}" text-anchor="middle">{x:g}</text>'
    labels = list(dict.fromkeys(line.label for line in panel.lines))
    for line in panel.lines:
        colour = COLOURS[labels.index(line.label) % len(COLOURS)]
        places = [at(*point) for point in line.points]
        path = "L".join(f"{x} {y}" for x, y in places)
        dashes = ' stroke-dasharray="5 3"' if line.dashed else ""
        yield f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="1.8"{dashes}/>'
        yield from (f'<circle cx="{x}" cy="{y}" r="2.2" fill="{colour}"/>' for x, y in places)
    ends = {line.label: at(*line.points[-1])[1] for line in panel.lines}
    for label, y in _apart(ends).items():
        colour = COLOURS[labels.index(label) % len(COLOURS)]
        yield f'<text x="{right + 6}" y="{y + 4:.1f}" fill="{colour}">{escape(label)}</text>'


def _apart(ends: dict[str, float], least: float = 13.0) -> dict[str, float]:
    """The heights of labels, moved apart so that each can be read."""
    placed: dict[str, float] = {}
    lowest = math.inf
    for label, y in sorted(ends.items(), key=lambda item: -item[1]):
        placed[label] = lowest = min(y, lowest - least)
    return placed
