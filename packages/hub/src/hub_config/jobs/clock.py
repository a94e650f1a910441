"""When a job is due: cron's expressions in a time zone. Pure, but for the reader's language.

cronsim goes by what Debian's cron does where clocks are set: what falls into the hour that is left
out runs right after it, and nothing runs twice in the hour that comes twice.
"""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from hub_config.languages import ENGLISH, current, gettext

FIELDS = ("minute", "hour", "day", "month", "weekday")

SHORT = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
}


def zone(name: str) -> ZoneInfo:
    """The time zone of that name. Raises ValueError."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone; expected one such as Europe/Berlin.") from None


def following(cron: str, zone_name: str, after: datetime) -> datetime:
    """When `cron` is due next after that moment; both UTC without zone. Raises ValueError."""
    expected = "expected five fields such as 30 2 * * 1-5, or @hourly, @daily, @weekly, @monthly."
    begin = after.replace(tzinfo=UTC).astimezone(zone(zone_name))
    fields = SHORT.get(cron, cron)
    try:
        if len(fields.split()) != len(FIELDS):  # cronsim knows seconds, too
            raise CronSimError("not five fields")
        found = next(CronSim(fields, begin))
    except CronSimError as error:
        raise ValueError(f"{cron!r} is no time of cron ({error}); {expected}") from None
    except StopIteration:
        raise ValueError(f"{cron!r} never comes; {expected}") from None
    return found.astimezone(UTC).replace(tzinfo=None)


_TIME = r"(?P<minute>\d+) (?P<hour>\d+)"

WORDS = (
    (r"\* \* \* \* \*", "Every minute"),
    (r"(?P<minute>\d+) \* \* \* \*", "Every hour at minute %(minute)s"),
    (rf"{_TIME} \* \* \*", "Every day at %(time)s"),
    (rf"{_TIME} \* \* 1-5", "On working days at %(time)s"),
    (rf"{_TIME} \* \* (?P<weekday>[0-7])", "Every %(weekday)s at %(time)s"),
    (rf"{_TIME} (?P<day>\d+) \* \*", "On day %(day)s of each month at %(time)s"),
)
"""What most of them are, as messages: cronsim explains the others, and speaks English alone."""

WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def in_words(cron: str, zone_name: str) -> str:
    """The expression for people to read, in their language; as it is where we have no words."""
    fields = SHORT.get(cron, cron)
    said = fields
    if current.get() == ENGLISH:
        said = CronSim(fields, datetime.now(zone(zone_name))).explain()
    for shape, message in WORDS:
        if fits := re.fullmatch(shape, " ".join(fields.split()), re.ASCII):
            found = fits.groupdict()
            time = f"{int(found.get('hour') or 0):02}:{int(found.get('minute') or 0):02}"
            weekday = gettext(WEEKDAYS[int(found.get("weekday") or 0)])
            said = gettext(message) % {**found, "time": time, "weekday": weekday}
    return f"{said} ({zone_name})"
