"""What `doctor --fix` mends by itself: only what takes nothing away from anybody."""

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from jhub_docker import engine
from jhub_docker.asking import confirm
from jhub_docker.doctor.findings import CODES, Finding
from jhub_docker.engine.lock import locked
from jhub_docker.errors import ActionError
from jhub_docker.platform import chosen, left_over
from jhub_docker.platform.compose import HUB, Platform
from jhub_docker.progress import say

HEALTHY_SECONDS = 120.0
"""How long a service that goes on has to say that it is well, before all is looked at again."""


def _go_on(verb: str, container: str) -> None:
    (engine.api().unpause if verb == "unpause" else engine.api().start)(container)
    deadline = time.monotonic() + HEALTHY_SECONDS
    while time.monotonic() < deadline:
        health = engine.api().inspect_container(container)["State"].get("Health") or {}
        if health.get("Status") not in ("unhealthy", "starting"):
            return
        time.sleep(0.5)


FIXES: Mapping[str, Callable[[Platform, str], object]] = {
    "JD011": lambda _, subject: _go_on(*subject.split(" ")),
    "JD018": lambda _, subject: left_over.remove(*subject.split(" ", 1)),
    "JD021": lambda platform, subject: (platform.root / subject).chmod(0o600),
    "JD023": lambda platform, path: platform.checked("exec", "-T", HUB, "chmod", "go=", path),
}
"""What docs/doctor.md says of these codes as their **Fix**, done."""


def fix(root: Path, findings: Iterable[Finding], *, assume_yes: bool) -> None:
    """Mend what can be mended, once that was agreed to."""
    if not (mended := [one for one in findings if one.code in FIXES and one.subject]):
        say("Nothing that was found is mended by --fix.")
        return
    lines = [f"  {one.code} {one.says.splitlines()[0]}: {CODES[one.code].fix}" for one in mended]
    told = "\n".join(["--fix does this:", *lines])
    confirm(told, assume_yes=assume_yes)
    platform = chosen.read(root)
    with locked(platform.project):
        for one in mended:
            try:
                FIXES[one.code](platform, one.subject)
            except ActionError as error:
                say(f"{one.code} is not mended: {error}")
