"""The authenticator on a real database: sign-up, approval, passwords, and no clues for others."""

import asyncio
from types import SimpleNamespace

import pytest
from jupyterhub import orm
from sqlalchemy.orm import Session

from hub_config.login import credentials
from hub_config.login.accounts import Account, AccountError, State, UnknownAccountError
from hub_config.login.authenticator import ApprovalAuthenticator
from hub_config.login.door import FinishedLogin
from hub_config.login.throttling import RefusedError, Source

from .conftest import GOOD, Make, form

HERE = Source("10.0.0.1")


def sign_up(authenticator: ApprovalAuthenticator, name: str, password: str = GOOD) -> Account:
    return asyncio.run(authenticator.sign_up(form(name, password)))


def enter(authenticator: ApprovalAuthenticator, name: str, password: str = GOOD) -> Account:
    return asyncio.run(authenticator.door.check_password(name, password, HERE))


def refusal(authenticator: ApprovalAuthenticator, name: str, password: str) -> str:
    with pytest.raises(RefusedError) as caught:
        enter(authenticator, name, password)
    return f"{int(caught.value.status)} {caught.value}"


def test_sign_up_then_approval_then_login(authenticator: ApprovalAuthenticator) -> None:
    assert sign_up(authenticator, "alice").state is State.WAITING
    assert authenticator.accounts.waiting() == 1
    assert "not been authorized" in refusal(authenticator, "alice", GOOD)
    authenticator.approve("alice")
    assert enter(authenticator, "alice").state is State.ACTIVE
    authenticator.accounts.set_disabled("alice", True)
    assert "disabled" in refusal(authenticator, "alice", GOOD)
    authenticator.accounts.set_disabled("alice", False)
    assert enter(authenticator, "alice").name == "alice"


def test_a_wrong_password_tells_nothing(authenticator: ApprovalAuthenticator) -> None:
    sign_up(authenticator, "alice")
    wrong = refusal(authenticator, "alice", "wrong")
    assert wrong == refusal(authenticator, "nobody", "wrong") == "403 Invalid username or password"
    for _ in range(3):
        late = refusal(authenticator, "alice", "wrong"), refusal(authenticator, "nobody", "wrong")
    assert late[0] == late[1]
    assert late[0].startswith("429")


