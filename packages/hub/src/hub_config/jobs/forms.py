"""What somebody typed about a run or an application: judged field by field, then made one."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import PurePosixPath

from jupyterhub.slugs import is_valid_safe_slug

from hub_config import names
from hub_config.jobs import clock, rows
from hub_config.jobs.app_rows import AppRow
from hub_config.jobs.rows import JobRow
from hub_config.jobs.rules import why_not
from hub_config.offer.profiles import Profile
from hub_config.settings import Settings

FIELDS = ("name", "file", "profile", "cron", "zone", "tell")

APP_FIELDS = ("name", "file", "profile", "audience", "days")

MOST_DAYS = 365

NO_FILE = "There is no such file in your home."

NO_KERNEL = "{title} cannot run a Jupyter notebook: choose JupyterLab, or a marimo notebook."

KINDS = (".ipynb", ".py", ".sh")

_LONGEST = {"file": 500, "cron": 100, "zone": 64, "tell": 500}


@dataclass(frozen=True)
class Form:
    """`values` as they were typed, `wrong` what is wrong with them, by field."""

    values: Mapping[str, str]
    wrong: dict[str, str] = field(default_factory=dict)


def judged(
    values: Mapping[str, str],
    operator: Settings,
    profiles: Iterable[Profile],
    taken: Collection[str],
) -> Form:
    """What is wrong; `taken` are the names of the person's other jobs."""
    wrong = _of_both(values, profiles, taken)
    try:
        clock.zone(values["zone"])
    except ValueError as error:
        wrong["zone"] = str(error)
    else:
        try:
            clock.following(values["cron"], values["zone"], rows.now())
        except ValueError as error:
            wrong["cron"] = str(error)
    if why := why_not(operator, values["tell"]):
        wrong["tell"] = why
    return Form(values, wrong)


def _of_both(
    values: Mapping[str, str], profiles: Iterable[Profile], taken: Collection[str]
) -> dict[str, str]:
    """What is wrong with what runs and applications have in common."""
    wrong = {}
    if not is_valid_safe_slug(names.SCHEDULED + values["name"]):
        wrong["name"] = (
            "It takes 1 to 20 small letters a-z, digits and single hyphens, and has a letter or "
            "digit at its end."
        )
    elif values["name"] in taken:
        wrong["name"] = f"There is one called {values['name']} already."
    if not is_in_home(values["file"]):
        wrong["file"] = "It is a path in your home, such as reports/daily.ipynb."
    elif PurePosixPath(values["file"]).suffix not in KINDS:
        wrong["file"] = f"It is a notebook or program: a file that ends with {', '.join(KINDS)}."
    profile = next((one for one in profiles if one.key == values["profile"]), None)
    if profile is None:
        wrong["profile"] = "Choose one of the list."
    elif values["file"].endswith(".ipynb") and not profile.has_kernels:
        wrong["profile"] = NO_KERNEL.format(title=profile.image_title)
    too_long = (key for key, most in _LONGEST.items() if len(values.get(key, "")) > most)
    return wrong | {key: f"It may have {_LONGEST[key]} characters." for key in too_long}


def is_in_home(file: str) -> bool:
    """Whether that is a path within the home."""
    path = PurePosixPath(file)
    return not path.is_absolute() and ".." not in path.parts and file.isprintable()


def judged_app(
    values: Mapping[str, str],
    audiences: Collection[str],
    profiles: Iterable[Profile],
    taken: Collection[str],
) -> Form:
    """What is wrong with an application; `audiences` are those that its person may choose."""
    wrong = _of_both(values, profiles, taken)
    if values["audience"] not in audiences:
        wrong["audience"] = "Choose one of the list."
    days = values["days"]
    if not (days.isascii() and days.isdecimal() and 1 <= int(days[:9]) <= MOST_DAYS):
        wrong["days"] = f"It is a number from 1 to {MOST_DAYS}."
    return Form(values, wrong)


def typed(given: Mapping[str, str], fields: Collection[str], **otherwise: str) -> dict[str, str]:
    """The fields without what surrounds them, and what goes without saying."""
    values = {name: given.get(name, "").strip() for name in fields}
    values["file"] = values["file"].removeprefix("~/").removeprefix("/home/nebula/")
    return values | {name: value for name, value in otherwise.items() if not values[name]}


def job(form: Form, user_id: int) -> JobRow:
    """The job of a form with nothing wrong."""
    following = clock.following(form.values["cron"], form.values["zone"], rows.now())
    return JobRow(user_id=user_id, paused=False, note="", following=following, **form.values)


def app(form: Form, user_id: int) -> AppRow:
    """The application of a form with nothing wrong."""
    values = dict(form.values)
    until = rows.now() + timedelta(days=int(values.pop("days")))
    return AppRow(user_id=user_id, until=until, **values)
