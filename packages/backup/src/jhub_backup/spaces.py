"""What MLflow has tracked: each space's database is copied while MLflow writes to it.

A space is a folder of its volume that belongs to a user id of its own (packages/tracking).
"""

from pathlib import Path

from jhub_backup import hub_data

DATABASE = "mlflow.db"
STAGE = Path("/spaces")
"""Where the copies are in the worker, and so in a snapshot."""


def copy(volume: Path) -> None:
    """Make sound copies of all databases, each as its owner. Raises BackupError."""
    STAGE.mkdir(exist_ok=True)
    for database in volume.glob(f"[!.]*/{DATABASE}"):
        if not (database.is_symlink() or database.parent.is_symlink()):
            hub_data.copy(database, STAGE / database.parent.name)


def put_back(fetched: Path, restored: Path) -> None:
    """Put the copies of a snapshot into the folders that were restored beside them."""
    for one in (fetched / STAGE.name).glob(f"*/{hub_data.NAME}"):
        one.rename(restored / one.parent.name / DATABASE)
