"""The platform's accounts on a real database in memory, with a clock one can move."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyterhub.crypto import CryptKeeper
from sqlalchemy.orm import Session

from hub_config.login import credentials
from hub_config.login.authenticator import ApprovalAuthenticator
from hub_config.login.newcomers import SignUp
from hub_config.settings import Settings

GOOD = "correct horse 9"


def form(name: str, password: str = GOOD, address: str = "10.0.0.1", **more: Any) -> SignUp:
    """The form Sign up, filled in."""
    return SignUp(name, password, password, address, **more)


class Clock:
    """Seconds since the epoch, as the test wants them."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def quick_bcrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "ROUNDS", 4)


@pytest.fixture(autouse=True)
def crypt_key() -> Iterator[None]:
    CryptKeeper.clear_instance()
    CryptKeeper.instance(keys=[b"k" * 32])
    yield
    CryptKeeper.clear_instance()


@pytest.fixture
def clock() -> Clock:
    return Clock()


SET = ("admin_user", "signup", "signup_contact", "signups_per_address", "second_factor")
"""What the authenticator knows of the operator's settings."""

Make = Callable[..., ApprovalAuthenticator]


@pytest.fixture
def make(db: Session, tmp_path: Path) -> Make:
    """Makes the authenticator as a start of the hub does, on the same database each time."""

    def make(**given: Any) -> ApprovalAuthenticator:
        set_ = {name: given.pop(name) for name in SET if name in given}
        return ApprovalAuthenticator(
            operator=Settings(**set_),
            **{
                "_deprecated_db_session": db,
                "admin_users": {"admin"},
                "one_time_password_file": str(tmp_path / "admin_password"),
                "minimum_password_length": 10,
                "username_pattern": Settings().username_pattern,
                "allow_all": True,
                "allowed_failed_logins": 3,
                "seconds_before_next_try": 300,
                **given,
            },
        )

    return make


@pytest.fixture
def authenticator(make: Make) -> ApprovalAuthenticator:
    return make()
