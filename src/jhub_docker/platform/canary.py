"""Somebody made up who tries the platform out as people do: through the proxy, log-in to page.

The hub makes and removes the account (hub_config/login/canary.py), and from its container the pages
are asked for (`browsing`); what a server of that name left in the engine is removed here.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jhub_docker import engine
from jhub_docker.catalog.identity import LABEL
from jhub_docker.errors import ActionError
from jhub_docker.platform import browsing, containers
from jhub_docker.platform.compose import HUB, Platform
from jhub_docker.process import Ended
from jhub_docker.progress import stage

SECONDS = 4 * browsing.START_SECONDS
"""For all of it: each step ends much earlier."""

FAILED = "the hub's canary failed"

SOMEBODY = "who is no canary"
"""How the hub says that a person has the canary's name."""


def name(project: str) -> str:
    """What the canary of a platform is called: one that a kill left is found again."""
    return f"canary-{hashlib.sha256(project.encode()).hexdigest()[:8]}"


def tried(platform: Platform) -> str:
    """Log in, start a server, see its page, remove all of it; what was seen."""
    own = name(platform.project)
    with stage(f"trying it out as {own}"):
        ended = platform.in_hub("canary", "end", own)
        if SOMEBODY in ended.err:
            return f"Nobody logged in and nothing was started: a person is called {own}."
        ended.require(FAILED, 5)
        clear(platform)
        said = json.loads(platform.in_hub("canary", "begin", own).require(FAILED, 5))
        try:
            tried = browse(platform, "start", name=own, **said)
            if tried.code:
                log = "\n".join(telling(platform.log(HUB, lines=200)))
                raise ActionError(f"{tried.tail(1)}; the hub said last:\n{log}")
        finally:
            ended = platform.in_hub("canary", "end", own)
            clear(platform)
        ended.require(FAILED, 5)
    return str(json.loads(tried.out)["seen"])


_WRONG = re.compile(r"""\[[EC] |.*"level": "(ERROR|CRITICAL)\"""")
"""How a line of the hub's log begins that tells of something wrong; the other form is JSON."""


def telling(log: str) -> list[str]:
    """The lines of a hub's log that say why something failed: its last errors, without what a
    failed request is told with, which is longer. Pure.
    """
    lines = log.strip().splitlines()
    return ([one for one in lines if _WRONG.match(one)] or lines)[-10:]


def browse(platform: Platform, what: str, **given: Any) -> Ended:
    """Do one of what `browsing` does, in the hub's container; the caller looks at the exit code."""
    public = urlsplit(platform.public_address)
    address = f"{public.scheme}://{public.netloc}{platform.base_url.rstrip('/')}/"
    program = Path(browsing.__file__).read_text("utf-8")
    asked = json.dumps({"address": address, **given})
    return platform.python(
        platform.leader(), "-I", "-c", program, what, given=asked, seconds=SECONDS
    )


def clear(platform: Platform, *, home: bool = True) -> None:
    """Remove what is in the engine of a canary: server, network and home.

    Without a hub that could say that it is no person the `home` stays: the next one takes it away.
    """
    labels = [f"{LABEL}.platform={platform.project}", f"{LABEL}.user={name(platform.project)}"]
    containers.clear(*labels, stop=True)
    for volume in containers.volume_labels(*labels) if home else ():
        containers.unless_gone(engine.api().remove_volume, volume)
