"""Judges what has to be kept: settings' file, secrets, database, backups. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from jhub_docker.doctor.findings import WARNING, Finding
from jhub_docker.platform.secret_names import is_secret

OLD = timedelta(days=2)
"""Age of a backup that a daily one does not reach unless something is wrong."""

UNTRIED = timedelta(days=90)
"""How long backups may go without a drill."""

OTHERS = 0o077
"""What a mode may give to others than the owner: nothing."""


def env_file(mode: int, names: Iterable[str]) -> list[Finding]:
    """The file `.env`, by its mode and the variables in it."""
    held = [name for name in sorted(names) if is_secret(name)]
    if not held or not mode & OTHERS:
        return []
    says = f".env has mode {mode:04o} and holds {', '.join(held)}"
    return [Finding("JD021", says, WARNING, subject=".env")]


def secrets(files: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """The hub's secrets, as `hub_files` saw them."""
    findings = []
    for one in files:
        path = one["path"]
        if one["wrong"]:
            findings.append(Finding("JD022", f"{path} {one['wrong']}"))
        if one["mode"] is not None and one["mode"] & OTHERS:
            says = f"{path} has mode {one['mode']:04o}"
            findings.append(Finding("JD023", says, subject=path))
    return findings


DROP = 31
"""Days after which nothing signed with an older secret is taken anyway (jupyterhub 6.1, xsrf)."""


def older(files: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """Secrets of before a rotation, as `hub_files` saw them."""
    return [
        Finding("JD029", f"{one['path']} is {one['days']:.0f} days old", WARNING)
        for one in files
        if one["days"] > DROP
    ]


def shown(secrets: Mapping[str, Sequence[str]]) -> list[Finding]:
    """Secrets that containers have as variables, by the containers' names."""
    return [
        Finding("JD028", f"{name}: {', '.join(held)}", WARNING)
        for name, held in sorted(secrets.items())
    ]


def factors(seen: Mapping[str, int] | None) -> list[Finding]:
    """How many second factors there are and how many the key opened; None where there are none."""
    if seen is None or seen["opened"] == seen["factors"]:
        return []
    return [Finding("JD024", f"of {seen['factors']} only {seen['opened']} can be opened")]


def database(said: str) -> list[Finding]:
    """What SQLite's `quick_check` said, or why it could not be asked (PRAGMA quick_check)."""
    return [] if said == "ok" else [Finding("JD030", said)]


def backup(*, configured: bool, status: Mapping[str, Any], now: datetime) -> list[Finding]:
    """How backup and drill went last; `status` is empty where none was ever made."""
    known = status.get("backup", {})
    if not known:
        says = "no backup was ever made"
        return [Finding("JD041" if configured else "JD040", says, WARNING)]
    findings = []
    if known.get("wrong"):
        findings.append(Finding("JD041", f"the last try failed: {known['wrong']}"))
    if (age := _age(known, now)) is None or age > OLD:
        when = "none ever succeeded" if age is None else f"the last one is {_days(age)} old"
        findings.append(Finding("JD041", when, WARNING))
    tried = status.get("drill", {})
    if tried.get("wrong"):
        findings.append(Finding("JD042", f"the last drill failed: {tried['wrong']}", WARNING))
    elif (age := _age(tried, now)) is None or age > UNTRIED:
        when = "there was no drill" if age is None else f"the last drill is {_days(age)} ago"
        findings.append(Finding("JD042", when, WARNING))
    return findings


def _age(known: Mapping[str, Any], now: datetime) -> timedelta | None:
    when = known.get("succeeded")
    return now - datetime.fromisoformat(when) if when else None


def _days(age: timedelta) -> str:
    return f"{age.total_seconds() / 86400:.1f} days"
