"""An operator's way in when the only admin lost password or second factor.

Whoever can run a program in the hub's container can read its database anyway. A running hub sees
the change with the next request: cookies and tokens are looked up in the database each time.
"""

import sys

from jupyterhub import orm
from jupyterhub.crypto import CryptKeeper

from hub_config import store
from hub_config.first_start import Places, read_secret, write_secret
from hub_config.login import first_admin, hashing, sessions
from hub_config.login.accounts import Accounts
from hub_config.login.failed_logins import FailedLogins, Limits
from hub_config.login.second_factor import SecondFactors
from hub_config.settings import Settings

NOT_STARTED = 4


def reset_admin(settings: Settings, places: Places) -> int:
    """Print the new one-time password; returns the exit code."""
    if not (places.data / "jupyterhub.sqlite").exists():
        print("The hub has not started yet, so there is no admin.", file=sys.stderr)
        return NOT_STARTED
    CryptKeeper.instance(keys=[bytes.fromhex(read_secret(places.crypt_key))])
    db = orm.new_session_factory(places.database)()
    store.prepare(db)
    name, password = settings.admin_user, first_admin.random_password()
    accounts = Accounts(db)
    if accounts.find(name) is None:
        print(
            f"There is no account {name}; the hub makes it when it starts (JHUB_ADMIN_USER).",
            file=sys.stderr,
        )
        return NOT_STARTED
    write_secret(places.admin_password, password)
    accounts.set_password(name, hashing.hash_now(password), must_change=True)
    accounts.set_disabled(name, False)
    SecondFactors(db, settings.platform).remove(name)
    FailedLogins(db, Limits(1, 1)).forget(name)
    if (user := orm.User.find(db, name)) is not None:
        sessions.revoke(db, user)
    print(password)
    return 0
