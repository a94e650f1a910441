"""Judges what has to be kept: settings' file, secrets, database, backups. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from jhub_docker.doctor.findings import WARNING, Finding, found
from jhub_docker.doctor.redaction import is_secret
from jhub_docker.platform import containers

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
    return [Finding("JD021", says, WARNING, ".env")]


DROP = 31
"""Days after which nothing signed with an older secret is taken anyway (jupyterhub 6.1, xsrf)."""


def in_hub(seen: Mapping[str, Any]) -> list[Finding]:
    """The hub's secrets, those of before a rotation, and its database, as `hub_files` saw them."""
    findings = []
    for one in seen["secrets"]:
        path = one["path"]
        if one["wrong"]:
            findings.append(Finding("JD022", f"{path} {one['wrong']}"))
        if one["mode"] is not None and one["mode"] & OTHERS:
            says = f"{path} has mode {one['mode']:04o}"
            findings.append(Finding("JD023", says, subject=path))
    findings += [
        Finding("JD029", f"{one['path']} is {one['days']:.0f} days old", WARNING)
        for one in seen["older"]
        if one["days"] > DROP
    ]
    return findings + found("JD030", [seen["database"]] * (seen["database"] != "ok"))


def shown(there: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """Secrets that containers have as variables."""
    says = []
    for one in there:
        pairs = containers.variables(one).items()
        if held := sorted(name for name, value in pairs if value and is_secret(name)):
            says.append(f"{one['Name'].lstrip('/')}: {', '.join(held)}")
    return found("JD028", sorted(says), WARNING)


def factors(seen: Mapping[str, int]) -> list[Finding]:
    """How many second factors there are, and how many of them the key opened."""
    if seen["opened"] == seen["factors"]:
        return []
    return [Finding("JD024", f"of {seen['factors']} only {seen['opened']} can be opened")]


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
