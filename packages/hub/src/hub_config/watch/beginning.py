"""The audit log from the hub's start to its end."""

import atexit
import logging
from importlib.metadata import version

from hub_config import traces
from hub_config.audit import events
from hub_config.audit.journal import Journal
from hub_config.first_start import Places
from hub_config.login.door import Addresses
from hub_config.settings import Settings
from hub_config.watch import changes, requests

log = logging.getLogger(__name__)


def begin(settings: Settings, places: Places) -> None:
    """Have all that is done from now on told; called once, before JupyterHub answers anybody."""
    journal = Journal(places.audit, settings.audit_days, settings.audit_size_mb * 2**20)
    recorder = events.begin(journal)
    try:
        told = changes.at_start(settings, places)
    except OSError as error:  # a full disk keeps no hub from starting
        log.error("What was set anew since the last start is not told: %s", error)
        told = {}
    events.tell("hub.start", jupyterhub=version("jupyterhub"))
    for what, changed in told.items():
        events.tell(what, changed=changed)

    traces.begin()

    def end() -> None:
        recorder.flush()
        events.tell("hub.stop")
        recorder.close()
        traces.end()

    atexit.register(end)
    requests.watch(Addresses(settings).of)
