"""The running platform: what the operator's tasks do with `compose.yaml`.

`compose` reads that file through Compose itself, so that it stays the only place that states names,
`configuration` checks settings, `containers` finds what runs, `lifecycle` starts and stops.
"""

from jhub_docker.platform.configuration import check_settings, unknown_variables
from jhub_docker.platform.containers import logs, status
from jhub_docker.platform.lifecycle import down, up

__all__ = ["check_settings", "down", "logs", "status", "unknown_variables", "up"]
