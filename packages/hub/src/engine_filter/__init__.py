"""The filter between the hub and the Docker Engine: it passes on what the hub needs, nothing else.

Whoever may talk to the engine's socket is root on the host. So only this small process has it, in
a container without network; the hub, which strangers talk to, gets a socket of the filter.
What is allowed is decided by pure rules (`routes` names them all); `serving` carries them out.
"""

from pathlib import Path

HUB_SOCKET = Path("/run/engine/docker.sock")
"""The filter's own socket, on a volume that only the filter and the hub mount."""

ENGINE_SOCKET = Path("/var/run/docker.sock")
"""The engine's, which only the filter's container has."""

EPOCH = "X-Hub-Epoch"
"""Header of the hub's calls where there are several hubs: the newest leader has the highest."""
