"""The home of one person at the start of a server: found, made, or said to be gone."""

from typing import Any, Protocol

from sqlalchemy.orm import Session

from hub_config.lifetimes import homes
from hub_config.runtime.interface import Runtime, Volume
from hub_config.spawning.refusal import StartFailure

GONE = (
    "Your home, the volume {volume} with your files, is not there any more: somebody has removed "
    "it. Nothing was started. An administrator may be able to restore it from a backup; to begin "
    "with an empty home instead, start the server again."
)


class Owner(Protocol):
    """What this needs of JupyterHub's user."""

    id: int
    name: str
    db: Session


class Home:
    """The home of `owner`."""

    def __init__(self, owner: Any, prefix: str, runtime: Runtime) -> None:
        self.owner: Owner = owner
        self.prefix, self.runtime = prefix, runtime

    @property
    def database(self) -> str:
        """The id of the hub's database."""
        return homes.database_id(self.owner.db, self.prefix)

    async def ready(self) -> tuple[str, str]:
        """The name of the volume, which is there, and what the log should say about it.

        Nobody gets a volume that the database does not know to be theirs: where their name is
        taken by one of another origin they get the next one. Raises StartFailure, once, when the
        volume that was theirs is gone; AwayError when the runtime fails.
        """
        database, db, said = self.database, self.owner.db, ""
        home = homes.claim(db, self.owner.id, self.owner.name, self.prefix)
        while True:
            found = await self.runtime.volume(home.volume)
            if found is None:
                if home.made and homes.is_missing(db, home):
                    raise StartFailure(GONE.format(volume=home.volume), status_code=409)
                wanted = Volume(
                    home.volume,
                    self.owner.name,
                    home.token or homes.new_token(db, home),
                    database,
                    str(self.owner.id),
                )
                found = await self.runtime.make_volume(wanted)
            if homes.is_theirs(home, found):
                homes.is_made(db, home)
                return home.volume, said
            said = (
                f"{home.volume} is there and is of no home this database knows; {self.owner.name} "
                "gets another one. The page Homes lists it."
            )
            home = homes.claim_another(db, home, self.prefix)
