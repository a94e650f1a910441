"""The host's firewall as an operator meets it: why it cannot be put in place, and how it goes.

Its rules are made by the hub's image (packages/hub/src/hub_config/runtime/plan.py).
"""

from jhub_docker.platform.compose import Platform

GUARD = "guard"

OFF = (
    "Warning: JHUB_FIREWALL=off. People's servers can reach this host's own ports, its networks "
    "and the cloud's metadata."
)


def warnings(platform: Platform) -> list[str]:
    """What to tell whoever starts the platform without it."""
    return [OFF] if platform.hub_environment.get("JHUB_FIREWALL") == "off" else []


def reason(platform: Platform, problem: str) -> str:
    """What the guard says when `problem`, Compose's words, is that it did not start; else empty."""
    if f"-{GUARD}-" not in problem:
        return ""
    return f"\n{platform.log(GUARD, lines=4)}".rstrip()  # without a word where it did not start
