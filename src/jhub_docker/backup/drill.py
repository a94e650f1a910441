"""The drill: a second platform beside the running one, made of the backup alone, and removed again.

It shows that what is needed on the worst day is there: a hub that starts with the database, secrets
that open what they sealed, a log-in, and every file as it was.
"""

import contextlib
import json
from functools import partial
from pathlib import Path

from jhub_docker.backup import container
from jhub_docker.backup.container import Place
from jhub_docker.backup.restoring import Wanted, make, plan_for
from jhub_docker.errors import ActionError, JhubDockerError, foreseeable
from jhub_docker.platform import (
    audit_log,
    canary,
    chosen,
    compose,
    left_over,
    starting,
    stopping,
)
from jhub_docker.platform.compose import Platform
from jhub_docker.platform.ports import free_port
from jhub_docker.progress import stage
from jhub_docker.table import counted


def drill(root: Path, place: Place, at: str, of: str) -> str:
    """Restore a backup into a platform of its own and try it; what was seen.

    Raises ActionError with what is not as it should be. The second platform is removed in any case.
    """
    with (
        container.held(root, place) as platform,
        audit_log.telling(platform, "backup.drill"),
    ):
        second = beside(platform)
        stopping.clear(second)  # what an interrupted drill left
        wrong = "it was interrupted"
        try:
            told = _tried(platform, second, place, Wanted(at=at, of=of))
            wrong = ""
        except Exception as error:
            wrong = str(foreseeable(error) or repr(error))
            raise
        finally:
            stopping.clear(second)
            with contextlib.suppress(*[JhubDockerError] if wrong else []):  # it may be why
                container.ask(platform, place, "drilled", wrong=wrong)
    return told


def beside(platform: Platform) -> Platform:
    """A second platform with names, network, volumes and a port of its own."""
    name = left_over.drill_of(platform.project)
    return compose.read(
        platform.root,
        {
            **platform.variables,
            **chosen.names(name),
            # Compose goes by it before all: left as it is, the second platform would be the first.
            "COMPOSE_PROJECT_NAME": name,
            "JHUB_BIND": "127.0.0.1",
            "JHUB_PORT": str(free_port()),
            # It is nobody's platform: found at no name, and entered with a password.
            "JHUB_DOMAIN": "",
            # A backup is a file of SQLite, and PostgreSQL is in use elsewhere.
            "JHUB_DB_URL": "",
            "JHUB_PUBLIC_URL": "",
            "JHUB_SUBDOMAIN_HOST": "",
            "JHUB_AUTHENTICATOR": "native",
            "COMPOSE_PROFILES": "",
        },
    )


def _tried(backed_up: Platform, second: Platform, place: Place, wanted: Wanted) -> str:
    with stage("restoring into a second platform"):
        planned, renamed = plan_for(second, place, wanted, asked=backed_up)
        make(planned)
        items = [one.request() for one in planned]
        ask = partial(container.ask, backed_up, place, items=items)
        ask("stage", renamed=renamed)
        ask("place")
        ask("finish")
        compared = ask("compare")
    if compared["different"]:
        some = "; ".join(compared["different"][:5])
        differ = counted(len(compared["different"]), "file is", "files are")
        raise ActionError(f"{differ} not as backed up: {some}")
    starting.bring_up(second)
    seen = json.loads(_in_hub(second, "read-factors"))
    if seen["opened"] != seen["factors"]:
        raise ActionError(
            f"of {seen['factors']} second factors only {seen['opened']} can be read with the key "
            "that was restored"
        )
    admin = second.hub_environment.get("JHUB_ADMIN_USER") or "admin"
    wrong = f"{admin} cannot log in to the restored hub"
    password = _in_hub(second, "reset-admin")
    ended = canary.browse(second, "log-in", name=admin, password=password)
    page = json.loads(ended.require(wrong, 1))
    if not page["url"].endswith("/hub/change-password"):  # where a one-time password leads to
        raise ActionError(f"{wrong}: {page['status']} {page['url']}")
    time, volumes = planned[0].snapshot["time"][:16], counted(len(planned), "volume")
    return (
        f"The backup of {time} comes back: {volumes} with {counted(compared['files'], 'file')} as "
        "before, "
        f"{counted(seen['people'], 'person', 'people')}, "
        f"{counted(seen['opened'], 'second factor')} opened, {admin} logged in. "
        "The second platform is removed."
    )


def _in_hub(platform: Platform, command: str) -> str:
    return platform.in_hub(command).require(f"the restored hub's {command} failed", 5)
