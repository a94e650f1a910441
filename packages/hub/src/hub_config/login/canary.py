"""Somebody made up, who tries a new hub out for its operator, and of whom nothing is left.

`invoke upgrade` begins with one, logs in and starts a server through the proxy as people do, and
ends with it: as an admin deletes a person, and the home at once. The account says what it is, so
that nobody's else is ever taken for it.

Where accounts are another service's, that one knows no canary: the hub's own cookie of somebody who
has logged in stands for the log-in, and all that follows is as it is for people.
"""

import json
import sys
from collections.abc import Sequence

import pyotp
import requests
from jupyterhub import orm, roles
from jupyterhub.objects import Hub
from sqlalchemy import delete
from sqlalchemy.orm import Session
from tornado.web import create_signed_value

from hub_config.apis import ask
from hub_config.first_start import Places, read_all
from hub_config.lifetimes.homes import HomeRow
from hub_config.login import credentials
from hub_config.login.accounts import Account, Accounts, State
from hub_config.login.newcomers import NOT_STARTED, open_database, open_records
from hub_config.login.second_factor import Policy, SecondFactors, renew_recovery_codes
from hub_config.rotation import cookie_keys
from hub_config.runtime.plan import HUB_PORT
from hub_config.settings import Settings

SERVICE = "canary"
"""The service of JupyterHub that may delete people; it has a token while a canary is removed."""

MARK = "Canary of an upgrade"
"""The full name of a canary's account."""

COOKIE = f"{SERVICE}-"
"""How the cookie's id of a canary without an account begins: nobody's else does."""

SECONDS = 300


def command(settings: Settings, places: Places, arguments: Sequence[str]) -> int:
    """`begin NAME` prints as JSON how one gets in; `end NAME`.

    Returns the exit code. `end` of a canary that is not there is done at once.
    """
    match list(arguments):
        case ["begin" | "end" as what, name]:
            own = settings.authenticator == "native"
            if (db := open_database(settings, places) if own else open_records(places)) is None:
                print("The hub has not started yet.", file=sys.stderr)
                return NOT_STARTED
            if is_somebody(db, name):
                print(f"There is a person called {name}, who is no canary.", file=sys.stderr)
                return 2
            if what == "begin":
                way_in = begin(db, settings, name) if own else known(db, places, name)
                print(json.dumps(way_in))
                return 0
            return end(db, settings, name)
        case _:
            print("canary begin NAME, or canary end NAME", file=sys.stderr)
            return 2


def is_somebody(db: Session, name: str) -> bool:
    """Whether a person is called so."""
    if account := Accounts(db).find(name):
        return account.full_name != MARK
    user = orm.User.find(db, name)
    return user is not None and not is_known(user)


def is_known(user: orm.User) -> bool:
    """Whether it is a canary without an account."""
    return str(user.cookie_id).startswith(COOKIE)


def begin(db: Session, settings: Settings, name: str) -> dict[str, str]:
    """Make the account; its password, and a code that opens it where everybody needs one."""
    accounts, password = Accounts(db), credentials.one_time()
    hashed = credentials.hash_now(password)
    accounts.add(Account(name, hashed, State.ACTIVE, full_name=MARK))
    if not Policy(settings.second_factor).requires(admin=False):
        return {"password": password, "code": ""}
    key = accounts.get(name).key
    SecondFactors(db, settings.platform).store(key, pyotp.random_base32(), confirmed=True)
    return {"password": password, "code": renew_recovery_codes(db, key)[0]}


def known(db: Session, places: Places, name: str) -> dict[str, str]:
    """Make the user, as one that the service let in; name and value of the cookie of a log-in."""
    user = orm.User(name=name, cookie_id=f"{COOKIE}{orm.new_token()}")
    db.add(user)
    roles.assign_default_roles(db, entity=user)
    db.commit()
    keys = cookie_keys(read_all(places.cookie_secret))
    signed = create_signed_value(
        keys["cookie_secret"], Hub.cookie_name, user.cookie_id, key_version=keys["key_version"]
    )
    return {"cookie": Hub.cookie_name, "value": signed.decode()}


def end(db: Session, settings: Settings, name: str) -> int:
    """Remove server, user, account and the record of the home; its volume is the caller's."""
    if orm.User.find(db, name) is not None and (wrong := _delete_user(db, settings, name)):
        print(f"The hub does not delete {name}: {wrong}", file=sys.stderr)
        return 1
    db.expire_all()
    accounts = Accounts(db)
    if account := accounts.find(name):  # who never logged in is no user
        SecondFactors(db, settings.platform).remove(account.key)
        accounts.remove(name)
    db.execute(delete(HomeRow).where(HomeRow.named_after == name, HomeRow.person == name))
    db.commit()
    return 0


def _delete_user(db: Session, settings: Settings, name: str) -> str:
    """Have the hub that runs delete a user; what went wrong, empty for nothing."""
    service = orm.Service.find(db, SERVICE)
    if service is None:
        return f"it has no service {SERVICE}"
    token = service.new_api_token(note=MARK, expires_in=SECONDS)
    url = f"http://127.0.0.1:{HUB_PORT}{settings.base_url}hub/api/users/{name}"
    try:
        ask("DELETE", url, token, SECONDS)
        return ""
    except requests.RequestException as error:
        told = error.response.text[:200] if error.response is not None else ""
        return f"{error} {told}".strip()
    finally:
        if found := orm.APIToken.find(db, token):
            db.delete(found)
            db.commit()
