"""The services beside the hub: what JupyterHub starts, with which rights."""

import os
import sys
from typing import Any

from traitlets.config import Config

from hub_config import names, shares, tracing
from hub_config.counted import LIFETIMES
from hub_config.first_start import Places, read_secret
from hub_config.lifetimes.ends import INTERVAL, Limits
from hub_config.login import canary
from hub_config.monitoring.pages import READ_SCOPE
from hub_config.reconcile.pages import PURGE_SCOPE, RECONCILE_SCOPE
from hub_config.runtime.plan import TRACKING_PORT
from hub_config.settings import Settings
from hub_config.tracking import spaces

PROMETHEUS = "prometheus"


def services(c: Config, settings: Settings, places: Places) -> None:
    """What runs beside the hub, each with a role that lets it do its work and nothing else."""
    running = [_keeper(settings)]
    everybody = [spaces.ACCESS] if spaces.is_on() else []
    if everybody:
        running.append(_tracking())
        # JupyterHub's own scopes of a server, and that one.
        c.Spawner.server_token_scopes = [
            *("users:activity!user", "access:servers!server", spaces.ACCESS)
        ]
    for service, _ in running:  # JupyterHub hands its own environment on only in part
        service["environment"][tracing.FORMAT] = settings.log_format
    remove = _role(canary.SERVICE, "Remove who tried a new hub out", "delete:users")
    running += [({"name": canary.SERVICE}, remove), _prometheus(places)]
    c.Spawner.environment = told_to_servers(settings)
    c.JupyterHub.services = [service for service, _ in running]
    c.JupyterHub.load_roles = [
        *(role for _, role in running),
        *shares.roles(settings.sharing, everybody),
    ]


def told_to_servers(settings: Settings) -> dict[str, Any]:
    """What servers are told of the services (`variables.OF_THE_HUB` lets them)."""
    limits = limits_of(settings)
    return {
        "JHUB_IDLE_TIMEOUT": str(limits.idle_timeout),
        "JHUB_WARNING_TIME": str(limits.warning),
        INTERVAL: str(limits.interval),
        "JHUB_PUBLISHING": "yes" if settings.publishing else "",
        "JHUB_SCHEDULED_RUNS": "yes" if settings.scheduled_runs else "",
        **(spaces.variables(settings.base_url) if spaces.is_on() else {}),
    }


def _role(service: str, description: str, *scopes: str) -> dict[str, Any]:
    """What a service may, under its own name."""
    return {
        **{"name": service, "description": description},
        **{"scopes": [*scopes], "services": [service]},
    }


def _keeper(settings: Settings) -> tuple[dict[str, Any], dict[str, Any]]:
    """Has a new proxy's routes and networks restored, and servers and old homes whose time is over
    removed: service and role. It has the name by which the audit log tells those ends.
    """
    command = [sys.executable, "-m", "hub_config.keeper", f"--platform={settings.project}"]
    handed = ("DOCKER_HOST", names.EPOCH_VARIABLE, "HUB_SERVICE")
    environment = {name: os.environ[name] for name in handed if name in os.environ}
    environment[INTERVAL] = str(limits_of(settings).interval)
    return {"name": LIFETIMES, "command": command, "environment": environment}, _role(
        LIFETIMES,
        "Have routes, and what runs, compared, and stop and remove what nobody uses",
        *("proxy", RECONCILE_SCOPE, "read:users:activity", "delete:servers", PURGE_SCOPE),
    )


def _tracking() -> tuple[dict[str, Any], dict[str, Any]]:
    """Between people and MLflow: service and role. People and servers get to it by their scope."""
    return {
        "name": spaces.MLFLOW,
        "command": [sys.executable, "-m", "hub_config.tracking.layer"],
        # On the network of hub and proxy; servers find it at the hub's address on theirs.
        "url": f"http://hub-internal:{TRACKING_PORT}",
        "environment": {},
        "oauth_no_confirm": True,
        "display": False,
    }, _role(spaces.MLFLOW, "Hear which spaces of MLflow somebody has", spaces.SPACES_SCOPE)


def _prometheus(places: Places) -> tuple[dict[str, Any], dict[str, Any]]:
    """Whoever has this token may read metrics: service and role. Nothing is run for it here."""
    token = read_secret(places.metrics_token)
    return {"name": PROMETHEUS, "api_token": token, "display": False}, _role(
        PROMETHEUS, "Read metrics", READ_SCOPE
    )


def limits_of(settings: Settings) -> Limits:
    """The settings about servers' ends."""
    return Limits(
        settings.idle_timeout, settings.warning_time, settings.more_time_cap, settings.max_age
    )
