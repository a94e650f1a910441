"""What JupyterHub loads: read the settings, apply them. Everything else is in `hub_config`."""

import os

from hub_config import concerns, first_start, reading
from hub_config.branding import files
from hub_config.lifetimes import deletion
from hub_config.spawning import handlers

c = get_config()  # type: ignore[name-defined]  # noqa: F821  JupyterHub provides it
places = first_start.Places()
settings = reading.read(os.environ)
first_start.make_secrets(places)
files.write(settings, places.data, places.branding)
concerns.apply(c, settings, places)
handlers.explain()
deletion.stop_before_deletion()
