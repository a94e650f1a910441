"""What the operator's settings say of jobs. Pure."""

import re
from dataclasses import dataclass
from email.utils import parseaddr

from yarl import URL

from hub_config.settings import Settings

_MAILBOX = re.compile(r"[\w.!#$%&'*+=?^`{|}~-]{1,64}@[a-z0-9-]+(\.[a-z0-9-]+)+", re.A | re.I)
"""One mailbox as people have them (RFC 5322, dot-atom): no list of them, no scheme, no port."""


def is_mailbox(address: str) -> bool:
    """Whether messages to this address are mails; all others are posted."""
    return _MAILBOX.fullmatch(address) is not None


def _is_below(address: str, begin: str) -> bool:
    """Whether what is really asked for at `address`, dots resolved, begins so."""
    try:
        return address.isprintable() and str(URL(address)).startswith(str(URL(begin)))
    except ValueError:
        return False


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
    domains: tuple[str, ...] = ()
    brand: str = "JupyterHub"
    page: str = ""

    @property
    def told_by(self) -> str:
        """Where messages may go, for who types that; empty where the operator permits none."""
        if self.relay and self.webhooks:
            return "An e-mail address or a webhook's; empty: nobody."
        if self.relay:
            return "An e-mail address; empty: nobody."
        return "The address of a webhook; empty: nobody." if self.webhooks else ""

    def why_not(self, address: str) -> str:
        """Why nothing can be sent to `address`; empty when it can, and for none."""
        if not address:
            return ""
        if is_mailbox(address):
            return self._why_no_mail(address)
        if any(_is_below(address, one) for one in self.webhooks):
            return ""
        if address.startswith(("https://", "http://")):
            known = ", ".join(self.webhooks) or "none; ask an administrator"
            return f"Addresses that messages may be posted to begin with: {known}."
        return "That is neither an e-mail address nor one that begins with https://."

    def _why_no_mail(self, address: str) -> str:
        if not self.relay:
            return "This platform sends no mail: no relay is set. Ask an administrator."
        known = self.domains or (parseaddr(self.sender)[1].rpartition("@")[2].lower(),)
        if address.rpartition("@")[2].lower() in known:
            return ""
        return f"Mails go to addresses at: {', '.join(known)}."


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
        tuple(one.strip().lower() for one in settings.mail_domains.split(",") if one.strip()),
        settings.brand_name,
        f"{settings.public_url}hub/runs" if settings.public_url else "",
    )
