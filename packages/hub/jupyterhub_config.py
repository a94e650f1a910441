"""What JupyterHub loads: read the settings, apply them. Everything else is in `hub_config`."""

import os

from hub_config import concerns, first_start, reading

c = get_config()  # type: ignore[name-defined]  # noqa: F821  JupyterHub provides it
places = first_start.Places()
settings = reading.read(os.environ)
first_start.make_secrets(places)
concerns.apply(c, settings, places)
