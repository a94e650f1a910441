"""PDF without TeX. Read by Jupyter Server and by `jupyter nbconvert`."""

import sys

# First, since nbconvert takes the first exporter of a name.
sys.path.insert(0, "/opt/jhub-docker/lib/jhub_exporters")
