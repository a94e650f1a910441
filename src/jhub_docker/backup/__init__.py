"""Backups of a platform, and what comes back from them; `packages/backup` is what does the work.

`container` asks that image, `plan` decides what is restored into which volume, `backing_up`,
`restoring` and `drill` are what the operator's tasks do.
"""

from jhub_docker.backup.backing_up import backup, key, listing, settings, verify
from jhub_docker.backup.container import Place
from jhub_docker.backup.drill import drill
from jhub_docker.backup.restoring import Wanted, restore

__all__ = ["Place", "Wanted", "backup", "drill", "key", "listing", "restore", "settings", "verify"]
