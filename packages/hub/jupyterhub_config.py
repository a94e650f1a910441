"""What JupyterHub loads: read the settings, apply them. Everything else is in `hub_config`."""

import os

from hub_config import away, branding, concerns, first_start, languages, start
from hub_config.monitoring import pages
from hub_config.settings import reading
from hub_config.spawning import servers
from hub_config.watch import beginning

c = get_config()  # type: ignore[name-defined]  # noqa: F821  JupyterHub provides it
settings = reading.read(os.environ)
places = first_start.Places(db_url=settings.db_url)
first_start.make_secrets(places)
languages.use(settings.timezone, settings.locale)
branding.write(settings, places.data, places.branding)
concerns.apply(c, settings, places)
servers.explain()
pages.quiet()
servers.stop_before_deletion()
away.explain(places.data)
beginning.begin(settings, places)
start.load_or_end(c, places.config_d)