def test_unknown_people_cost_the_same_work(
    authenticator: ApprovalAuthenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = []
    real = credentials.bcrypt.checkpw
    monkeypatch.setattr(credentials.bcrypt, "checkpw", lambda *a: (checks.append(a), real(*a))[1])
    refusal(authenticator, "nobody", GOOD)
    assert len(checks) == 1


def test_no_form_can_authenticate(authenticator: ApprovalAuthenticator) -> None:
    sign_up(authenticator, "alice")
    authenticator.approve("alice")

    def result(data: object) -> object:
        return asyncio.run(authenticator.authenticate(None, data))

    assert result({"username": "alice", "password": GOOD}) is None
    assert result({"username": "alice", "finished": "alice"}) is None
    assert result({"finished": FinishedLogin("alice")}) == "alice"
    authenticator.accounts.set_disabled("alice", True)
    assert result({"finished": FinishedLogin("alice")}) is None


@pytest.mark.parametrize("name", ["we?ird", "a%2fb", "a" * 200, "", "a b", "Alice", "root"])
def test_names_that_make_trouble_are_refused(
    authenticator: ApprovalAuthenticator, name: str
) -> None:
    with pytest.raises(AccountError):
        sign_up(authenticator, name)


def test_the_operators_own_rule_for_names_holds_too(make: Make) -> None:
    strict = make(username_pattern="^x.*$", admin_users=set())
    with pytest.raises(AccountError, match=r"match \^x"):
        sign_up(strict, "alice")


def test_a_name_is_taken_once(authenticator: ApprovalAuthenticator) -> None:
    async def both() -> list[object]:
        attempts = (authenticator.sign_up(form("alice")) for _ in range(2))
        return list(await asyncio.gather(*attempts, return_exceptions=True))

    results = asyncio.run(both())
    assert sum(isinstance(result, AccountError) for result in results) == 1


def test_open_sign_up_needs_no_approval(make: Make) -> None:
    assert sign_up(make(signup="open"), "alice").state is State.ACTIVE


def test_a_reset_password_opens_one_page_only(authenticator: ApprovalAuthenticator) -> None:
    sign_up(authenticator, "alice")
    authenticator.approve("alice")
    once = asyncio.run(authenticator.passwords.reset("alice"))
    refusal(authenticator, "alice", GOOD)
    account = enter(authenticator, "alice", once)
    assert authenticator.demands(account).new_password
    with pytest.raises(AccountError, match="other than the one"):
        asyncio.run(authenticator.passwords.set("alice", once))
    asyncio.run(authenticator.passwords.set("alice", GOOD))
    assert not authenticator.demands(enter(authenticator, "alice")).new_password


def test_users_an_admin_made_get_a_password_from_an_admin(
    authenticator: ApprovalAuthenticator, db: Session
) -> None:
    db.add(orm.User(name="made"))
    db.commit()
    with pytest.raises(AccountError, match="already in use"):
        sign_up(authenticator, "made")
    once = asyncio.run(authenticator.passwords.reset("made"))
    assert enter(authenticator, "made", once).must_change


def test_a_deleted_user_leaves_nothing(authenticator: ApprovalAuthenticator, db: Session) -> None:
    sign_up(authenticator, "alice")
    key = authenticator.accounts.get("alice").key
    authenticator.second_factors.begin(key)
    asyncio.run(authenticator.delete_user(SimpleNamespace(name="alice", spawners={})))
    assert authenticator.accounts.find("alice") is None
    assert authenticator.second_factors.begun(key, "alice") is None
    assert sign_up(authenticator, "alice").state is State.WAITING


def test_only_accounts_that_wait_are_discarded(authenticator: ApprovalAuthenticator) -> None:
    sign_up(authenticator, "alice")
    authenticator.approve("alice")
    with pytest.raises(AccountError, match="not approved"):
        authenticator.discard("alice")
    for act in (authenticator.approve, authenticator.discard):
        with pytest.raises(UnknownAccountError):
            act("nosuch")


def test_switching_the_second_factor_off_locks_nobody_out(make: Make) -> None:
    authenticator = make()
    account = sign_up(authenticator, "alice")
    authenticator.second_factors.store(account.key, "A" * 32, confirmed=True)
    assert authenticator.demands(account).code
    assert not make(second_factor="off").demands(account).code
    assert make(second_factor="admins").demands(account).code


def test_who_is_required_to_enrols_at_the_next_login(make: Make) -> None:
    alice = sign_up(make(), "alice")
    admin = make().accounts.get("admin")
    assert not make().demands(admin).enrolment
    assert make(second_factor="admins").demands(admin).enrolment
    assert not make(second_factor="admins").demands(alice).enrolment
    assert make(second_factor="everyone").demands(alice).enrolment


def test_who_wished_for_it_enrols_at_the_first_login(authenticator: ApprovalAuthenticator) -> None:
    account = asyncio.run(authenticator.sign_up(form("alice", wants_second_factor=True)))
    assert authenticator.demands(account).enrolment


def test_an_admin_who_lacks_a_required_second_factor_has_to_log_in_anew(
    make: Make, db: Session
) -> None:
    authenticator = make(second_factor="admins")
    sign_up(authenticator, "alice")
    authenticator.approve("alice")
    user = orm.User(name="alice")
    db.add(user)
    db.commit()
    assert asyncio.run(authenticator.refresh_user(user))
    user.admin = True
    db.commit()
    assert not asyncio.run(authenticator.refresh_user(user))
    key = authenticator.accounts.get("alice").key
    authenticator.second_factors.store(key, "A" * 32, confirmed=True)
    assert asyncio.run(authenticator.refresh_user(user))


@pytest.mark.parametrize("step", ["matches", "make_hash"])
def test_a_log_in_under_way_ends_with_a_reset(
    authenticator: ApprovalAuthenticator, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Or it would lead to the page where a password is chosen, or bring the old one back."""
    sign_up(authenticator, "alice")
    authenticator.approve("alice")
    monkeypatch.setattr(credentials, "outdated", lambda _: step == "make_hash")
    real, given = getattr(credentials, step), []

    async def overtaken(*about: object) -> object:
        answer = await real(*about)
        if not given:
            given.append("")
            given.append(await authenticator.passwords.reset("alice"))
        return answer

    monkeypatch.setattr(credentials, step, overtaken)
    assert refusal(authenticator, "alice", GOOD).startswith("403")
    assert enter(authenticator, "alice", given[1]).must_change


def test_a_change_of_password_under_way_does_not_undo_a_reset(
    authenticator: ApprovalAuthenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_up(authenticator, "alice")
    authenticator.approve("alice")
    real, given = credentials.make_hash, []

    async def overtaken(password: str) -> bytes:
        if not given:
            given.append("")
            given.append(await authenticator.passwords.reset("alice"))
        return await real(password)

    monkeypatch.setattr(credentials, "make_hash", overtaken)
    with pytest.raises(AccountError, match="meanwhile"):
        asyncio.run(authenticator.passwords.set("alice", "battery staple 7"))
    assert enter(authenticator, "alice", given[1]).must_change
