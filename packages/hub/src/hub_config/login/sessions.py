"""Somebody's session: what a log-in still lacks before there is one, and how all of them end.

Nobody has a session before the last step is done: that is why a one-time password opens nothing
but the page where it is changed. What ends are log-in cookies, tokens, and servers where the
account is disabled.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from jupyterhub import orm
from jupyterhub.handlers import BaseHandler
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub_config.spawning import servers

LASTS = 600
"""Seconds a person has for the steps after the password."""


class Step(StrEnum):
    """The next step; the value is the page's path below the hub's."""

    CODE = "login/code"
    PASSWORD = "change-password"  # noqa: S105  a path
    ENROL = "second-factor"
    DONE = ""


@dataclass(frozen=True)
class Pending:
    """A log-in under way, as the browser carries it, signed.

    `account` is its key; `state` is the fingerprint of the password that was given: once the
    password is another one, the log-in under way is void.
    """

    account: str
    state: str
    code_given: bool = False


@dataclass(frozen=True)
class Demands:
    """What this account has to do to get in."""

    code: bool
    new_password: bool
    enrolment: bool


def next_step(demands: Demands, *, code_given: bool) -> Step:
    """The first step that is not done."""
    if demands.code and not code_given:
        return Step.CODE
    if demands.new_password:
        return Step.PASSWORD
    if demands.enrolment:
        return Step.ENROL
    return Step.DONE


def fingerprint(password_hash: bytes) -> str:
    """Names a stored password without telling anything about it."""
    return hashlib.sha256(b"pending log-in" + password_hash).hexdigest()[:32]


def end(handler: BaseHandler, user: Any, *, keep_session: str | None = None) -> None:
    """Log `user` out everywhere and take back all tokens but those that running servers need.

    With `keep_session`, the id of a browser's session, only other browsers are logged out, and
    tokens that the person made stay: somebody changed their own password. The caller sets a new
    cookie for that browser.
    """
    revoke(handler.db, user.orm_user, kept=of_servers(handler.db, user), keep_session=keep_session)
    user._auth_refreshed = None


def of_servers(db: Session, user: Any) -> set[int]:
    """The numbers of the tokens with which servers of `user` report what they do."""
    # Those of servers that are just starting, too: they are noted at the end of the start.
    starting = (servers.token_number(db, one.api_token) for one in user.spawners.values())
    return {number for number in starting if number is not None} | servers.server_tokens(
        user.orm_user
    )


def end_without_second_factor(handler: BaseHandler, user: Any) -> None:
    """Log `user` out, who has become somebody that needs a second factor, until they have one."""
    account = handler.authenticator.accounts.find(user.name)
    if account is not None and handler.authenticator.lacks_second_factor(account):
        end(handler, user)


def revoke(
    db: Session, user: orm.User, *, kept: Collection[int] = (), keep_session: str | None = None
) -> None:
    """The same in the database alone; `kept` are tokens to keep beside those noted for servers."""
    user.cookie_id = orm.new_token()
    kept = {*kept, *servers.server_tokens(user)}
    for token in db.scalars(select(orm.APIToken).where(orm.APIToken.user_id == user.id)).all():
        if token.id in kept:
            continue
        if keep_session and token.session_id in (None, "", keep_session):
            continue
        db.delete(token)
    for code in db.scalars(select(orm.OAuthCode).where(orm.OAuthCode.user_id == user.id)).all():
        db.delete(code)
    db.commit()
