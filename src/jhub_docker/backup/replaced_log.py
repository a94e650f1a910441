"""The audit log around a restore: one of the hub brings an older log back with all the rest.

What was there until then is kept as a file on the machine of whoever restores, and the entry of the
restore, in the older log, says where it ended.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from docker import DockerClient

from jhub_docker.backup import plan
from jhub_docker.backup.plan import Item
from jhub_docker.errors import JhubDockerError
from jhub_docker.platform import audit_log
from jhub_docker.platform.compose import Platform
from jhub_docker.progress import say


@contextmanager
def telling(
    client: DockerClient, platform: Platform, planned: Sequence[Item], path: str
) -> Iterator[None]:
    """Meanwhile it is restored; keep the log until now first, and write what became of it."""
    before = {}
    if any(one.kind == plan.HUB and one.exists for one in planned):
        before = _kept(client, platform)
    said = {
        "volumes": [one.volume for one in planned],
        "people": sorted({one.person for one in planned if one.person}),
        **({"path": path} if path else {}),
        **before,
    }
    with audit_log.telling(client, platform, "restore", **said):
        yield


def _kept(client: DockerClient, platform: Platform) -> dict[str, str]:
    """Keep the log until now; where it ended, as the entry says it."""
    try:
        entries = audit_log.show(client, platform)
    except (JhubDockerError, ValueError) as error:
        say(f"The audit log until now could not be kept: {error}")
        return {}
    if not entries:
        return {}
    last = entries[-1]
    file = platform.root / ".dev" / "audit" / f"until-{last['n']}.jsonl"
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.write_text("".join(f"{json.dumps(one)}\n" for one in entries), encoding="utf-8")
    file.chmod(0o600)
    say(f"The audit log until now is kept in {file}")
    return {"log_ended_at": f"{last['n']}:{last['hash']}"}
