"""The authenticator on a real database: sign-up, approval, the first admin, no clues for others."""

import asyncio
from pathlib import Path

import pytest
from jupyterhub import orm
from nativeauthenticator.orm import UserInfo
from tornado import web

from hub_config.first_start import read_secret
from hub_config.login import passwords
from hub_config.login.authenticator import ApprovalAuthenticator, SignUpError
from hub_config.settings import Settings

GOOD = "correct horse 9"


@pytest.fixture(autouse=True)
def quick_bcrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    salt = passwords.bcrypt.gensalt
    monkeypatch.setattr(passwords.bcrypt, "gensalt", lambda: salt(rounds=4))


@pytest.fixture
def authenticator(tmp_path: Path) -> ApprovalAuthenticator:
    session = orm.new_session_factory("sqlite:///:memory:")()
    return ApprovalAuthenticator(
        _deprecated_db_session=session,
        admin_users={"admin"},
        one_time_password_file=str(tmp_path / "admin_password"),
        minimum_password_length=10,
        check_common_password=True,
        username_pattern=Settings().username_pattern,
        allowed_failed_logins=3,
    )


def login(authenticator: ApprovalAuthenticator, name: str, password: str) -> str | None:
    data = {"username": name, "password": password}
    return asyncio.run(authenticator.authenticate(None, data))


def sign_up(authenticator: ApprovalAuthenticator, name: str, password: str = GOOD) -> UserInfo:
    return asyncio.run(authenticator.sign_up(name, password))


def test_sign_up_then_approval_then_login(authenticator: ApprovalAuthenticator) -> None:
    sign_up(authenticator, "alice")
    with pytest.raises(web.HTTPError, match="not been authorized") as caught:
        login(authenticator, "alice", GOOD)
    assert caught.value.status_code == 403
    authenticator.set_approval("alice", approved=True)
    assert login(authenticator, "Alice", GOOD) == "alice"
    authenticator.set_approval("alice", approved=False)
    with pytest.raises(web.HTTPError):
        login(authenticator, "alice", GOOD)


def test_a_wrong_password_tells_nothing_about_approval(
    authenticator: ApprovalAuthenticator,
) -> None:
    sign_up(authenticator, "alice")
    assert login(authenticator, "alice", "wrong") is None
    assert login(authenticator, "nobody", "wrong") is None


def test_unknown_people_cost_the_same_work(
    authenticator: ApprovalAuthenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = []
    real = passwords.bcrypt.checkpw
    monkeypatch.setattr(
        passwords.bcrypt, "checkpw", lambda *a: (checks.append(a), real(*a))[1], raising=True
    )
    login(authenticator, "nobody", GOOD)
    assert len(checks) == 1


def test_too_many_failures_lock_even_the_right_password_out(
    authenticator: ApprovalAuthenticator,
) -> None:
    sign_up(authenticator, "alice")
    authenticator.set_approval("alice", approved=True)
    for _ in range(3):
        assert login(authenticator, "alice", "wrong") is None
    assert login(authenticator, "alice", GOOD) is None


@pytest.mark.parametrize("name", ["we?ird", "a%2fb", "a" * 200, "", "a b", "a/b", ".a", "a\n"])
def test_names_that_make_trouble_are_refused(
    authenticator: ApprovalAuthenticator, name: str
) -> None:
    with pytest.raises(SignUpError):
        sign_up(authenticator, name)


@pytest.mark.parametrize("password", ["short", "", "password123"[:8], "x" * 73, "nul\0nul\0nul\0"])
def test_passwords_that_are_no_good_are_refused(
    authenticator: ApprovalAuthenticator, password: str
) -> None:
    with pytest.raises(SignUpError):
        sign_up(authenticator, "alice", password)


def test_a_name_is_taken_once(authenticator: ApprovalAuthenticator) -> None:
    async def both() -> list[object]:
        return list(
            await asyncio.gather(
                authenticator.sign_up("alice", GOOD),
                authenticator.sign_up("alice", GOOD),
                return_exceptions=True,
            )
        )

    results = asyncio.run(both())
    assert sum(isinstance(result, SignUpError) for result in results) == 1


def test_nobody_can_claim_the_admin_by_signing_up(authenticator: ApprovalAuthenticator) -> None:
    with pytest.raises(SignUpError, match="already in use"):
        sign_up(authenticator, "admin")
    authenticator.admin_users = {"admin", "second"}
    with pytest.raises(SignUpError, match="already in use"):
        sign_up(authenticator, "second")


def test_the_one_time_password_works_until_it_is_changed(
    authenticator: ApprovalAuthenticator,
) -> None:
    path = Path(authenticator.one_time_password_file)
    password = read_secret(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert login(authenticator, "admin", password) == "admin"
    assert authenticator.must_change_password("admin")
    with pytest.raises(web.HTTPError) as caught:
        asyncio.run(authenticator.pre_spawn_start(type("U", (), {"name": "admin"}), None))
    assert caught.value.status_code == 403
    with pytest.raises(SignUpError, match="your own"):
        asyncio.run(authenticator.set_password("admin", password))
    asyncio.run(authenticator.set_password("admin", GOOD))
    assert not path.exists()
    assert not authenticator.must_change_password("admin")
    assert login(authenticator, "admin", password) is None


def test_approving_an_unknown_name_is_a_lookup_error(
    authenticator: ApprovalAuthenticator,
) -> None:
    with pytest.raises(LookupError):
        authenticator.set_approval("nosuch", approved=True)
