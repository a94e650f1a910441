"""Whom the operator's settings let be told of runs. Pure."""

import re
from email.utils import parseaddr

from yarl import URL

from hub_config.settings import Settings
from hub_config.settings.values import listed

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


def told_by(operator: Settings) -> str:
    """Where messages may go, for who types that; empty where the operator permits none."""
    if operator.mail_relay and operator.webhooks:
        return "An e-mail address or a webhook's; empty: nobody."
    if operator.mail_relay:
        return "An e-mail address; empty: nobody."
    return "The address of a webhook; empty: nobody." if operator.webhooks else ""


def why_not(operator: Settings, address: str) -> str:
    """Why nothing can be sent to `address`; empty when it can, and for none."""
    if not address:
        return ""
    if is_mailbox(address):
        return _why_no_mail(operator, address)
    webhooks = listed(operator.webhooks)
    if any(_is_below(address, one) for one in webhooks):
        return ""
    if address.startswith(("https://", "http://")):
        known = ", ".join(webhooks) or "none; ask an administrator"
        return f"Addresses that messages may be posted to begin with: {known}."
    return "That is neither an e-mail address nor one that begins with https://."


def _why_no_mail(operator: Settings, address: str) -> str:
    if not operator.mail_relay:
        return "This platform sends no mail: no relay is set. Ask an administrator."
    own = parseaddr(operator.mail_from)[1].rpartition("@")[2]
    known = [one.lower() for one in listed(operator.mail_domains) or [own]]
    if address.rpartition("@")[2].lower() in known:
        return ""
    return f"Mails go to addresses at: {', '.join(known)}."
