"""What becomes of the messages about scheduled runs: mails by a relay, and posts."""

import smtplib
import ssl
from email.message import EmailMessage
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hub_config.jobs import telling
from hub_config.jobs.rules import why_not
from hub_config.settings import Settings

NEWS = telling.News("ann", "nightly", "n.ipynb", "failed", "It failed.", 1, "now", "No figures")


def operator(
    relay: str = "smtp://relay", password: str = "", sender: str = "hub@example.org", **more: str
) -> Settings:
    given: dict[str, Any] = {"mail_password": password or None, **more}
    return Settings(mail_relay=relay, mail_from=sender, **given)


class Relay:
    """smtplib's client."""

    said: list[Any] = []  # noqa: RUF012

    def __init__(self, host: str, port: int, **_: Any) -> None:
        self.said.append((host, port))

    def __enter__(self) -> "Relay":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def ehlo(self) -> None:
        pass

    def has_extn(self, name: str) -> bool:
        return name == "starttls" and "plain" not in self.said[0]

    def starttls(self, context: ssl.SSLContext) -> None:
        assert context.verify_mode is ssl.CERT_REQUIRED, "anybody would be told the password"
        assert context.check_hostname
        self.said.append("starttls")

    def login(self, name: str, password: str) -> None:
        self.said.append((name, password))

    def send_message(self, message: EmailMessage) -> None:
        self.said.append(message)


async def test_a_mail_goes_out_through_the_relay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtplib, "SMTP", Relay)
    monkeypatch.setattr(Relay, "said", [])
    rules = operator("smtp://us%40er@relay.example:587", "p/w")
    await telling.tell(NEWS, "ann@example.org", rules)
    place, tls, login, message = Relay.said
    assert (place, tls, login) == (("relay.example", 587), "starttls", ("us@er", "p/w"))
    assert (message["To"], message["From"]) == ("ann@example.org", "hub@example.org")
    assert "No figures" in message.get_content()


def test_mails_go_to_the_domains_that_the_operator_names_or_the_platforms_own() -> None:
    rules = operator(sender="hub@Example.org")
    assert not why_not(rules, "ann@EXAMPLE.org")
    for one in ("ann@else.org", "ann@sub.example.org", "ann@notexample.org"):
        assert why_not(rules, one) == "Mails go to addresses at: example.org."
    assert not why_not(operator(sender="The hub <hub@example.org>"), "ann@example.org")
    rules = operator(mail_domains="A.org, b.org ,")
    assert not why_not(rules, "ann@a.org") + why_not(rules, "ann@b.org")
    assert why_not(rules, "ann@example.org") == "Mails go to addresses at: a.org, b.org."


async def test_what_cannot_be_sent_tells_no_secret() -> None:
    rules = operator("smtp://us@127.0.0.1:1", "hidden")
    with pytest.raises(telling.NotSentError) as raised:
        await telling.tell(NEWS, "ann@example.org", rules)
    assert "hidden" not in str(raised.value)


async def test_a_relay_that_offers_no_encryption_is_not_told_the_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(smtplib, "SMTP", Relay)
    monkeypatch.setattr(Relay, "said", [])
    rules = operator("smtp://us@plain:25", "hidden")
    with pytest.raises(telling.NotSentError, match="STARTTLS"):
        await telling.tell(NEWS, "ann@example.org", rules)
    assert Relay.said == [("plain", 25)]
    monkeypatch.setattr(Relay, "said", [])
    await telling.tell(NEWS, "ann@example.org", operator("smtp://plain:25", "hidden"))
    assert len(Relay.said) == 2, "who needs no password takes mails as they come"


async def test_messages_are_posted_where_the_operator_lets_them_and_tell_no_address() -> None:
    asked: list[str] = []

    async def hook(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=302, headers={"Location": "/elsewhere"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", hook)
    async with TestServer(app) as running:
        allowed = str(running.make_url("/hooks/"))
        rules = operator(webhooks=allowed)
        own = f"{running.host}:{running.port}"
        for wrong in (f"ws://a@{own}/x", f"http://{own}/x", f"{allowed}../x", f"a@{own}/x"):
            with pytest.raises(telling.NotSentError):
                await telling.tell(NEWS, wrong, rules)
        assert not asked
        with pytest.raises(telling.NotSentError) as raised:
            await telling.tell(NEWS, f"{allowed}s3cret", rules)
        assert asked == ["/hooks/s3cret"], "a redirect was followed"
        assert "s3cret" not in str(raised.value)
