"""Ending somebody's sessions: log-in cookies, tokens, and servers where the account is disabled."""

import asyncio
from collections.abc import Collection
from typing import Any

from jupyterhub import orm
from jupyterhub.handlers import BaseHandler
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub_config.spawning import server_tokens


def end(handler: BaseHandler, user: Any, *, keep_session: str | None = None) -> None:
    """Log `user` out everywhere and take back all tokens but those that running servers need.

    With `keep_session`, the id of a browser's session, only other browsers are logged out, and
    tokens that the person made stay: somebody changed their own password. The caller sets a new
    cookie for that browser.
    """
    revoke(
        handler.db,
        user.orm_user,
        kept=of_servers(handler.db, user),
        keep_session=keep_session,
    )
    user._auth_refreshed = None


def of_servers(db: Session, user: Any) -> set[int]:
    """The numbers of the tokens with which servers of `user` report what they do."""
    # Those of servers that are just starting, too: they are noted at the end of the start.
    starting = (server_tokens.number(db, one.api_token) for one in user.spawners.values())
    return {number for number in starting if number is not None} | server_tokens.of(user.orm_user)


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
    kept = {*kept, *server_tokens.of(user)}
    for token in db.scalars(select(orm.APIToken).where(orm.APIToken.user_id == user.id)).all():
        if token.id in kept:
            continue
        if keep_session and token.session_id in (None, "", keep_session):
            continue
        db.delete(token)
    for code in db.scalars(select(orm.OAuthCode).where(orm.OAuthCode.user_id == user.id)).all():
        db.delete(code)
    db.commit()


async def stop_servers(handler: BaseHandler, user: Any) -> None:
    """Stop all servers of `user`; one that is just starting, as soon as it can be stopped."""
    for name, spawner in list(user.spawners.items()):
        if spawner.pending:
            task = asyncio.create_task(_stop_later(handler, user, name, spawner))
            _later.add(task)
            task.add_done_callback(_later.discard)
        elif spawner.active:
            await handler.stop_single_user(user, name)


_later: set[asyncio.Task[None]] = set()
"""Kept, since the loop itself does not keep tasks from being collected."""


async def _stop_later(handler: BaseHandler, user: Any, name: str, spawner: Any) -> None:
    while spawner.pending:
        await asyncio.sleep(0.5)
    if spawner.active:
        await handler.stop_single_user(user, name)
