"""Where a link leads that somebody copied in their JupyterLab (*Copy Shareable Link*).

JupyterLab alone makes a link to a place in the server of whoever opens it, where the file is not.
So it names the person whose file it is, and the hub knows what is there for others: a folder that
all have, the page that was published, a server that is shared. What there is not looks the same
whether the person or the file exists or not.
"""

from typing import Any
from urllib.parse import quote

from jupyterhub.utils import url_path_join
from tornado import web

from hub_config import names
from hub_config.handlers import Handler
from hub_config.published import shelf

SHARED = "shared/"
"""Below it all have the same folders (`start-singleuser`, `link_shared`)."""


def path_in(place: str) -> str:
    """The file that a place in JupyterLab shows: `lab/tree/work/x.ipynb` is `work/x.ipynb`."""
    return place.partition("tree/")[2]


class LinkHandler(Handler):
    """`<hub>/link/<person>/<place in JupyterLab>`."""

    publishing: bool
    """Whether anything published is shown."""

    @web.authenticated
    async def get(self, owner: str, place: str) -> None:
        """Leads to the file, or says how one gets to see it."""
        me, path = self.current_user, path_in(place)
        place = quote(place)
        own = url_path_join(self.hub.base_url, "user-redirect", place)
        person = self.find_user(owner)
        if owner == me.name or path.startswith(SHARED):
            self.redirect(own)
        elif self.publishing and person and (row := shelf.of(self.db, person.id, path)):
            self.lead_to("published", row.id)
        else:
            told: dict[str, Any] = {"owner": owner, "path": path, "own": own}
            told["servers"] = [url_path_join(one, place) for one in self.open_to_me(person)]
            await self.show("link.html", **told)

    def open_to_me(self, person: Any) -> list[str]:
        """Addresses of their servers that whoever asks may enter and that run."""
        may_enter = self.get_scope_filter("access:servers")
        return [
            person.server_url(name)
            for name, spawner in (person.spawners.items() if person else ())
            if spawner.ready and not names.is_job(name) and may_enter(spawner.orm_spawner, "server")
        ]
