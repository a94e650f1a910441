"""Accounts for many at once: all lines or none; and what sign-up asks people about themselves."""

import asyncio
import csv
import io
from pathlib import Path

import pytest
from jupyterhub import orm
from sqlalchemy.orm import Session

from hub_config.first_start import Places, make_secrets
from hub_config.login import credentials, newcomers
from hub_config.login.accounts import AccountError, State
from hub_config.login.authenticator import ApprovalAuthenticator
from hub_config.login.newcomers import Added, as_csv
from hub_config.login.throttling import Source
from hub_config.settings import Settings

from .conftest import Make, form

LIST = """\ufeff
ann, ann@example.org
bert\tbert@example.org

carl
dora ; dora@example.org
"""


def add(authenticator: ApprovalAuthenticator, text: str) -> list[Added]:
    return asyncio.run(authenticator.newcomers.add(text))


def test_everybody_gets_a_one_time_password(authenticator: ApprovalAuthenticator) -> None:
    made = add(authenticator, LIST)
    assert [(one.name, one.email) for one in made] == [
        ("ann", "ann@example.org"),
        ("bert", "bert@example.org"),
        ("carl", ""),
        ("dora", "dora@example.org"),
    ]
    for one in made:
        check = authenticator.door.check_password(one.name, one.password, Source("10.0.0.1"))
        account = asyncio.run(check)
        assert (account.state, account.email) == (State.ACTIVE, one.email)
        assert authenticator.demands(account).new_password


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ann\nAnn B", "Line 2, Ann B: User names are written in lower case"),
        ("ann\nbert\nann", "Line 3, ann: This user name is already in use"),
        ("ann\nroot", "Line 2, root: The user name root is reserved"),
        ("ann\nadmin", "Line 2, admin: This user name is already in use"),
        ("ann\nadm1n", "Line 2, adm1n: The user name adm1n is reserved"),
        ("ann\nmade", "Line 2, made: This user name is already in use"),
        ("ann\nbert, bert at home", "Line 2, bert, bert at home: This is no e-mail address"),
        ("ann\nbert =cmd@x.org", "Line 2, bert =cmd@x.org: This is no e-mail address"),
        ("\n \n", "The list is empty"),
        ("\n".join(f"p{n}" for n in range(501)), "501 people; at most 500"),
    ],
)
def test_a_bad_line_is_named_and_nobody_is_added(
    text: str, told: str, authenticator: ApprovalAuthenticator, db: Session
) -> None:
    db.add(orm.User(name="made"))
    db.commit()
    with pytest.raises(AccountError) as caught:
        add(authenticator, text)
    assert told in str(caught.value)
    assert authenticator.accounts.names() == {"admin"}


def test_all_bad_lines_are_named_at_once(authenticator: ApprovalAuthenticator) -> None:
    with pytest.raises(AccountError) as caught:
        add(authenticator, "root\nann\n-x\n")
    assert str(caught.value).splitlines()[0] == "Nobody was added."
    assert [line[:7] for line in str(caught.value).splitlines()[1:]] == ["Line 1,", "Line 3,"]


def test_who_signs_up_meanwhile_stops_the_whole_list(
    authenticator: ApprovalAuthenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = credentials.make_hash

    async def make_hash(password: str) -> bytes:
        monkeypatch.setattr(credentials, "make_hash", real)
        await authenticator.sign_up(form("carl"))
        return await real(password)

    monkeypatch.setattr(credentials, "make_hash", make_hash)
    with pytest.raises(AccountError, match="Line 5, carl"):
        add(authenticator, LIST)
    assert authenticator.accounts.names() == {"admin", "carl"}


def test_the_table_to_hand_out_holds_no_formula(authenticator: ApprovalAuthenticator) -> None:
    made = add(authenticator, LIST)
    header, *rows = csv.reader(io.StringIO(as_csv(made)))
    assert header == ["user name", "e-mail", "one-time password"]
    assert rows == [[one.name, one.email, one.password] for one in made]
    cells = [cell for row in rows for cell in row if cell]
    assert all(cell[0].isalnum() for cell in cells)


def test_the_operators_command(
    tmp_path: Path, make: Make, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    places = Places(data=tmp_path, proxy=tmp_path / "proxy", metrics=tmp_path)
    places.proxy.mkdir()
    make_secrets(places)
    monkeypatch.setattr("sys.stdin", io.StringIO(LIST))
    assert newcomers.add_people(Settings(), places) == 4, "there is no database yet"
    file_db = orm.new_session_factory(places.database)()
    hub = make(_deprecated_db_session=file_db, one_time_password_file=str(places.admin_password))
    capsys.readouterr()

    assert newcomers.add_people(Settings(), places) == 0
    _, *rows = csv.reader(io.StringIO(capsys.readouterr().out))
    name, _, password = rows[0]
    check = hub.door.check_password(name, password, Source("10.0.0.1"))
    assert asyncio.run(check).must_change

    monkeypatch.setattr("sys.stdin", io.StringIO("zoe\nann\n"))
    assert newcomers.add_people(Settings(), places) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Line 2, ann" in captured.err
    assert hub.accounts.find("zoe") is None


@pytest.mark.parametrize(
    ("name", "email", "told"),
    [
        ("", "ann@example.org", "your name"),
        ("A" * 201, "ann@example.org", "200 letters"),
        ("Ann\u202e", "ann@example.org", "your name"),
        ("Ann Example", "", "your e-mail"),
        ("Ann Example", "ann@example", "no e-mail address"),
        ("Ann Example", "ann@" + "a" * 128 + ".org", "no e-mail address"),
    ],
)
def test_what_is_wrong_with_a_contact_is_told(make: Make, name: str, email: str, told: str) -> None:
    with pytest.raises(AccountError, match=told):
        asyncio.run(make(signup_contact=True).sign_up(form("ann", full_name=name, email=email)))


def test_who_waits_is_seen_with_time_place_and_contact(make: Make) -> None:
    asking = make(signup_contact=True)
    told = {"full_name": "Ann Ex-Ample", "email": "ann.e+x@mail.example.org"}
    account = asyncio.run(asking.sign_up(form("ann", **told)))
    assert account.made > 0
    assert (account.address, account.full_name, account.email) == ("10.0.0.1", *told.values())
    asking.approve("ann")
    assert asking.accounts.get("ann").address == "", "where people are is forgotten"
    assert asking.accounts.get("ann").email == told["email"]


def test_what_is_not_asked_for_is_not_kept(make: Make) -> None:
    account = asyncio.run(make().sign_up(form("ann", full_name="Ann", email="ann@example.org")))
    assert (account.full_name, account.email) == ("", "")
