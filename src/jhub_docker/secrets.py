"""Keeps secrets as files in volumes, and makes the platform's own anew. A value is never told.

Only the hub is started again where that is needed: servers, and whoever is connected to one, go on.
"""

import json
from pathlib import Path

from jhub_docker.asking import confirm, told_secret
from jhub_docker.backup import container as backups
from jhub_docker.engine.lock import locked
from jhub_docker.errors import ActionError, UsageError, failure
from jhub_docker.platform import audit_log, chosen, containers, starting
from jhub_docker.platform.compose import HUB, Platform
from jhub_docker.progress import stage

SERVES = {
    **dict.fromkeys(("JHUB_PROVIDER_SECRET", "JHUB_DB_PASSWORD", "JHUB_MAIL_PASSWORD"), HUB),
    **dict.fromkeys(
        (
            *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
            "RESTIC_REST_PASSWORD",
        ),
        backups.SERVICE,
    ),
}
"""The settings that can be kept as files, and whose they are."""

ROTATED = {
    "cookie-secret": "log-ins stay: cookies of the older one are taken until it is dropped",
    "crypt-key": "what it seals is sealed anew; the older one opens the rest until it is dropped",
    "proxy-token": "hub and proxy take it at once",
    "metrics-token": "Prometheus reads it at each scrape; the older one opens nothing more",
    "grafana-password": "Grafana's user admin has it; sessions in Grafana go on",
    "backup-key": "the older one opens the repository no more",
    "admin-password": "a one-time password; the first admin's sessions and second factor end",
}
"""What can be made anew, and what becomes of what used it."""

ALL = "all"
"""The four that the hub reads when it starts, with one start."""

OF_THE_HUB = ("proxy-token", "cookie-secret", "crypt-key", "metrics-token")

AT_ONCE = (*OF_THE_HUB, "grafana-password", ALL)
"""What ends nothing that anybody would have to be asked for."""

GRAFANA = "grafana"

TO_GRAFANA = (
    "grafana cli admin reset-admin-password --password-from-stdin </srv/metrics/grafana-password"
)
"""Its file alone says what a Grafana begins with that has no database yet (Grafana 12, Configure
Grafana, `admin_password`; Grafana CLI, `reset-admin-password`).
"""

DROPPED = {
    "cookie-secret": "whoever logged in before the rotation, and not since, has to log in again",
    "crypt-key": "recovery codes from before the rotation end",
}


def keep(root: Path, name: str, *, remove: bool) -> str:
    """Keep a secret setting, or a group's secret (`GROUP/NAME`), as it is told; what to say."""
    group, slash, variable = name.rpartition("/")
    if not slash and name not in SERVES:
        raise UsageError(
            f"{name!r} is no secret that is kept; there are {', '.join(SERVES)}, and GROUP/NAME"
        )
    platform = chosen.read(root)
    given = "" if remove else told_secret(f"{name}: ")
    words = ["remove" if remove else "set", *((group, variable) if slash else (name,))]
    service = SERVES.get(name, HUB)
    with locked(platform.project):
        ended = platform.once(service, "secret" if slash else "setting", *words, given=given)
        if ended.code:
            said = json.loads(ended.out)["error"] if ended.out.startswith("{") else ended.tail(1)
            raise failure(ended.code, said)
        if service != HUB:  # the hub tells of its own
            what = f"setting.{'remove' if remove else 'set'}"
            audit_log.tell(platform, what, names=[name])
        elif not slash:
            _restart_hub(platform)
    done = f"{name} is {'removed' if remove else 'kept'}."
    if slash:
        return f"{done} It counts for servers that start from now on."
    if platform.hub_environment.get(name):
        return f"{done} It counts once the variable {name} is gone (.env), with ./dev invoke up."
    return done


def rotate(root: Path, name: str, *, drop: bool, assume_yes: bool) -> str:
    """Make one of the platform's own secrets anew, or forget its older ones; what to tell."""
    known = DROPPED if drop else ROTATED
    names = [one for one in OF_THE_HUB if one in known] if name == ALL else [name]
    if wrong := [one for one in names if one not in known]:
        also = f"; others are given: ./dev invoke secrets.set {name}" if name in SERVES else ""
        what = "has nothing older to drop" if name in ROTATED else "cannot be made anew"
        raise UsageError(f"{wrong[0]!r} {what}; there are {', '.join(known)}, {ALL}{also}")
    if drop or name not in AT_ONCE:
        ends = "\n".join(f"{one}: {known[one]}." for one in names)
        confirm(ends, assume_yes=assume_yes)
    platform = chosen.read(root)
    with locked(platform.project), stage(f"{'dropping the older' if drop else 'renewing'} {name}"):
        if name == "backup-key":
            backups.ask(platform, backups.Place(), "rekey")
            audit_log.tell(platform, "secret.rotate", names=[name])
            return "The repository has a new key. Keep a copy: ./dev invoke backup.key > FILE"
        if name == "admin-password":
            return f"One-time password: {_in_hub(platform, 'reset-admin')}"
        if name == "grafana-password":
            return _renew_for_grafana(platform)
        flags = ["--drop"] if drop else []
        try:
            told = [_in_hub(platform, "secrets", "rotate", one, *flags) for one in names]
        finally:  # also where only the first is new: a hub with the old token reaches no proxy
            _restart_hub(platform)
    if drop:
        return "\n".join(["The older ones are forgotten.", *filter(None, told)])
    lines = [f"{one} is new: {ROTATED[one]}." for one in names]
    if DROPPED.keys() & set(names):
        lines.append(f"When it is time: ./dev invoke secrets.rotate {name} --drop")
    return "\n".join(lines)


def _renew_for_grafana(platform: Platform) -> str:
    """Grafana keeps its password in a database of its own: it has to run, or to be new."""
    there = containers.of_service(platform, GRAFANA)
    if there and not any(one["State"] == "running" for one in there):
        raise ActionError("Grafana does not run, and would keep its password: ./dev invoke up")
    _in_hub(platform, "secrets", "rotate", "grafana-password")
    if there:
        ended = platform.compose("exec", "-T", GRAFANA, "sh", "-c", TO_GRAFANA)
        ended.require("Grafana keeps its older password, try again", 3)
    return f"grafana-password is new: {ROTATED['grafana-password']}."


def _in_hub(platform: Platform, *arguments: str) -> str:
    return platform.in_hub(*arguments).require(lines=3)


def _restart_hub(platform: Platform) -> None:
    """Start a hub that runs again, and wait until it answers."""
    if containers.runs(platform, *platform.hubs):
        platform.checked("restart", *platform.hubs)
        there = containers.inspected(platform)
        starting.wait(platform, {one["Id"]: one["RestartCount"] for one in there})
