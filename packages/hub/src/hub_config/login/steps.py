"""What a log-in still lacks once name and password were right. Pure.

Nobody has a session before the last step is done: that is why a one-time password opens nothing
but the page where it is changed.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

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
