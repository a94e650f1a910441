"""Codes on paper for the day the authenticator app is lost: ten, shown once, each works once.

Only keyed digests are stored. A code has 59 random bits, so that nothing slower is needed.
"""

import secrets

from sqlalchemy import String, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from hub_config.login import vault
from hub_config.store import Base

COUNT = 10
_LENGTH, _GROUP = 12, 4
_SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"
"""No i, l, o, 0 and 1, which are mistaken for one another."""


class RecoveryCodeRow(Base):
    """One unused code."""

    __tablename__ = "platform_recovery_codes"
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(255), index=True)


def renew(db: Session, name: str) -> list[str]:
    """Make new codes in place of the old ones; this is the only time they can be read."""
    forget(db, name)
    codes = [_code() for _ in range(COUNT)]
    db.add_all(RecoveryCodeRow(digest=_digests(name, code)[0], name=name) for code in codes)
    db.commit()
    return codes


def use(db: Session, name: str, code: str) -> bool:
    """Whether `code` is an unused one of this person; it is used up by that."""
    query = (
        delete(RecoveryCodeRow)
        .where(RecoveryCodeRow.digest.in_(_digests(name, code)), RecoveryCodeRow.name == name)
        .returning(RecoveryCodeRow.digest)
    )
    used = db.scalar(query) is not None
    db.commit()
    return used


def left(db: Session, name: str) -> int:
    """How many unused codes somebody has."""
    query = select(func.count()).select_from(RecoveryCodeRow).where(RecoveryCodeRow.name == name)
    return db.scalar(query) or 0


def forget(db: Session, name: str) -> None:
    """No code works any more. The caller commits."""
    db.execute(delete(RecoveryCodeRow).where(RecoveryCodeRow.name == name))


def _code() -> str:
    signs = "".join(secrets.choice(_SIGNS) for _ in range(_LENGTH))
    return "-".join(signs[start : start + _GROUP] for start in range(0, _LENGTH, _GROUP))


def _digests(name: str, code: str) -> list[str]:
    bare = "".join(sign for sign in code.lower() if sign.isalnum())
    return vault.digests("recovery code", name, bare)
