"""Jobs and their runs in the hub's database. All times are UTC without zone, as JupyterHub's are.

A run's row is there before its server is started, so that a hub that is killed neither forgets it
nor starts it twice: `begun` is set with the state by which the server is found again.
"""

from datetime import datetime
from typing import Any, ClassVar, Self

from jupyterhub import orm
from sqlalchemy import Connection, String, Text, UniqueConstraint, delete, event, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from hub_config import moments, names
from hub_config.database import Base

KEPT = 20
"""Runs of a job that are remembered here; their files are in the home."""

LAST_WORDS = 4000
"""Characters of a log's end that are remembered."""


class Owned(Base):
    """What jobs and applications have in common: each is of the person `user_id`."""

    __abstract__ = True
    PREFIX: ClassVar[str]
    """What the names of their servers begin with."""

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(index=True)
    name: Mapped[str] = mapped_column(String(30))
    file: Mapped[str] = mapped_column(String(500))
    profile: Mapped[str] = mapped_column(String(255))
    paused: Mapped[bool] = mapped_column(default=False)

    @property
    def server(self) -> str:
        """What its server is called."""
        return self.PREFIX + self.name

    def owner(self, db: Session) -> orm.User | None:
        """Whose it is, as JupyterHub's record."""
        return db.get(orm.User, self.user_id)

    def user(self, handler: Any) -> Any:
        """The same as JupyterHub's User, None for nobody's; `handler` is any request's."""
        record = self.owner(handler.db)
        return handler.find_user(record.name) if record else None

    @classmethod
    def all(cls, db: Session) -> list[Self]:
        """Everybody's."""
        return list(db.scalars(select(cls).order_by(cls.user_id, cls.name)))

    @classmethod
    def of_person(cls, db: Session, user_id: int) -> list[Self]:
        """One person's."""
        return list(db.scalars(select(cls).filter_by(user_id=user_id).order_by(cls.name)))

    @classmethod
    def of_server(cls, db: Session, user_id: int, server: str) -> Self | None:
        """The one that the server `server` of that person is of."""
        return next((one for one in cls.of_person(db, user_id) if one.server == server), None)


class JobRow(Owned):
    """One job. `due` is since when it waits to be started, None when it does not; `following` is
    when it is due next; `note` is why it waits, or did not run.
    """

    __tablename__ = "platform_jobs"
    __table_args__ = (UniqueConstraint("user_id", "name"),)
    PREFIX = names.SCHEDULED
    cron: Mapped[str] = mapped_column(String(100))
    zone: Mapped[str] = mapped_column(String(64))
    tell: Mapped[str] = mapped_column(String(500))
    due: Mapped[datetime | None]
    following: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(String(500), default="")


class RunRow(Base):
    """One run. `outcome` is empty while it goes on; `exit_code` is the container's, None where it
    was not seen to end. `message` is what became of telling somebody: empty (nobody is to be told),
    `due`, `sent`, or why it could not be sent.
    """

    __tablename__ = "platform_runs"
    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(index=True)
    due: Mapped[datetime]
    started: Mapped[datetime]
    ended: Mapped[datetime | None]
    begun: Mapped[bool] = mapped_column(default=False)
    outcome: Mapped[str] = mapped_column(String(20), default="")
    exit_code: Mapped[int | None]
    words: Mapped[str] = mapped_column(Text, default="")
    message: Mapped[str] = mapped_column(String(200), default="")

    @property
    def stamp(self) -> str:
        """Its folder's name in the home."""
        return self.started.strftime("%Y-%m-%dT%H%M%SZ")


@event.listens_for(orm.User, "after_delete")
def _with_their_owner(_mapper: Any, connection: Connection, user: orm.User) -> None:
    """In the same transaction, whatever else of them there was: SQLite gives the id again, and the
    next person of that id would go on with them.
    """
    forget(connection, user.id)


def forget(db: Session | Connection, user_id: int) -> None:
    """The person was deleted; whoever calls commits."""
    mine = select(JobRow.id).filter_by(user_id=user_id)
    db.execute(delete(RunRow).where(RunRow.job_id.in_(mine)))
    for table in Owned.__subclasses__():
        db.execute(delete(table).where(table.user_id == user_id))


def now() -> datetime:
    """This moment as the tables have it."""
    return moments.now().replace(microsecond=0)


def runs(db: Session, job_id: int) -> list[RunRow]:
    """The runs of a job that are remembered, the last one first."""
    return list(db.scalars(select(RunRow).filter_by(job_id=job_id).order_by(RunRow.id.desc())))


def under_way(db: Session) -> dict[int, RunRow]:
    """The runs that go on, by job."""
    return {run.job_id: run for run in db.scalars(select(RunRow).filter_by(outcome=""))}


def to_tell(db: Session) -> list[RunRow]:
    """The runs of which somebody is to be told still."""
    return list(db.scalars(select(RunRow).filter_by(message="due")))


def begin(db: Session, job: JobRow) -> RunRow:
    """Enter the run that is about to be started, and drop the oldest."""
    run = RunRow(job_id=job.id, due=job.due or now(), started=now())
    db.add(run)
    for old in runs(db, job.id)[KEPT:]:
        db.delete(old)
    db.commit()
    return run


def _going_on(db: Session, user_id: int, server: str) -> RunRow | None:
    job = JobRow.of_server(db, user_id, server)
    return under_way(db).get(job.id) if job else None


def has_begun(db: Session, user_id: int, server: str) -> None:
    """There is a container; whoever calls commits, together with what finds it again."""
    if run := _going_on(db, user_id, server):
        run.begun = True


def has_ended(db: Session, user_id: int, server: str, exit_code: int | None, words: str) -> None:
    """The container was seen to have ended by itself; it is about to be removed."""
    if run := _going_on(db, user_id, server):
        run.exit_code, run.words, run.ended = exit_code, words[-LAST_WORDS:], now()
        db.commit()


def remove(db: Session, job: JobRow) -> None:
    """Forget a job and its runs."""
    for run in runs(db, job.id):
        db.delete(run)
    db.delete(job)
    db.commit()
