"""`python /opt/jhub-docker/lib/jhub_start [OPTION...]`: what `jupyterhub-singleuser` does."""

import gc

gc.disable()  # nothing that is imported is garbage; `imports.started` turns it on again

import os  # noqa: E402
import sys  # noqa: E402

sys.path.append(os.path.dirname(sys.path.pop(0)))  # noqa: PTH120  pathlib takes a while to import

from jhub_start import early, imports  # noqa: E402

imports.find_entry_points_once()
early.begin(os.environ)
imports.leave_out()
with imports.without_database():
    from jupyterhub.singleuser import main

sys.exit(main())
