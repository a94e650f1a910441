"""Moments as tables and files have them."""

from datetime import UTC, datetime


def utc(time: datetime) -> datetime:
    """As tables have it, JupyterHub's too: UTC without zone."""
    return time.astimezone(UTC).replace(tzinfo=None)


def aware(time: datetime) -> datetime:
    """What a table has, with its zone."""
    return time.replace(tzinfo=UTC)


def now() -> datetime:
    """This moment as tables have it."""
    return utc(datetime.now(UTC))


def written() -> str:
    """This moment as files have it, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
