"""The hub's own secrets: which there are, how one is made anew, and how older ones are forgotten.

A secret that is made anew goes on being taken beside the new one until it is dropped, so that
nobody's session ends and nothing that is sealed is lost. Whatever is sealed in the database is
sealed anew with the new crypt key by the hub's next start. Digests of recovery codes cannot be made
anew, since nobody has the codes: those of the older key end when it is dropped. No value is told.
"""

import argparse
import secrets
import sys
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import requests
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import Connection, String, create_engine, delete, insert, inspect, select, text
from sqlalchemy.orm import Mapped, mapped_column

from hub_config.apis import PROXY_ROUTES, ask
from hub_config.database import Base, is_there
from hub_config.first_start import (
    GROUP_MAY_READ,
    Places,
    Records,
    address,
    older,
    read_all,
    read_secret,
    write_secret,
)

SEALED = (("users", "id", "encrypted_auth_state"), ("platform_second_factors", "account", "sealed"))
"""Table, key and column of the values that the crypt key seals."""

CODES, OLDER_CODES = "platform_recovery_codes", "platform_older_recovery_codes"
"""Digests of unused recovery codes, and which of them were made with an older crypt key."""

COOKIE, CRYPT, PROXY = "cookie-secret", "crypt-key", "proxy-token"
METRICS, GRAFANA = "metrics-token", "grafana-password"


class RotationError(Exception):
    """It cannot be done now; the message says why, and nothing was changed."""


def cookie_keys(secrets: Sequence[str]) -> dict[str, Any]:
    """Settings of Tornado by which the first secret signs cookies, and all of them are taken.

    A signed cookie has its secret's number (tornado.web, `key_version`), here a part of its digest;
    one that was signed while there was only a single secret has 0, which is the oldest's.
    """
    keys = {int(sha256(one.encode()).hexdigest()[:6], 16): bytes.fromhex(one) for one in secrets}
    return {"cookie_secret": {**keys, 0: list(keys.values())[-1]}, "key_version": next(iter(keys))}


class SealedRow(Base):
    """Which crypt key all that is sealed here was sealed with last: a part of the key's digest."""

    __tablename__ = "platform_sealed"
    mark: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class OlderCodeRow(Base):
    """A digest of a recovery code that was made with an older crypt key."""

    __tablename__ = "platform_older_recovery_codes"
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)


def reseal(database: Records, keys: Sequence[str]) -> int:
    """Seal what is in `database` with the first of the keys; how many values none of them opens.

    Done once for each new key, which the database notes: one that is put back from before has not.
    Notes which recovery codes are of older keys.
    """
    unknown, mark = 0, int(sha256(keys[0].encode()).hexdigest()[:7], 16)
    with writing(database) as db:
        for row in (SealedRow, OlderCodeRow):
            Base.metadata.tables[row.__tablename__].create(db, checkfirst=True)
        if mark in db.scalars(select(SealedRow.mark)).all():
            return 0
        for table, key, column in _there(db):
            for row, sealed in _sealed(db, table, key, column):
                try:
                    anew = _fernet(keys).rotate(sealed)
                except InvalidToken:
                    unknown += 1
                    continue
                change = f"UPDATE {table} SET {column} = :anew WHERE {key} = :row"  # noqa: S608
                db.execute(text(change), {"anew": anew, "row": row})
        if _has(db, CODES):
            db.execute(delete(OlderCodeRow))
            db.execute(text(f"INSERT INTO {OLDER_CODES} SELECT DISTINCT digest FROM {CODES}"))  # noqa: S608
        db.execute(delete(SealedRow))
        db.execute(insert(SealedRow).values(mark=mark))
    return unknown


@contextmanager
def writing(database: Records, **of_a_server: Any) -> Iterator[Connection]:
    """A connection for one transaction; with these options where it is no file."""
    options = {"connect_args": {"timeout": 60}} if isinstance(database, Path) else of_a_server
    engine = create_engine(address(database), **options)
    try:
        with engine.begin() as db:
            if isinstance(database, Path):
                db.exec_driver_sql("BEGIN IMMEDIATE")  # pysqlite begins none for DDL
            yield db
    finally:
        engine.dispose()


def reseal_once(places: Places) -> None:
    """At the hub's start: seal everything with a crypt key that is new."""
    keys = read_all(places.crypt_key)
    if len(keys) > 1 and is_there(places.records):
        reseal(places.records, keys)


def end_tokens_of_services(places: Places) -> None:
    """At the hub's start: forget the tokens that services had until now.

    JupyterHub adds those of its configuration, and new ones for what it runs, at each start, and
    takes older ones for ever (jupyterhub 6.1, app.py, init_services).
    """
    if is_there(places.records):
        with writing(places.records) as db:
            if _has(db, "api_tokens"):
                db.execute(text("DELETE FROM api_tokens WHERE service_id IS NOT NULL"))


