"""Tells somebody that a run has failed: by mail through the operator's relay, or by a webhook.

The hub sends it, since a run that could not be started has no container that could. So it posts
only to addresses that the operator's setting begins with: it reaches more than people's servers do.
"""

import asyncio
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr
from http import HTTPStatus
from urllib.parse import unquote, urlsplit

import aiohttp

from hub_config.jobs.rules import Rules, is_mailbox

SECONDS = 30.0
"""What relay or webhook may take."""


@dataclass(frozen=True)
class News:
    """What is told: whose run it was, and what became of it in a sentence, with its log's end."""

    person: str
    job: str
    file: str
    outcome: str
    sentence: str
    exit_code: int | None
    ended: str
    words: str


class NotSentError(Exception):
    """It could not be sent; the message says why, without a secret."""


def text(news: News, rules: Rules) -> str:
    """The whole message for people to read."""
    parts = [news.sentence, f"File: {news.file}", f"Log: ~/runs/{news.job}/latest/log.txt"]
    if rules.page:
        parts.append(f"All runs: {rules.page}")
    if news.words:
        parts.append(f"\n{news.words}")
    return "\n".join(parts)


def mail(news: News, to: str, rules: Rules) -> EmailMessage:
    """The message as a mail."""
    message = EmailMessage()
    message["Subject"] = f"[{rules.brand}] {news.job}: {news.outcome}"
    message["From"] = rules.sender
    message["To"] = to
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=parseaddr(rules.sender)[1].rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text(news, rules))
    return message


def send_mail(message: EmailMessage, relay: str, password: str) -> None:
    """Hand it to the relay: `smtp://` with STARTTLS where that offers it, or `smtps://`.

    The password goes to nobody but whom a certificate names; raises NotSentError otherwise.
    """
    place, known = urlsplit(relay), ssl.create_default_context()
    host, port = place.hostname or "", place.port or 0
    with (
        smtplib.SMTP_SSL(host, port, timeout=SECONDS, context=known)
        if place.scheme == "smtps"
        else smtplib.SMTP(host, port, timeout=SECONDS)
    ) as smtp:
        smtp.ehlo()
        if place.scheme == "smtp" and smtp.has_extn("starttls"):
            smtp.starttls(context=known if place.username else None)
        elif place.scheme == "smtp" and place.username:
            raise NotSentError("the relay offers no STARTTLS, so it is not told the password")
        if place.username:
            smtp.login(unquote(place.username), password)
        smtp.send_message(message)


async def tell(news: News, to: str, rules: Rules) -> None:
    """Send it. Raises NotSentError."""
    if why := rules.why_not(to):
        raise NotSentError(why)
    try:
        if is_mailbox(to):
            message = mail(news, to, rules)
            await asyncio.to_thread(send_mail, message, rules.relay, rules.password)
        else:
            await _post(news, to, rules)
    except aiohttp.InvalidURL:  # its words are the address, which is a secret of theirs
        raise NotSentError("the address is none") from None
    except (aiohttp.ClientError, smtplib.SMTPException, OSError, ValueError) as error:
        raise NotSentError(f"{type(error).__name__}: {error}"[:150]) from None


async def _post(news: News, to: str, rules: Rules) -> None:
    """`text` is what Slack, Mattermost and the like show; the rest is for programs."""
    body = {"text": text(news, rules), **news.__dict__}
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    async with (
        aiohttp.ClientSession(timeout=timeout, trust_env=True) as session,
        session.post(to, json=body, allow_redirects=False) as answer,
    ):
        if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
            raise NotSentError(f"the address answered with {answer.status}")
