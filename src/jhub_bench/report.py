"""The tables of a benchmark run. Pure; they only present."""

from collections.abc import Iterable, Mapping, Sequence

from jhub_bench.figures import Figure, change, spread
from jhub_docker import table

COLUMNS = (
    "benchmark", "subject", "value", "spread", "runs", "peer", "ratio", "target", "last run",
)  # fmt: skip
_RIGHT = ("value", "spread", "runs", "peer", "ratio", "target", "last run")


def amount(value: float | None, unit: str) -> str:
    """A value with its unit, to the precision that means something."""
    if value is None:
        return "-"
    if unit == "s" or (unit == "MB" and value < 10):
        return f"{value:.2f} {unit}"
    return f"{value:,.0f} {unit}"


def row(figure: Figure, before: Mapping[str, Figure]) -> tuple[str, ...]:
    """The cells of one figure."""
    since = change(figure, before)
    target = "-" if figure.target is None else f"<= {figure.target:.2f}"
    if figure.reached is not None:
        target += " reached" if figure.reached else " MISSED"
    return (
        figure.benchmark,
        figure.subject,
        amount(figure.value, figure.unit),
        amount(spread(figure.ours), figure.unit) if len(figure.ours) > 1 else "-",
        str(len(figure.ours)),
        amount(figure.peer_value, figure.unit),
        "-" if figure.ratio is None else f"{figure.ratio:.2f}",
        target,
        "new" if since is None else f"{since:+.0%}",
    )


def text(figures: Sequence[Figure], before: Mapping[str, Figure]) -> str:
    """The table of all figures, what each was compared with, and the details below."""
    parts = [table.render(COLUMNS, [row(figure, before) for figure in figures], right=_RIGHT)]
    if notes := list(_notes(figures)):
        parts.append("\n".join(notes))
    for figure in figures:
        if figure.details:
            rows = [(what, amount(value, figure.unit)) for what, value in figure.details]
            heading = f"{figure.benchmark} {figure.subject}"
            parts.append(table.render((heading, "value"), rows, right=("value",)))
    return "\n\n".join(parts)


def _notes(figures: Iterable[Figure]) -> Iterable[str]:
    """One line for each benchmark's peer and each note, without repeating one."""
    seen = set()
    for figure in figures:
        peer = f"Peer: {figure.peer_name}." if figure.peer_name else ""
        line = f"{figure.benchmark}: " + " ".join(part for part in (figure.note, peer) if part)
        if line not in seen and (figure.note or peer):
            seen.add(line)
            yield line
