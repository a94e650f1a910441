"""Which formats a notebook is exported to. Read by Jupyter Server and by `jupyter nbconvert`."""

import sys

from traitlets.config import get_config

c = get_config()

# First, since nbconvert takes the first exporter of a name: this one prints `pdf` without TeX.
sys.path.insert(0, "/opt/jhub-docker/lib/jhub_exporters")

# They need pandoc (170 MB) or other programs that are not here, and the menu would offer them.
for exporter in ("ASCIIDoc", "Latex", "RST", "WebPDF", "QtPDF", "QtPNG"):
    c[f"{exporter}Exporter"].enabled = False
