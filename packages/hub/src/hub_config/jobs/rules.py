"""What the operator's settings say of jobs. Pure."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from hub_config.settings import Settings


@dataclass(frozen=True)
class Rules:
    """How many jobs each person may have (0: none, and no page), how many seconds a run may take
    (0: no limit), the time zone of who chooses none, and where messages may go.
    """

    most: int = 20
    seconds: int = 0
    zone: str = "UTC"
    webhooks: tuple[str, ...] = ()
    relay: str = ""
    password: str = ""
    sender: str = ""
    brand: str = "JupyterHub"
    page: str = ""

    def why_not(self, address: str) -> str:
        """Why nothing can be sent to `address`; empty when it can, and for none."""
        if not address:
            return ""
        if urlsplit(address).scheme in ("http", "https"):
            if any(address.startswith(one) for one in self.webhooks):
                return ""
            known = ", ".join(self.webhooks) or "none; ask an administrator"
            return f"Addresses that messages may be posted to begin with: {known}."
        name, at, domain = address.partition("@")
        if not (name and at and "." in domain) or not address.isprintable() or " " in address:
            return "That is neither an e-mail address nor one that begins with https://."
        if not self.relay:
            return "This platform sends no mail: no relay is set. Ask an administrator."
        return ""


def rules_of(settings: Settings) -> Rules:
    """The rules by the settings."""
    password = settings.mail_password
    return Rules(
        settings.scheduled_runs,
        settings.run_time_limit,
        settings.timezone or "UTC",
        tuple(one.strip() for one in settings.webhooks.split(",") if one.strip()),
        settings.mail_relay,
        password.get_secret_value() if password else "",
        settings.mail_from,
        settings.brand_name,
        f"{settings.public_url}hub/runs" if settings.public_url else "",
    )
