"""What somebody typed about a job, judged: a job, or what is wrong with each field."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from jupyterhub.slugs import is_valid_safe_slug

from hub_config import names
from hub_config.jobs import clock, rows
from hub_config.jobs.rows import JobRow
from hub_config.jobs.rules import Rules

FIELDS = ("name", "file", "profile", "cron", "zone", "tell")

KINDS = (".ipynb", ".py", ".sh")

_LONGEST = {"file": 500, "cron": 100, "zone": 64, "tell": 500}


@dataclass(frozen=True)
class Form:
    """`values` as they were typed, `wrong` what is wrong with them, by field."""

    values: Mapping[str, str]
    wrong: dict[str, str] = field(default_factory=dict)


def judged(
    values: Mapping[str, str], rules: Rules, profiles: Collection[str], taken: Collection[str]
) -> Form:
    """What is wrong; `taken` are the names of the person's other jobs."""
    wrong = {}
    name = values["name"]
    if not is_valid_safe_slug(names.job_server(name)):
        wrong["name"] = (
            "It takes 1 to 20 small letters a-z, digits and single hyphens, and has a letter or "
            "digit at its end."
        )
    elif name in taken:
        wrong["name"] = f"There is a run called {name} already."
    path = PurePosixPath(values["file"])
    if path.is_absolute() or ".." in path.parts or not values["file"].isprintable():
        wrong["file"] = "It is a path in your home, such as reports/daily.ipynb."
    elif path.suffix not in KINDS:
        wrong["file"] = f"It is a notebook or program: a file that ends with {', '.join(KINDS)}."
    if values["profile"] not in profiles:
        wrong["profile"] = "Choose one of the list."
    try:
        clock.zone(values["zone"])
    except ValueError as error:
        wrong["zone"] = f"{error}."
    else:
        try:
            clock.following(values["cron"], values["zone"], rows.now())
        except ValueError as error:
            wrong["cron"] = f"{error}."
    if why := rules.why_not(values["tell"]):
        wrong["tell"] = why
    for key, most in _LONGEST.items():
        if len(values[key]) > most:
            wrong[key] = f"It may have {most} characters."
    return Form(values, wrong)


def typed(given: Mapping[str, str], rules: Rules) -> dict[str, str]:
    """The fields without what surrounds them, and what goes without saying."""
    values = {name: given.get(name, "").strip() for name in FIELDS}
    values["file"] = values["file"].removeprefix("~/").removeprefix("/home/nebula/")
    values["zone"] = values["zone"] or rules.zone
    return values


def job(form: Form, user_id: int) -> JobRow:
    """The job of a form with nothing wrong."""
    following = clock.following(form.values["cron"], form.values["zone"], rows.now())
    return JobRow(user_id=user_id, paused=False, note="", following=following, **form.values)