def drop_older_key(places: Places) -> str:
    """Forget the older crypt keys; what to tell. Raises RotationError while one is still needed."""
    keys, gone = read_all(places.crypt_key), 0
    if is_there(places.records):
        with writing(places.records) as db:
            if count := _sealed_otherwise(db, keys[:1]):
                raise RotationError(
                    f"{count} secrets in the database are not sealed with the new key yet: the "
                    "hub's next start does that"
                )
            if _has(db, OLDER_CODES) and _has(db, CODES):
                mine = f"WHERE digest IN (SELECT digest FROM {OLDER_CODES})"  # noqa: S608
                count_them = f"SELECT count(DISTINCT account) FROM {CODES} {mine}"  # noqa: S608
                gone = db.execute(text(count_them)).scalar() or 0
                db.execute(text(f"DELETE FROM {CODES} {mine}"))  # noqa: S608
                db.execute(delete(OlderCodeRow))
    older(places.crypt_key).unlink(missing_ok=True)
    return f"Recovery codes of {gone} people ended; their page Second factor makes new ones."


def _sealed_otherwise(db: Connection, keys: Sequence[str]) -> int:
    """How many values the keys do not open."""
    count = 0
    for table, key, column in _there(db):
        for _row, sealed in _sealed(db, table, key, column):
            try:
                _fernet(keys).decrypt(sealed)
            except InvalidToken:
                count += 1
    return count


def _sealed(db: Connection, table: str, key: str, column: str) -> list[tuple[Any, bytes]]:
    query = f"SELECT {key}, {column} FROM {table} WHERE {column} IS NOT NULL"  # noqa: S608
    return [(row, bytes(sealed)) for row, sealed in db.execute(text(query))]


def _fernet(keys: Sequence[str]) -> MultiFernet:
    """As JupyterHub makes it of its keys (jupyterhub 6.1, crypto.py)."""
    return MultiFernet([Fernet(urlsafe_b64encode(bytes.fromhex(one))) for one in keys])


def _there(db: Connection) -> Iterator[tuple[str, str, str]]:
    yield from (one for one in SEALED if _has(db, one[0]))


def _has(db: Connection, table: str) -> bool:
    return inspect(db).has_table(table)


def renew(path: Path) -> None:
    """Make a secret anew; the one there was is the newest of the older ones."""
    # In this order: interrupted, the one in use is among the older ones too, and nothing is lost.
    write_secret(older(path), "\n".join(read_all(path)))
    write_secret(path, secrets.token_hex(32))


def renew_proxy_token(path: Path, takes: Callable[[str], bool]) -> None:
    """Make the proxy's token anew; one that reads it only when it starts keeps the old one."""
    before, anew = read_secret(path), secrets.token_hex(32)
    write_secret(path, anew)
    if not takes(anew):
        write_secret(path, before)
        raise RotationError(
            "the proxy does not take a new token while it runs: it is away or older than this hub; "
            "`./dev invoke up` starts the one of this checkout, which ends connections"
        )


def proxy_takes(token: str) -> bool:
    """Whether the proxy's API takes the token."""
    try:
        return ask("GET", PROXY_ROUTES, token).ok
    except requests.RequestException:
        return False


def command(places: Places, arguments: Sequence[str]) -> int:
    """`secrets rotate NAME [--drop]`: make one anew, or forget its older ones."""
    parser = argparse.ArgumentParser(prog="hub_config secrets")
    parser.add_argument("verb", choices=["rotate"])
    parser.add_argument("name", choices=[COOKIE, CRYPT, PROXY, METRICS, GRAFANA])
    parser.add_argument("--drop", action="store_true", help="forget the older ones")
    given = parser.parse_args(arguments)
    try:
        match given.name, given.drop:
            case "crypt-key", True:
                print(drop_older_key(places))
            case "crypt-key", False:
                renew(places.crypt_key)
            case "cookie-secret", True:
                older(places.cookie_secret).unlink(missing_ok=True)
            case "cookie-secret", False:
                renew(places.cookie_secret)
            case "proxy-token", False:
                renew_proxy_token(places.proxy_token, proxy_takes)
            case "metrics-token", False:  # Prometheus reads it at each scrape
                write_secret(places.metrics_token, secrets.token_hex(32), GROUP_MAY_READ)
            case "grafana-password", False:
                write_secret(places.grafana_password, secrets.token_urlsafe(18), GROUP_MAY_READ)
            case _:
                parser.error("--drop is for cookie-secret and crypt-key")
    except RotationError as error:
        print(error, file=sys.stderr)
        return 1
    return 0
