"""The platform's secrets, never their values."""

import json

from jhub_docker import table
from jhub_docker.cli.task import ROOT, later, platform_engine, task, write

with later():
    from jhub_docker.secrets import changing, whereabouts


@task(default=True, name="list")
def list_(json_: bool = False) -> None:
    """Show each secret: where it is, how many days old, and who can read it; never a value."""
    rows, unseen = whereabouts.listing(platform_engine(), ROOT)
    if json_:
        write(json.dumps({"secrets": rows, "not_looked_at": unseen}, indent=2))
        return
    columns = ("name", "place", "days", "readers")
    cells = [["" if row[one] is None else str(row[one]) for one in columns] for row in rows]
    write("\n".join([table.render(columns, cells), *(f"Not looked at: {one}" for one in unseen)]))


@task(
    name="set",
    help={
        "name": "A setting such as JHUB_PROVIDER_SECRET, a backup's, or a group's: GROUP/NAME.",
        "remove": "Remove it.",
    },
)
def set_(name: str, remove: bool = False) -> None:
    """Keep a secret setting as a file in its volume; its value is asked for or read from stdin."""
    write(changing.keep(platform_engine(), ROOT, name, remove=remove))


@task(
    help={
        "name": "cookie-secret, crypt-key, proxy-token, metrics-token, all (four), "
        "grafana-password, backup-key or admin-password.",
        "drop": "Forget the older ones, which are still taken.",
    }
)
def rotate(name: str, drop: bool = False, yes: bool = False) -> None:
    """Make one of the platform's own secrets anew; people stay logged in and connected."""
    client = platform_engine()
    write(changing.rotate(client, ROOT, name, drop=drop, assume_yes=yes))
