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

from hub_config.jobs.rules import is_mailbox, why_not
from hub_config.settings import Settings

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


def text(news: News, operator: Settings) -> str:
    """The whole message for people to read."""
    parts = [news.sentence, f"File: {news.file}", f"Log: ~/runs/{news.job}/latest/log.txt"]
    if operator.public_url:
        parts.append(f"All runs: {operator.public_url}hub/runs")
    if news.words:
        parts.append(f"\n{news.words}")
    return "\n".join(parts)


def mail(news: News, to: str, operator: Settings) -> EmailMessage:
    """The message as a mail."""
    message = EmailMessage()
    message["Subject"] = f"[{operator.brand_name}] {news.job}: {news.outcome}"
    message["From"] = operator.mail_from
    message["To"] = to
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=parseaddr(operator.mail_from)[1].rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text(news, operator))
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


async def tell(news: News, to: str, operator: Settings) -> None:
    """Send it. Raises NotSentError."""
    if why := why_not(operator, to):
        raise NotSentError(why)
    try:
        if is_mailbox(to):
            secret = operator.mail_password
            password = secret.get_secret_value() if secret else ""
            message = mail(news, to, operator)
            await asyncio.to_thread(send_mail, message, operator.mail_relay, password)
        else:
            await _post(news, to, operator)
    except aiohttp.InvalidURL:  # its words are the address, which is a secret of theirs
        raise NotSentError("the address is none") from None
    except (aiohttp.ClientError, smtplib.SMTPException, OSError, ValueError) as error:
        raise NotSentError(f"{type(error).__name__}: {error}"[:150]) from None


async def _post(news: News, to: str, operator: Settings) -> None:
    """`text` is what Slack, Mattermost and the like show; the rest is for programs."""
    body = {"text": text(news, operator), **news.__dict__}
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    async with (
        aiohttp.ClientSession(timeout=timeout, trust_env=True) as session,
        session.post(to, json=body, allow_redirects=False) as answer,
    ):
        if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
            raise NotSentError(f"the address answered with {answer.status}")
