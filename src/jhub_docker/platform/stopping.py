"""Stops the platform, and deletes its data only when told."""

from collections.abc import Iterable
from pathlib import Path

from docker.errors import APIError, NotFound

from jhub_docker import engine
from jhub_docker.asking import confirm
from jhub_docker.catalog.identity import LABEL
from jhub_docker.errors import ActionError
from jhub_docker.platform import before, chosen, compose, containers
from jhub_docker.platform.compose import GUARD, Platform
from jhub_docker.table import counted


def down(root: Path, *, servers: bool, volumes: bool, assume_yes: bool) -> str:
    """Stop the services; with `servers` people's servers too, with `volumes` delete all data."""
    with chosen.held(root) as platform:
        running = containers.servers(platform)
        if volumes and (doomed := containers.volumes(platform)):
            confirm(
                "This deletes these volumes and all that is in them:\n  " + "\n  ".join(doomed),
                assume_yes=assume_yes,
            )
        if running and not servers and not volumes:
            # The networks stay, since the servers are on them, and so do the firewall's rules.
            _remove(platform)
            names = ", ".join(containers.name(container) for container in running)
            return f"Hub and proxy are stopped. Still running: {names} (--servers stops them too)."
        _stop(platform)
        kept = "All data is kept."
        if volumes:
            # Asked again: until it was stopped the hub may have made homes.
            _delete(containers.volumes(platform))
            before.forget(platform.project)
            kept = "All data was deleted."
            key = platform.volumes[compose.BACKUP]["/srv/backup"]
            if containers.has_volume(key):
                kept += (
                    f" The key of the backups stays, in the volume {key}: without it nobody reads "
                    f"them. Once nobody has to, `docker volume rm {key}` deletes it."
                )
        return f"Hub and proxy are stopped, {counted(len(running), 'server')} too. {kept}"


def clear(platform: Platform) -> None:
    """Stop all of a platform and delete its data without a question: one made to be thrown away."""
    if containers.inspected(platform) or containers.volumes(platform):
        _stop(platform)
        _delete(containers.volumes(platform))


def _stop(platform: Platform) -> None:
    # The guard ends last: when no server's network is left it takes the rules away.
    _remove(platform, *(one for one in platform.images if one != GUARD))
    of_servers = f"{containers.PLATFORM}={platform.project}", f"{LABEL}.user"
    containers.clear(*of_servers, stop=True)
    # Of one that is gone they are left; without a volume there is nothing, and Compose would make
    # all of them anew.
    if containers.volumes(platform) and not containers.runs(platform, GUARD):
        platform.once(GUARD, "guard", "--remove")
    platform.checked("down", "--remove-orphans")


def _remove(platform: Platform, *services: str) -> None:
    """Stop and remove these services, all by default, also of Compose profiles left out by now."""
    ended = platform.compose("--profile", "*", "rm", "--stop", "--force", *services)
    ended.require("docker compose rm failed")


def _delete(volumes: Iterable[str]) -> None:
    """Delete volumes, and before them the containers that have ended and still hold them."""
    remaining = []
    for volume in volumes:
        running = []
        for holder in engine.api().containers(all=True, filters={"volume": volume}):
            if holder["State"] == "running":
                running.append(containers.name(holder))
            else:
                containers.remove(holder["Id"])
        try:
            engine.api().remove_volume(volume)
        except NotFound:
            continue
        except APIError as error:
            names = ", ".join(running)
            why = f"{names} still runs with it: stop it" if names else error.explanation
            remaining.append(f"  {volume} ({why})")
    if remaining:
        told = "hub and proxy are stopped, and these volumes could not be deleted:"
        again = "then `./dev invoke down --volumes` again"
        raise ActionError("\n".join([told, *remaining, again]))
