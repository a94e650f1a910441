"""The page Runs: one's own jobs, what became of them, and for admins everybody's."""

from collections.abc import Collection, Iterable
from typing import Any

from jupyterhub.handlers import BaseHandler

from hub_config.jobs import clock, forms, pages, rows
from hub_config.jobs.rows import JobRow
from hub_config.jobs.rules import told_by
from hub_config.jobs.runner import Runner
from hub_config.languages import when
from hub_config.offer.profiles import Profile

SHOWN = 5
"""Runs of each job on the page."""


class RunsHandler(pages.OwnedHandler):
    """What all of them share."""

    ROW, PAGE, WHAT = JobRow, "runs", "run"


class ListHandler(RunsHandler, pages.ListHandler):
    """The page, and its form."""

    def typed(self) -> dict[str, str]:
        """What was typed, if anything was; JupyterLab's *Run on a schedule* names the file."""
        given = {name: self.get_body_argument(name, "") for name in forms.FIELDS}
        given["file"] = given["file"] or self.get_query_argument("file", "")
        return forms.typed(given, forms.FIELDS, zone=self.looks.operator.timezone or "UTC")

    def judged(self, profiles: Iterable[Profile], taken: Collection[str]) -> forms.Form:
        """The form, and what is wrong with it."""
        return forms.judged(self.typed(), self.looks.operator, profiles, taken)

    made = staticmethod(forms.job)

    def more(self, others: Collection[JobRow]) -> dict[str, Any]:
        """Whether a failure can be told."""
        return {"told_by": told_by(self.looks.operator)}

    def shown(self, job: JobRow) -> dict[str, Any]:
        """A job for the page."""
        zone, known = clock.zone(job.zone), rows.runs(self.db, job.id)
        return {
            "job": job,
            "person": self.owner(job).name,
            "when": clock.in_words(job.cron, job.zone),
            "next": when(job.following, zone) if job.following and not job.paused else "",
            "going": any(not run.outcome for run in known),
            "runs": [
                {
                    "run": run,
                    "started": when(run.started, zone),
                    "took": str((run.ended or rows.now()) - run.started),
                    "folder": f"runs/{job.name}/{run.stamp}",
                }
                for run in known[:SHOWN]
            ],
        }


class ActHandler(RunsHandler, pages.ActHandler):
    """The buttons of one job."""

    async def act(self, job: JobRow, action: str, _: Any) -> None:
        """Do what one says."""
        match action:
            case "start":
                job.due = job.due or rows.now()
            case "pause":
                job.paused = True
            case "resume":
                job.paused = False
                job.following = clock.following(job.cron, job.zone, rows.now())
            case "stop":
                await self.looks.stop(self, job)
            case _:
                await self.looks.remove(self, job)


def runs_routes(runner: Runner) -> list[tuple[str, type[BaseHandler], dict[str, Any]]]:
    """Where they are, below the hub's prefix."""
    given = {"looks": runner}
    return [
        (r"/runs", ListHandler, given),
        (r"/runs/([0-9]{1,9})/(start|pause|resume|stop|delete)", ActHandler, given),
    ]
