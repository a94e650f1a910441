"""The history of kernels and of `ipython`, where the home is on a network (start-singleuser)."""

import os

from traitlets.config import get_config

c = get_config()

if state := os.environ.get("JHUB_LOCAL_STATE"):
    c.HistoryManager.hist_file = f"{state}/history.sqlite"
