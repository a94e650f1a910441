"""The first admin: made at first start with a random password that works until it is changed.

Nobody can claim the account by signing up, since it exists before anybody can. The password is in
a file only the hub's user can read; the file is there exactly as long as the password is in use.
"""

import secrets
from pathlib import Path

from nativeauthenticator.orm import UserInfo
from sqlalchemy.orm import Session

from hub_config.first_start import read_secret, write_secret
from hub_config.login.passwords import hash_now


def seed(db: Session, name: str, password_file: Path) -> bool:
    """Make the account `name` unless it exists; return whether it was made.

    The file is written first: if the hub dies in between, the next start makes both anew.
    """
    if UserInfo.find(db, name) is not None:
        return False
    password = secrets.token_urlsafe(12)
    write_secret(password_file, password)
    db.add(UserInfo(username=name, password=hash_now(password), is_authorized=True))
    db.commit()
    return True


def one_time_password(password_file: Path) -> str | None:
    """The one-time password, None once it was changed."""
    try:
        return read_secret(password_file)
    except FileNotFoundError:
        return None


def forget(password_file: Path) -> None:
    """The password was changed: the one in the file opens nothing any more."""
    password_file.unlink(missing_ok=True)
