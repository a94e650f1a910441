"""What each server has used, month by month, for a bill or a talk. Kept in the hub's database,
since Prometheus need not be there and forgets.

A row is one container in one month (UTC). Its CPU time is the engine's count, which goes on from
the container's start, so what a hub that was away has missed is in the next measurement.
"""

import json
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jupyterhub import orm
from sqlalchemy import Float, String, Text, create_engine, delete, func, inspect, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column, selectinload

from hub_config.database import Base, is_there
from hub_config.first_start import Records
from hub_config.runtime.interface import Container, Usage

GB = 2**30
HOUR = 3600.0

KEPT_MONTHS = 24
"""How long rows are kept."""


class UsageRow(Base):
    """One container in one month. `memory` is what it was promised, in bytes; `cpu_before` what it
    had used before the row began, in seconds; `members` the person's groups, as JSON. `began` and
    `seen` are seconds since the epoch. `user_since` tells two people apart whom SQLite gave the
    same id; all rows of one have the name that was seen last.
    """

    __tablename__ = "platform_usage"
    container: Mapped[str] = mapped_column(String(64), primary_key=True)
    month: Mapped[str] = mapped_column(String(7), primary_key=True, index=True)
    user_id: Mapped[int] = mapped_column(index=True)
    user_since: Mapped[datetime | None]
    person: Mapped[str] = mapped_column(String(255))
    server: Mapped[str] = mapped_column(String(255))
    members: Mapped[str] = mapped_column(Text)
    memory: Mapped[float] = mapped_column(Float)
    began: Mapped[float] = mapped_column(Float)
    seen: Mapped[float] = mapped_column(Float)
    cpu_before: Mapped[float] = mapped_column(Float)
    cpu: Mapped[float] = mapped_column(Float)


@dataclass(frozen=True)
class Total:
    """What a person, or all members of a group, had in a month. Hours are of servers: two that run
    for an hour are two. `gb_hours` are of the memory promised to them (2³⁰ bytes).
    """

    name: str
    servers: int
    hours: float
    cpu_hours: float
    gb_hours: float


def month_of(when: datetime) -> str:
    """The month as it is written, such as `2026-11`."""
    return f"{when:%Y-%m}"


def note(db: Session, measured: Iterable[tuple[Container, Usage]], now: datetime) -> None:
    """Keep what was measured `now`, but for unknown people's containers. The caller commits."""
    found = list(measured)
    month, at = month_of(now), now.timestamp()
    ids = [container.id for container, _ in found]
    rows: dict[str, UsageRow] = {}
    # The newest row of each comes last and stays.
    for row in db.scalars(
        select(UsageRow).where(UsageRow.container.in_(ids)).order_by(UsageRow.month)
    ):
        rows[row.container] = row
    names = {container.user for container, _ in found}
    groups = selectinload(orm.User.groups)
    people = {
        user.name: user
        for user in db.scalars(select(orm.User).where(orm.User.name.in_(names)).options(groups))
    }
    added = []
    for container, used in found:
        if (user := people.get(container.user)) is None:
            continue
        known = rows.get(container.id)
        if known is None or known.month != month:
            before = known
            known = UsageRow(
                container=container.id,
                month=month,
                began=before.seen if before else _began(container, now).timestamp(),
                cpu_before=before.cpu if before else 0.0,
            )
            added.append(known)
            _rename(db, user)
        known.user_id, known.user_since, known.person = user.id, user.created, user.name
        known.server, known.memory = container.server, float(container.memory)
        known.members = json.dumps(sorted(group.name for group in user.groups))
        known.seen, known.cpu = at, used.processor
    db.add_all(added)


def _rename(db: Session, user: orm.User) -> None:
    """Have all rows of somebody say what they are called now."""
    theirs = (UsageRow.user_id == user.id, UsageRow.user_since == user.created)
    other = UsageRow.person != user.name
    db.execute(update(UsageRow).where(*theirs, other).values(person=user.name))


def _began(container: Container, now: datetime) -> datetime:
    """When it was started, or the first of this month: of the months before nothing is known."""
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    try:
        started = datetime.fromisoformat(container.started)
    except ValueError:
        return now
    return min(now, max(first, started))


def forget_old(db: Session, now: datetime) -> None:
    """Remove what is older than anybody asks for. The caller commits."""
    months = now.year * 12 + now.month - 1 - KEPT_MONTHS
    oldest = f"{months // 12:04d}-{months % 12 + 1:02d}"
    db.execute(delete(UsageRow).where(UsageRow.month < oldest))


_LONG = UsageRow.seen - UsageRow.began

_SUMS = (
    func.count(),
    func.sum(_LONG) / HOUR,
    func.sum(UsageRow.cpu - UsageRow.cpu_before) / HOUR,
    func.sum(UsageRow.memory * _LONG) / GB / HOUR,
)
"""What a `Total` is made of behind its name. The database adds up: there are many rows."""


def people(db: Session, month: str) -> list[Total]:
    """What each person had in a month, by name; one who was renamed is called as last."""
    person = (UsageRow.user_id, UsageRow.user_since, UsageRow.person)
    found = db.execute(select(*person, *_SUMS).where(UsageRow.month == month).group_by(*person))
    totals = (Total(name, *sums) for _, _, name, *sums in map(tuple[Any, ...], found))
    return sorted(totals, key=_by_name)


def groups(db: Session, month: str) -> list[Total]:
    """What the members of each group had; who is in two groups counts in both."""
    members = UsageRow.members
    found = db.execute(select(members, *_SUMS).where(UsageRow.month == month).group_by(members))
    added: dict[str, list[float]] = {}
    for names, *sums in found:
        for group in json.loads(names):
            before = added.get(group, [0] * len(sums))
            added[group] = [one + other for one, other in zip(before, sums, strict=True)]
    totals = (Total(group, int(sums[0]), *sums[1:]) for group, sums in added.items())
    return sorted(totals, key=_by_name)


def _by_name(total: Total) -> str:
    return total.name


def told(db: Session, month: str) -> dict[str, Any]:
    """All of a month, as `python -m hub_config usage` prints it."""

    def plain(totals: Iterable[Total]) -> list[dict[str, Any]]:
        return [
            {key: round(value, 4) if isinstance(value, float) else value for key, value in one}
            for one in (vars(total).items() for total in totals)
        ]

    return {"month": month, "people": plain(people(db, month)), "groups": plain(groups(db, month))}


def usage_command(database: Records, arguments: Sequence[str]) -> int:
    """Print a month; 2 for what is no month, 4 while nothing was measured yet."""
    month = arguments[0] if arguments else month_of(datetime.now(UTC))
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month):
        print(f"{month!r} is no month; expected one such as 2026-11", file=sys.stderr)
        return 2
    # Read-only: the hub may be writing, or not be there at all.
    url = f"sqlite:///file:{database}?mode=ro&uri=true" if isinstance(database, Path) else database
    if not is_there(database) or not inspect(engine := create_engine(url)).has_table(
        UsageRow.__tablename__
    ):
        print("Nothing was measured yet: the hub has not started.", file=sys.stderr)
        return 4
    with Session(engine) as db:
        print(json.dumps(told(db, month)))
    return 0
