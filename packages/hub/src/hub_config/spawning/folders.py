"""The shared folders of one person, mounted in the container that is about to be made.

Membership, groups' properties and records are looked at here, at each start; who may have what is
decided in `hub_config.folders` and `hub_config.groups`.
"""

import asyncio
import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from docker.errors import NotFound
from jupyterhub import orm
from sqlalchemy.orm import Session

from hub_config import names
from hub_config.folders import EVERYBODY, everybodys, granted
from hub_config.groups import Mode, folders
from hub_config.lifetimes.folders import FolderRow, claim
from hub_config.lifetimes.homes import HomeError
from hub_config.settings import Settings
from hub_config.spawning import options

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Folder:
    """One folder of a person; `row` is the record of a group's own."""

    name: str
    mode: Mode
    row: FolderRow | None = None


def _asked(members_of: Collection[orm.Group], operator: Settings) -> dict[str, Mode]:
    said = {group.name: group.properties or {} for group in members_of}
    return granted(said, own=operator.group_folders)


def named(members_of: Collection[orm.Group], operator: Settings) -> dict[str, Mode]:
    """What somebody in these groups has of the folders that the operator names, and everybody's.
    `config.toml` has the last word on what it names.
    """
    found = folders(operator.groups, [group.name for group in members_of])
    declared = {name for rule in operator.groups.values() for name in rule.folders}
    all_may = everybodys(operator.everybody_folder, _asked(members_of, operator))
    return found | ({EVERYBODY: all_may} if all_may and EVERYBODY not in declared else {})


def theirs(
    db: Session, members_of: Collection[orm.Group], operator: Settings, prefix: str
) -> Iterator[Folder]:
    """The folders of somebody in these groups."""
    for name, mode in named(members_of, operator).items():
        yield Folder(name, mode)
    taken = {name for rule in operator.groups.values() for name in rule.folders}
    taken |= {EVERYBODY, ""}  # a group without a name would be in place of all
    for name, mode in sorted(_asked(members_of, operator).items()):
        shown = names.group_folder(name)
        if shown in taken or (group := orm.Group.find(db, name)) is None:
            continue
        try:
            yield Folder(shown, mode, claim(db, group, prefix))
        except HomeError as error:
            log.warning("The group %s has no folder: %s", name, error)


class Folders:
    """Made with the engine's client of a spawner that is about to start a server.

    What is begun is finished, whoever stops waiting: a volume without its mode could not be told
    from one that is ready.
    """

    _making: asyncio.Lock | None = None

    def __init__(self, spawner: Any) -> None:
        """`spawner` is DockerSpawner: its image, limits and network are those of the server."""
        self.spawner = spawner
        self.prefix: str = spawner.enforced.shared_volume_prefix

    async def mount(self) -> None:
        """Have the person's folders mounted; new ones are made first."""
        spawner = self.spawner
        for volume, folder in (await self.there()).items():
            mounts = spawner.volumes
            if folder.mode != "read-write":
                mounts = spawner.read_only_volumes
            mounts[volume] = f"{options.SHARED}/{folder.name}"

    async def there(self) -> dict[str, Folder]:
        """The person's folders by their volumes, which are there then."""
        spawner, db = self.spawner, self.spawner.user.db
        found = {}
        for folder in list(theirs(db, spawner.user.groups, spawner.operator, self.prefix)):
            volume = await spawner.runtime.whole(spawner.object_name, self.ready(folder))
            found[volume] = folder
        return found

    async def ready(self, folder: Folder) -> str:
        """The name of its volume, which is there."""
        row = folder.row
        if row is None:
            await self.make(self.prefix + folder.name, folder.name)
            return self.prefix + folder.name  # safe by its declaration
        db = self.spawner.user.db
        while await self.make(row.volume, folder.name, row.token) != row.token:
            log.warning(
                "%s is there and is of no group this database knows; the group %s gets another "
                "folder. The page Homes lists it.",
                row.volume,
                row.person,
            )
            row = row.another(db, self.prefix)
        row.is_made(db)
        return row.volume

    async def make(self, volume: str, folder: str, token: str = "") -> str:
        """Make the volume unless it exists; returns the word on the one that is there.

        One at a time: nobody may mount an unfinished one. A volume belongs to root until it is
        mounted over a folder of an image, whose owner and mode it takes over (Docker, "Populate a
        volume using a container"). So a container that is never started is made and removed.
        """
        Folders._making = Folders._making or asyncio.Lock()
        docker, platform = self.spawner.docker, self.spawner.enforced.platform
        async with Folders._making:
            try:
                record = await docker("inspect_volume", volume)
                return str((record["Labels"] or {}).get(names.HOME, ""))
            except NotFound:
                pass
            labels = {names.PLATFORM: platform, names.FOLDER: folder}
            if token:
                labels[names.HOME] = token
            await docker("create_volume", volume, labels=labels)
            try:
                await self._take_over_mode(volume)
            except Exception:
                await docker("remove_volume", volume)
                raise
        return token

    async def _take_over_mode(self, volume: str) -> None:
        spawner = self.spawner
        limits: dict[str, Any] = {
            **spawner.extra_host_config,
            "binds": [f"{volume}:{options.NEW_SHARED}:rw"],
            "network_mode": spawner.network_name,
        }
        made = await spawner.docker(
            "create_container",
            image=spawner.image,
            name=spawner.object_name,
            host_config=spawner.client.create_host_config(**limits),
            **spawner.extra_create_kwargs,
        )
        await spawner.docker("remove_container", made["Id"], force=True)
