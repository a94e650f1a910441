"""Ending somebody's sessions: log-in cookies, tokens, and servers where the account is disabled."""

import asyncio
from collections.abc import Iterable
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
    # Those of servers that are just starting, too: they are noted at the end of the start.
    known = (server_tokens.number(handler.db, one.api_token) for one in user.spawners.values())
    revoke(handler.db, user.orm_user, needed=known, keep_session=keep_session)
    user._auth_refreshed = None


def revoke(
    db: Session,
    user: orm.User,
    *,
    needed: Iterable[int | None] = (),
    keep_session: str | None = None,
) -> None:
    """The same in the database alone; `needed` are tokens to keep beside those of servers."""
    user.cookie_id = orm.new_token()
    kept = {*needed, *server_tokens.of(user)}
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
