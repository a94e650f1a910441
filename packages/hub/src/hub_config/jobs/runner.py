"""Looks at all jobs, lets `decisions` decide, does what it says: every minute and when somebody
asks, in the hub's process. What it knows is in the database and in JupyterHub's spawners alone, so
a hub that is started anew goes on where the one before was.
"""

import asyncio
import logging
from datetime import timedelta
from typing import Any

from jupyterhub import orm

from hub_config import counted, tracing
from hub_config.audit import events
from hub_config.jobs import clock, rows, telling
from hub_config.jobs.decisions import BAD, WAITS, Act, Outcome, act, outcome
from hub_config.jobs.rows import JobRow, RunRow
from hub_config.jobs.tasks import (
    Tasks,
    end_server,
    is_cancelled,
    may_run,
    remove_server,
    start_server,
    words_of,
)
from hub_config.settings import Settings
from hub_config.told import Refusal

WAITS_AT_MOST = timedelta(days=1)
"""After so long a run that finds no room is given up."""

TOLD_AT_MOST = timedelta(hours=1)
"""For so long a message that cannot be sent is tried again."""

log = logging.getLogger("runs")


class Runner:
    """One for the whole hub."""

    def __init__(self, operator: Settings) -> None:
        self.operator, self.most = operator, operator.scheduled_runs
        self.is_on = self.most > 0
        self.tasks = Tasks()

    # -- looking -------------------------------------------------------------------------------

    async def look(self, handler: Any) -> None:
        """Look at all jobs and begin what has to be done; returns at once. `handler` is any
        request's: JupyterHub's own handlers start and stop servers, also after its answer.
        """
        db, under_way = handler.db, rows.under_way(handler.db)
        for job in JobRow.all(db):
            if (user := job.user(handler)) is None:
                rows.remove(db, job)
            elif not self.tasks.at(job.id):
                await self._look_at(handler, job, user, under_way.get(job.id))
        for run in rows.to_tell(db):
            self.tasks.begin(-run.id, self._tell(db, run))

    async def _look_at(self, handler: Any, job: JobRow, user: Any, run: RunRow | None) -> None:
        allowed = await may_run(handler.authenticator, user)
        self._due(handler.db, job, allowed=allowed)
        spawner = user.spawners[job.server] if job.server in user.orm_spawners else None
        limit = timedelta(seconds=self.operator.run_time_limit)
        match act(
            going_on=run is not None,
            active=bool(spawner and spawner.active),
            ready=bool(spawner and spawner.ready),
            due=job.due is not None,
            allowed=allowed,
            too_long=bool(run and limit and rows.now() - run.started >= limit),
        ):
            case Act.START:
                self.tasks.begin(job.id, self._start(handler, job, user))
            case Act.END:
                why = Outcome.TOO_LONG if run and allowed else Outcome.STOPPED
                self.tasks.begin(job.id, self._end(handler, job, user, run, why))
            case Act.CLOSE if run is not None:
                became = outcome(run.exit_code, begun=run.begun)
                if became is None:  # the hub ended before there was a container
                    job.due = job.due or run.due
                    handler.db.delete(run)
                    handler.db.commit()
                else:
                    self._close(handler.db, job, run, became, user.name)

    def _due(self, db: Any, job: JobRow, *, allowed: bool) -> None:
        """Note that it is time. What was missed while there was no hub comes once."""
        now = rows.now()
        if job.due and (not allowed or now - job.due > WAITS_AT_MOST):
            log.warning("%s of person %s did not run: %s", job.name, job.user_id, job.note)
            job.due = None
            db.commit()
        if job.paused or job.following is None or job.following > now:
            return
        if allowed:
            job.due = job.due or job.following
        try:
            job.following = clock.following(job.cron, job.zone, now)
        except ValueError as error:  # a time zone that is gone
            job.paused, job.note = True, str(error)
        db.commit()

    # -- doing ---------------------------------------------------------------------------------

    async def _start(self, handler: Any, job: JobRow, user: Any) -> None:
        db = handler.db
        run = rows.begin(db, job)
        tracing.cause.set("scheduled run")
        try:
            await start_server(handler, user, job)
        except Refusal as error:
            if error.reason in WAITS:
                job.note = str(error)[:500]
                db.delete(run)
                db.commit()
                return
            run.words = str(error)
            self._close(db, job, run, Outcome.REFUSED, user.name)
            return
        except (Exception, asyncio.CancelledError) as error:  # whatever keeps it from coming up
            if run.outcome:  # somebody stopped it meanwhile
                return
            cancelled = is_cancelled(error)
            said = run.words or words_of(error)
            run.words = said[-rows.LAST_WORDS :]
            became = Outcome.STOPPED if cancelled else Outcome.FAILED
            self._close(db, job, run, became, user.name)
            return
        job.due, job.note = None, ""
        db.commit()

    async def _end(
        self, handler: Any, job: JobRow, user: Any, run: RunRow | None, why: Outcome
    ) -> None:
        if run is not None and not run.outcome:
            self._close(handler.db, job, run, why, user.name)
        await end_server(handler, user, job.server)

    def _close(self, db: Any, job: JobRow, run: RunRow, became: Outcome, person: str) -> None:
        run.outcome, run.ended = became, run.ended or rows.now()
        run.message = "due" if became in BAD and job.tell else ""
        job.due, job.note = None, ""
        db.commit()
        counted.RUNS_ENDED.labels(became).inc()
        told = {"run": job.name, "exit_code": run.exit_code}
        events.tell("run.ended", on=person, who="scheduled run", result=str(became), **told)

    async def _tell(self, db: Any, run: RunRow) -> None:
        job = db.get(JobRow, run.job_id)
        owner = job.owner(db) if job else None
        if job is None or owner is None or run.ended is None:
            run.message = ""
            db.commit()
            return
        try:
            await telling.tell(news(job, run, owner), job.tell, self.operator)
            run.message = "sent"
        except telling.NotSentError as error:
            log.warning("%s's run %s: the message is not sent: %s", owner.name, job.name, error)
            if rows.now() - run.ended > TOLD_AT_MOST:
                run.message = f"not sent: {error}"[:200]
        db.commit()

    # -- what people ask for -------------------------------------------------------------------

    async def stop(self, handler: Any, job: JobRow) -> None:
        """Stop the run that goes on, and wait for no turn either."""
        job.due = None
        handler.db.commit()
        run = rows.under_way(handler.db).get(job.id)
        if (user := job.user(handler)) is not None:
            await self._end(handler, job, user, run, Outcome.STOPPED)
            await self.tasks.over(job.id)

    async def remove(self, handler: Any, job: JobRow) -> None:
        """Stop it and forget it, with its server."""
        await self.stop(handler, job)
        if (user := job.user(handler)) is not None:
            remove_server(handler.db, user, job.server)
        rows.remove(handler.db, job)


SENTENCES = {
    Outcome.OK: "The scheduled run {job} of {person} went well.",
    Outcome.FAILED: "The scheduled run {job} of {person} failed{code}.",
    Outcome.TOO_LONG: "The scheduled run {job} of {person} took too long and was stopped.",
    Outcome.STOPPED: "The scheduled run {job} of {person} was stopped.",
    Outcome.REFUSED: "The scheduled run {job} of {person} could not be started.",
}


def news(job: JobRow, run: RunRow, owner: orm.User) -> telling.News:
    """What is told of a run that is over."""
    code = f" with exit code {run.exit_code}" if run.exit_code else ""
    said = SENTENCES[Outcome(run.outcome)].format(job=job.name, person=owner.name, code=code)
    ended = f"{run.ended.isoformat()}Z" if run.ended else ""
    return telling.News(
        owner.name, job.name, job.file, run.outcome, said, run.exit_code, ended, run.words
    )
