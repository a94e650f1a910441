"""The second factor at rest and in use: sealed, each code once, recovery codes."""

import pyotp
import pytest
from nativeauthenticator.orm import UserInfo
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub_config.login import credentials
from hub_config.login.accounts import Account, Accounts
from hub_config.login.second_factor import (
    USED_KEPT,
    Policy,
    RecoveryCodeRow,
    SecondFactorRow,
    SecondFactors,
    UsedCodeRow,
    _Codes,
    counter_of,
    qr_code,
    recovery_codes_left,
    renew_recovery_codes,
    use_recovery_code,
)

from .conftest import Clock, Make


@pytest.fixture
def factors(db: Session, clock: Clock) -> SecondFactors:
    return SecondFactors(db, "our hub", clock)


def begin(factors: SecondFactors) -> pyotp.TOTP:
    """Alice's app, which has read the QR code."""
    factors.begin("alice")
    uri = factors.begun("alice", "Alice")
    assert uri
    return pyotp.TOTP(pyotp.parse_uri(uri).secret)


@pytest.fixture
def app(factors: SecondFactors, clock: Clock) -> pyotp.TOTP:
    """Alice's app, confirmed one step ago."""
    app = begin(factors)
    assert factors.confirm("alice", app.at(int(clock.now)))
    clock.now += 60
    return app


@pytest.mark.parametrize(("drift", "taken"), [(-60, False), (-30, True), (30, True), (60, False)])
def test_one_step_of_drift_is_allowed(drift: int, taken: bool, clock: Clock) -> None:
    secret = pyotp.random_base32()
    code = pyotp.TOTP(secret).at(int(clock.now) + drift)
    assert (counter_of(secret, code, clock.now, 0) is not None) is taken


@pytest.mark.parametrize("code", ["", "abc", "²²²²²²", "12345", "-12345", "1234567"])
def test_what_is_no_code_is_refused(code: str, clock: Clock) -> None:
    assert counter_of(pyotp.random_base32(), code, clock.now, 0) is None


def test_nothing_counts_before_the_first_right_code(factors: SecondFactors) -> None:
    factors.begin("alice")
    assert factors.confirm("alice", "000000") is None
    assert not factors.active("alice")


def test_a_code_works_once_and_older_ones_do_not_come_back(
    factors: SecondFactors, app: pyotp.TOTP, clock: Clock
) -> None:
    code, before = app.at(int(clock.now)), app.at(int(clock.now) - 30)
    assert factors.check("alice", code)
    assert not factors.check("alice", code)
    assert not factors.check("alice", before)
    clock.now += 30
    assert factors.check("alice", app.at(int(clock.now)))


def test_a_clock_set_back_locks_nobody_out_and_gives_no_code_twice(
    factors: SecondFactors, app: pyotp.TOTP, clock: Clock
) -> None:
    earlier, later = clock.now, clock.now + 36_000
    assert factors.check("alice", app.at(int(earlier)))
    clock.now = later
    assert factors.check("alice", app.at(int(later)))
    clock.now = earlier
    assert not factors.check("alice", app.at(int(earlier))), "it was used before"
    clock.now += 30
    code = app.at(int(clock.now))
    assert factors.check("alice", code)
    assert not factors.check("alice", code)
    assert not factors.check("alice", app.at(int(clock.now) - 30))
    clock.now = later
    assert not factors.check("alice", app.at(int(later))), "the clock came to it again"
    clock.now += 30
    assert factors.check("alice", app.at(int(clock.now)))


def test_used_codes_are_forgotten_after_a_while(
    factors: SecondFactors, app: pyotp.TOTP, db: Session, clock: Clock
) -> None:
    clock.now += USED_KEPT * 30 + 60
    assert factors.check("alice", app.at(int(clock.now)))
    assert len(list(db.scalars(select(UsedCodeRow)))) == 1


def test_the_code_that_confirmed_does_not_log_in(factors: SecondFactors, clock: Clock) -> None:
    app = begin(factors)
    code = app.at(int(clock.now))
    assert factors.confirm("alice", code)
    assert not factors.check("alice", code)


def test_recovery_codes_work_once_and_for_their_owner(factors: SecondFactors, db: Session) -> None:
    first, second, *rest = renew_recovery_codes(db, "alice")
    assert len(rest) == 8
    assert not use_recovery_code(db, "bob", first)
    assert use_recovery_code(db, "alice", first.upper().replace("-", " "))
    assert not use_recovery_code(db, "alice", first)
    assert recovery_codes_left(db, "alice") == 9
    renew_recovery_codes(db, "alice")
    assert not use_recovery_code(db, "alice", second)


def test_nothing_is_stored_in_the_clear(
    factors: SecondFactors, app: pyotp.TOTP, db: Session
) -> None:
    codes = renew_recovery_codes(db, "alice")
    row = db.get(SecondFactorRow, "alice")
    assert row
    stored = row.sealed.decode() + "".join(db.scalars(select(RecoveryCodeRow.digest)))
    assert app.secret not in stored
    assert not any(code in stored or code.replace("-", "") in stored for code in codes)
    assert credentials.unseal(row.sealed) == {"name": "alice", "secret": app.secret}


def test_a_row_copied_to_another_name_opens_nothing(
    factors: SecondFactors, app: pyotp.TOTP, db: Session, clock: Clock
) -> None:
    row = db.get(SecondFactorRow, "alice")
    assert row
    db.merge(SecondFactorRow(account="bob", sealed=row.sealed, confirmed=True, last_counter=0))
    assert not factors.check("bob", app.at(int(clock.now)))


def test_one_that_works_is_not_replaced_by_beginning_anew(
    factors: SecondFactors, app: pyotp.TOTP
) -> None:
    with pytest.raises(ValueError, match="already"):
        factors.begin("alice")


def test_secrets_that_were_in_the_clear_are_taken_over(
    make: Make, db: Session, clock: Clock
) -> None:
    secret = pyotp.random_base32()[:16]
    db.add(UserInfo(username="old", password=b"x", has_2fa=True, otp_secret=secret))
    db.add(UserInfo(username="none", password=b"x"))
    db.commit()
    factors = make().second_factors
    assert factors.owners() == {"old"}
    assert not list(db.scalars(select(UserInfo.otp_secret).where(UserInfo.otp_secret.is_not(None))))
    later = SecondFactors(db, "our hub", clock)
    counter = int(clock.now) // 30
    assert later.check("old", _Codes(secret).at(counter))


def test_new_accounts_have_no_secret_in_the_clear(db: Session) -> None:
    Accounts(db).add(Account("alice", b"hash"))
    assert db.scalars(select(UserInfo.otp_secret)).one() is None


@pytest.mark.parametrize(
    ("policy", "admins", "others"),
    [
        ("off", False, False),
        ("optional", False, False),
        ("admins", True, False),
        ("everyone", True, True),
    ],
)
def test_who_cannot_do_without(policy: str, admins: bool, others: bool) -> None:
    assert Policy(policy).requires(admin=True) is admins
    assert Policy(policy).requires(admin=False) is others


def test_the_qr_code_is_an_svg_element() -> None:
    svg = qr_code("otpauth://totp/our%20hub:alice?secret=ABC&issuer=our%20hub")
    assert svg.startswith("<svg")
    assert "<title>QR code</title>" in svg
