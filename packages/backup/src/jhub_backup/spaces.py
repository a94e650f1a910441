"""What MLflow has tracked: each space's database is copied while MLflow writes to it.

A space is a folder of its volume that belongs to a user id of its own (packages/tracking).
"""

import shutil
from pathlib import Path

from jhub_backup import hub_data
from jhub_backup.errors import BackupError

DATABASE = "mlflow.db"
STAGE = Path("/spaces")
"""Where the copies are in the worker, and so in a snapshot."""


def copy(volume: Path) -> list[str]:
    """Make sound copies of all databases, each as its owner; says which were damaged. That is no
    failure: MLflow writes where its person says, so anybody could keep the others' from a backup.
    """
    STAGE.mkdir(exist_ok=True)
    damaged = []
    for database in sorted(volume.glob(f"[!.]*/{DATABASE}")):
        if database.is_symlink() or database.parent.is_symlink():
            continue
        try:
            hub_data.copy(database, STAGE / database.parent.name)
        except BackupError as error:
            shutil.rmtree(STAGE / database.parent.name, ignore_errors=True)
            damaged.append(f"{database.parent.name} is backed up without runs: {error}")
    return damaged


def put_back(fetched: Path, restored: Path) -> None:
    """Put the copies of a snapshot into the folders that were restored beside them."""
    for one in (fetched / STAGE.name).glob(f"*/{hub_data.NAME}"):
        one.rename(restored / one.parent.name / DATABASE)
