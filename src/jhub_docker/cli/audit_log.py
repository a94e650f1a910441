"""The audit log: who did what."""

import json

from jhub_docker import table
from jhub_docker.cli.task import later, platform_root, task, write

with later():
    from jhub_docker.platform import audit_log, chosen

COLUMNS = {"at": "when", "what": "what", "who": "who", "on": "on", "from": "from"}


@task(
    name="show",
    default=True,
    help={
        "user": "Only what this person did, or what was done to them.",
        "what": "Only kinds that begin so: login, server, account.reset-password.",
        "since": "Only what came since: 12h, 7d, 2026-11-30 (default: 7d).",
        "tail": "Number of last entries to show (0: all).",
    },
)
def show(
    user: str = "", what: str = "", since: str = "7d", tail: int = 200, json_: bool = False
) -> None:
    """Show who did what, from where, and what came of it; works while the hub is down, too."""
    filters = {"user": user, "what": what, "since": since, "tail": str(tail)}
    entries = audit_log.show(chosen.read(platform_root()), **filters)
    if json_:
        write(json.dumps(entries, indent=2, ensure_ascii=False))
        return
    rows = []
    for one in entries:
        times = f", {table.counted(one['times'], 'time')}" if one.get("times") else ""
        shown = {key: str(one.get(key, "")) for key in COLUMNS} | {"at": one["at"][:19]}
        rows.append([*shown.values(), f"{one['result']}{times}"])
    write(table.render((*COLUMNS.values(), "result"), rows))


@task(help={"noted": "What an earlier verification said last, NUMBER:HASH."})
def verify(noted: str = "") -> None:
    """Say whether all entries are as they were written; names the first that is not."""
    write(audit_log.verify(chosen.read(platform_root()), noted))
