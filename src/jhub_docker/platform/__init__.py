"""The running platform: what the operator's tasks do with `compose.yaml`.

`compose` reads that file through Compose itself, so that it stays the only place that states names,
`chosen` adds what nobody has set, `configuration` checks settings, `building` has images built,
`containers` finds what runs, `entrance` knows where people come in, `ports` whether that can be,
`left_over` what is nobody's, `now` has the hub say what goes on, `starting` and `stopping` act.
`upgrading` goes from one set of images to another, `before` knows what there was, `canary` tries it
out by `browsing` in the hub's container.
"""

from jhub_docker.platform import audit_log, chosen, moving, usage
from jhub_docker.platform.before import seen
from jhub_docker.platform.building import build
from jhub_docker.platform.configuration import check
from jhub_docker.platform.now import look
from jhub_docker.platform.server_logs import logs
from jhub_docker.platform.stopping import down
from jhub_docker.platform.upgrading import rollback, up, upgrade

__all__ = [
    "audit_log",
    "build",
    "check",
    "chosen",
    "down",
    "logs",
    "look",
    "moving",
    "rollback",
    "seen",
    "up",
    "upgrade",
    "usage",
]
