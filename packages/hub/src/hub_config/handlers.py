"""What the platform's own pages and interfaces have in common."""

from typing import Any

from jupyterhub.handlers import BaseHandler
from jupyterhub.utils import url_path_join
from tornado import web


class Handler(BaseHandler):
    """What a route gives is an attribute of its handler, which says what it needs."""

    def initialize(self, **given: Any) -> None:
        """Tornado hands over what the route gives."""
        self.__dict__.update(given)

    def require(self, scope: str) -> None:
        """Raises HTTPError 404 without it, as JupyterHub answers for what one may not see."""
        if not self.has_scope(scope):
            raise web.HTTPError(404)

    async def show(self, template: str, **values: Any) -> None:
        """Answer with a page, which no cache keeps."""
        self.set_header("Cache-Control", "no-store")
        self.finish(await self.render_template(template, **values))

    def lead_to(self, *page: str) -> None:
        """Send the browser to a page of the hub."""
        self.redirect(url_path_join(self.hub.base_url, *page))
