"""The page Runs: one's own jobs, what became of them, and for admins everybody's."""

from typing import Any

from jupyterhub.handlers import BaseHandler
from jupyterhub.utils import url_path_join
from tornado import web

from hub_config.audit import events
from hub_config.jobs import clock, forms, rows
from hub_config.jobs.looking import choices, lacks_file
from hub_config.jobs.rows import JobRow, RunRow
from hub_config.jobs.runner import Runner
from hub_config.languages import when

SHOWN = 5
"""Runs of each job on the page."""


class RunsHandler(BaseHandler):
    """What all of them share."""

    def initialize(self, runner: Runner) -> None:
        """Tornado hands over who does it."""
        self.runner = runner

    async def prepare(self) -> None:
        """There is nothing here where nobody may have runs."""
        await super().prepare()
        if not self.runner.is_on:
            raise web.HTTPError(404)

    @property
    def admin(self) -> bool:
        """Whether whoever asks looks after everybody's."""
        return bool(self.has_scope("admin:users"))


class ListHandler(RunsHandler):
    """The page, and its form."""

    @web.authenticated
    async def get(self) -> None:
        """The list."""
        await self.page(forms.Form(self.typed()))

    @web.authenticated
    async def post(self) -> None:
        """Add one."""
        rules, user = self.runner.rules, self.current_user
        profiles = [choice.profile.key for choice in await choices(user)]
        missing = await lacks_file(self, self.typed()["file"])
        own = rows.of_person(self.db, user.id)  # nothing is waited for until it is added
        form = forms.judged(self.typed(), rules, profiles, {job.name for job in own})
        if len(own) >= rules.most:
            form.wrong["name"] = f"You may have {rules.most} runs: delete one first."
        if missing:
            form.wrong.setdefault("file", forms.NO_FILE)
        if form.wrong:
            self.set_status(400)
            await self.page(form)
            return
        self.db.add(forms.job(form, user.id))
        self.db.commit()
        events.note(run=form.values["name"])
        self.redirect(url_path_join(self.hub.base_url, "runs"))

    def typed(self) -> dict[str, str]:
        """What was typed, if anything was."""
        given = {name: self.get_body_argument(name, "") for name in forms.FIELDS}
        return forms.typed(given, forms.FIELDS, zone=self.runner.rules.zone)

    async def page(self, form: forms.Form) -> None:
        """The list, and the form as it was filled in."""
        user, rules = self.current_user, self.runner.rules
        going, mine = rows.under_way(self.db), rows.of_person(self.db, user.id)
        others = [job for job in rows.all_jobs(self.db) if self.admin and job.user_id != user.id]
        self.set_header("Cache-Control", "no-store")
        self.finish(
            await self.render_template(
                "runs.html",
                own=[self.shown(job, going.get(job.id)) for job in mine],
                others=[self.shown(job, going.get(job.id)) for job in others],
                form=form,
                choices=await choices(self.current_user),
                rules=rules,
            )
        )

    def shown(self, job: JobRow, going: RunRow | None) -> dict[str, Any]:
        """A job for the page."""
        owner, zone = rows.owner(self.db, job), clock.zone(job.zone)
        return {
            "job": job,
            "person": owner.name if owner else "",
            "when": clock.in_words(job.cron, job.zone),
            "next": when(job.following, zone) if job.following and not job.paused else "",
            "going": bool(going),
            "runs": [
                {
                    "run": run,
                    "started": when(run.started, zone),
                    "took": str((run.ended or rows.now()) - run.started),
                    "folder": f"runs/{job.name}/{run.stamp}",
                }
                for run in rows.runs(self.db, job.id)[:SHOWN]
            ],
        }


class ActHandler(RunsHandler):
    """The buttons of one job."""

    @web.authenticated
    async def post(self, number: str, action: str) -> None:
        """Do it. 404 for a job that is not there, or not theirs."""
        job = self.db.get(JobRow, int(number))
        owner = rows.owner(self.db, job) if job else None
        if job is None or owner is None or (owner.id != self.current_user.id and not self.admin):
            raise web.HTTPError(404)
        events.note(on=owner.name, run=job.name)
        match action:
            case "start":
                job.due = job.due or rows.now()
            case "pause":
                job.paused = True
            case "resume":
                job.paused = False
                job.following = clock.following(job.cron, job.zone, rows.now())
            case "stop":
                await self.runner.stop(self, job)
            case _:
                await self.runner.remove(self, job)
        self.db.commit()
        await self.runner.look(self)
        self.redirect(url_path_join(self.hub.base_url, "runs"))


def runs_routes(runner: Runner) -> list[tuple[str, type[BaseHandler], dict[str, Any]]]:
    """Where they are, below the hub's prefix."""
    given = {"runner": runner}
    return [
        (r"/runs", ListHandler, given),
        (r"/runs/([0-9]{1,9})/(start|pause|resume|stop|delete)", ActHandler, given),
    ]
