"""When a job is due: cron's expressions in a time zone. Pure.

cronsim goes by what Debian's cron does where clocks are set: what falls into the hour that is left
out runs right after it, and nothing runs twice in the hour that comes twice.
"""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

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
        raise ValueError(f"{name!r} is no time zone; expected one such as Europe/Berlin") from None


def following(cron: str, zone_name: str, after: datetime) -> datetime:
    """When `cron` is due next after that moment; both UTC without zone. Raises ValueError."""
    expected = "expected five fields such as 30 2 * * 1-5, or @hourly, @daily, @weekly, @monthly"
    begin = after.replace(tzinfo=UTC).astimezone(zone(zone_name))
    fields = SHORT.get(cron, cron)
    try:
        if len(fields.split()) != len(FIELDS):  # cronsim knows seconds, too
            raise CronSimError(f"it has {len(fields.split())} fields")
        found = next(CronSim(fields, begin))
    except CronSimError as error:
        raise ValueError(f"{cron!r} is no time of cron ({error}); {expected}") from None
    except StopIteration:
        raise ValueError(f"{cron!r} never comes; {expected}") from None
    return found.astimezone(UTC).replace(tzinfo=None)


def in_words(cron: str, zone_name: str) -> str:
    """The expression for people to read."""
    said = CronSim(SHORT.get(cron, cron), datetime.now(zone(zone_name))).explain()
    return f"{said} ({zone_name})"
