"""Backups: made, listed, verified, tried out, and brought back."""

import json

from jhub_docker import table
from jhub_docker.cli.task import later, platform_root, task, write

with later():
    from jhub_docker.backup import container, restoring
    from jhub_docker.backup import drill as drills

USER = "A person, or a home's volume; can be given several times"


@task(
    default=True,
    iterable=["user"],
    help={
        "user": f"{USER} (default: everything).",
        "new-repository": "Make a repository anew where one was known before and is gone.",
    },
)
def backup(
    user: list[str],
    hub: bool = False,
    to: str = "",
    key_file: str = "",
    new_repository: bool = False,
) -> None:
    """Back up database, secrets, settings and homes with restic, while everything runs."""
    place = container.Place(to, key_file)
    write(
        container.backup(
            platform_root(), place, hub=hub, people=user, new_repository=new_repository
        )
    )


@task(
    iterable=["user"],
    help={
        "user": f"{USER} (default: everything).",
        "path": "One file or folder of that person's home; their server may run.",
        "servers": "Stop the servers that use what is replaced.",
    },
)
def restore(
    user: list[str],
    hub: bool = False,
    path: str = "",
    at: str = "",
    of: str = "",
    to: str = "",
    key_file: str = "",
    servers: bool = False,
    yes: bool = False,
) -> None:
    """Bring everything back, the hub, people's homes, or one file; says first what it replaces."""
    wanted = restoring.Wanted(hub, user, path, at, of)
    place = container.Place(to, key_file)
    write(restoring.restore(platform_root(), place, wanted, servers=servers, assume_yes=yes))


@task(name="list")
def list_(to: str = "", key_file: str = "", json_: bool = False) -> None:
    """Show the backups there are, and how the last one, verification and drill went."""
    said = container.listing(platform_root(), container.Place(to, key_file))
    if json_:
        write(json.dumps(said, indent=2))
        return
    columns = ("time", "backup", "what", "person", "volume", "complete", "snapshot")
    rows = []
    for one in said["snapshots"]:
        kept = (one[key] for key in ("run", "kind", "person", "volume"))
        complete = "yes" if one["complete"] else "NO"
        rows.append((one["time"][:16].replace("T", " "), *kept, complete, one["id"][:8]))
    write(table.render(columns, rows))
    for what, known in said["status"].items():
        wrong = f"; the last try failed: {known['wrong']}" if known["wrong"] else ""
        warned = f"; warning: {known['warning']}" if known.get("warning") else ""
        write(f"Last {what}: {known.get('succeeded', 'never succeeded')}{wrong}{warned}")


@task(help={"part": "How much of the data to read back, such as 10% (default: all)."})
def verify(to: str = "", key_file: str = "", part: str = "") -> None:
    """Read the data of the backups back, and open the newest database in them."""
    write(container.verify(platform_root(), container.Place(to, key_file), part))


@task()
def drill(to: str = "", key_file: str = "", at: str = "", of: str = "") -> None:
    """Restore into a second platform beside this one, log in, compare files, and remove it."""
    write(drills.drill(platform_root(), container.Place(to, key_file), at, of))


@task()
def key() -> None:
    """Print the key of the backups; keep it where neither they nor this machine are."""
    write(container.key(platform_root()))


@task()
def settings(to: str = "", key_file: str = "", of: str = "") -> None:
    """Print the .env of the newest backup, for a machine that has none."""
    write(container.settings(platform_root(), container.Place(to, key_file), of))
