"""Where people come in: what is published, who speaks TLS, whether the hub answers there, and what
the host's firewall keeps from them.
"""

from pathlib import Path
from urllib.parse import urljoin

from jhub_docker.errors import ActionError
from jhub_docker.platform import hearing
from jhub_docker.platform.compose import HUB, TLS, Platform

ROOT_CERTIFICATE = "/data/caddy/pki/authorities/local/root.crt"
"""Where Caddy has the certificate of a CA of its own."""

SHOW_ROOT = f"docker compose exec tls cat {ROOT_CERTIFICATE}"

FIREWALL_OFF = (
    "Warning: JHUB_FIREWALL=off. People's servers can reach this host's own ports, its networks "
    "and the cloud's metadata."
)


def health(address: str) -> str:
    """Where the hub says below an address that it is well."""
    return f"{address.rstrip('/')}/hub/health"


def asked(platform: Platform, path: str = "") -> tuple[str, str]:
    """What went wrong when hub and proxy were asked, and what a hub that answers says of itself.

    `path` is another one than that of the hub's health. They are asked from this machine where it
    can reach them without a name or a certificate, else from the hub's container.
    """
    if platform.direct:
        return hearing.heard(urljoin(health(platform.address), path))
    url = urljoin(health(f"http://proxy:8000{platform.base_url}"), path)
    try:
        problem, complaint = platform.told(HUB, Path(hearing.__file__).read_text("utf-8"), url)
    except ActionError as error:
        return str(error), ""
    return problem, complaint


def told(platform: Platform) -> list[str]:
    """What to say of the entrance to whoever starts the platform."""
    said = platform.hub_environment.get
    if TLS in platform.services:
        by, standin = platform.images[TLS], " (a stand-in: the public image cannot be pulled)"
        why = standin if by.startswith("local/") else ""
        lines = [f"TLS by Caddy from {by}{why}."]
        if said("JHUB_TLS") == "internal":
            lines.append(f"Its CA is its own; browsers want its certificate: {SHOW_ROOT}")
        return lines
    if said("JHUB_PUBLIC_URL") or said("JHUB_SUBDOMAIN_HOST"):
        return []
    if platform.on_loopback:
        return [
            "It answers on this machine alone. JHUB_DOMAIN=hub.example.org opens it to others, "
            "with TLS: docs/tls.md"
        ]
    return [
        f"Warning: plain HTTP on {platform.bind or '0.0.0.0'}, where passwords can be read on the "  # noqa: S104
        "way. JHUB_DOMAIN=hub.example.org gives it TLS: docs/tls.md"
    ]


def unguarded(platform: Platform) -> list[str]:
    """What to say of a platform whose firewall is off."""
    return [FIREWALL_OFF] * (platform.hub_environment.get("JHUB_FIREWALL") == "off")
