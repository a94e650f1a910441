"""The audit log around a restore: one of the hub brings an older log back with all the rest.

What was there until then is kept as a file on the machine of whoever restores, and the entry of the
restore, in the older log, says where it ended.
"""

import json
from collections.abc import Sequence
from typing import Any

from docker import DockerClient

from jhub_docker.backup import plan
from jhub_docker.backup.plan import Item
from jhub_docker.errors import JhubDockerError
from jhub_docker.platform import audit_log
from jhub_docker.platform.compose import Platform
from jhub_docker.progress import say


class Replaced:
    """What the log says before the restore of `planned`; `tell` writes that it is done."""

    def __init__(self, client: DockerClient, platform: Platform, planned: Sequence[Item]) -> None:
        self.client, self.platform, self.planned = client, platform, planned
        self.more: dict[str, Any] = {"volumes": [one.volume for one in planned]}
        if any(one.kind == plan.HUB and one.exists for one in planned):
            self._keep()

    def _keep(self) -> None:
        try:
            entries = audit_log.show(self.client, self.platform)
        except (JhubDockerError, ValueError) as error:
            say(f"The audit log until now could not be kept: {error}")
            return
        if not entries:
            return
        last = entries[-1]
        file = self.platform.root / ".dev" / "audit" / f"until-{last['n']}.jsonl"
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.write_text("".join(f"{json.dumps(one)}\n" for one in entries), encoding="utf-8")
        file.chmod(0o600)
        self.more["log_ended_at"] = f"{last['n']}:{last['hash']}"
        say(f"The audit log until now is kept in {file}")

    def tell(self, **more: Any) -> None:
        """Write the entry."""
        people = sorted({one.person for one in self.planned if one.person})
        said = {**self.more, "people": people, **more}
        audit_log.tell(self.client, self.platform, "restore", **said)
