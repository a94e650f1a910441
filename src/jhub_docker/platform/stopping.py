"""Stops the platform, and deletes its data only when told."""

from collections.abc import Iterable
from pathlib import Path

from docker import DockerClient
from docker.errors import APIError, NotFound

from jhub_docker.asking import confirm
from jhub_docker.catalog.identity import LABEL
from jhub_docker.engine.lock import locked
from jhub_docker.errors import ActionError
from jhub_docker.platform import before, chosen, compose, containers, firewall
from jhub_docker.platform.compose import Platform
from jhub_docker.table import counted


def down(
    client: DockerClient, root: Path, *, servers: bool, volumes: bool, assume_yes: bool
) -> str:
    """Stop the services; with `servers` people's servers too, with `volumes` delete all data."""
    with locked(compose.read(root).project):
        platform = chosen.read(client, root)
        running = containers.servers(client, platform)
        if volumes and (doomed := containers.volumes(client, platform)):
            confirm(
                "This deletes these volumes and all that is in them:\n  " + "\n  ".join(doomed),
                "Delete them?",
                "nothing was deleted",
                assume_yes=assume_yes,
            )
        if running and not servers and not volumes:
            # The networks stay, since the servers are on them, and so do the firewall's rules.
            _remove(client, platform)
            names = ", ".join(containers.name(container) for container in running)
            return f"Hub and proxy are stopped. Still running: {names} (--servers stops them too)."
        _stop(client, platform)
        kept = "All data is kept."
        if volumes:
            # Asked again: until it was stopped the hub may have made homes.
            _delete(client, containers.volumes(client, platform))
            before.forget(client, platform.project)
            kept = f"All data was deleted.{_key_stays(client, platform)}"
        return f"Hub and proxy are stopped, {counted(len(running), 'server')} too. {kept}"


def clear(client: DockerClient, platform: Platform) -> None:
    """Stop all of a platform and delete its data without a question: one made to be thrown away."""
    if containers.inspected(client, platform) or containers.volumes(client, platform):
        _stop(client, platform)
        _delete(client, containers.volumes(client, platform))


def _stop(client: DockerClient, platform: Platform) -> None:
    # The guard ends last: when no server's network is left it takes the rules away.
    others = [service for service in platform.services if service != firewall.GUARD]
    _remove(client, platform, *others)
    of_servers = f"{containers.PLATFORM}={platform.project}", f"{LABEL}.user"
    containers.clear(client, *of_servers, stop=True)
    firewall.remove_rules_left(client, platform)
    platform.checked("down", "--remove-orphans")


def _remove(client: DockerClient, platform: Platform, *services: str) -> None:
    """Stop and remove these services, all by default, and what the settings start no more."""
    platform.checked("rm", "--stop", "--force", *services)
    for container in containers.unwanted(client, platform):
        containers.remove(client, container["Id"], stop=True)


def _key_stays(client: DockerClient, platform: Platform) -> str:
    """That the key of the backups is kept, where there is one: without it nobody reads them."""
    volume = platform.of_all_profiles().volumes[compose.BACKUP]["/srv/backup"]
    if not containers.has_volume(client, volume):
        return ""
    return (
        f" The key of the backups stays, in the volume {volume}: without it nobody reads them. "
        f"Once nobody has to, `docker volume rm {volume}` deletes it."
    )


def _delete(client: DockerClient, volumes: Iterable[str]) -> None:
    """Delete volumes, and before them the containers that have ended and still hold them."""
    remaining = []
    for volume in volumes:
        for holder in client.api.containers(all=True, filters={"volume": volume}):
            if holder["State"] != "running":
                containers.remove(client, holder["Id"])
        try:
            client.api.remove_volume(volume)
        except NotFound:
            continue
        except APIError as error:
            held = client.api.containers(all=True, filters={"volume": volume})
            names = ", ".join(map(containers.name, held))
            why = f"{names} still runs with it: stop it" if names else error.explanation
            remaining.append(f"  {volume} ({why})")
    if remaining:
        told = "hub and proxy are stopped, and these volumes could not be deleted:"
        again = "then `./dev invoke down --volumes` again"
        raise ActionError("\n".join([told, *remaining, again]))
