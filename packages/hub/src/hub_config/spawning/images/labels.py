"""The labels by which an image says what it is. Written by the build (the library's plan.py)."""

from hub_config.runtime.names import LABEL

PROFILES_LABEL = f"{LABEL}.profiles"
"""What it offers, as JSON."""

JUPYTERHUB_LABEL = f"{LABEL}.jupyterhub"
"""The version of JupyterHub in it."""

RELEASE_LABEL = f"{LABEL}.release"
"""Released images alone have it: their version."""

BUILD_ID_LABEL = f"{LABEL}.build-id"

REVISION_LABEL = "org.opencontainers.image.revision"
"""The commit it was built from, with `-dirty` when files differed from it."""
