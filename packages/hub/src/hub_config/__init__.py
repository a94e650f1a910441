"""The hub's configuration as a tested library; ../README.md has the map.

`jupyterhub_config.py` only calls it. What an operator is meant to read as an error is here, since
every room raises it.
"""

from collections.abc import Callable


class SettingsError(ValueError):
    """Settings that cannot be used; the message names each setting, its value and what is allowed.

    `python -m hub_config` turns it into exit code 2.
    """


def require(*checks: Callable[[], object]) -> None:
    """Make checks of which none needs another; raises SettingsError with all that they say."""
    wrong = []
    for check in checks:
        try:
            check()
        except SettingsError as error:
            wrong.append(str(error))
    if wrong:
        raise SettingsError("\n".join(wrong))


class DatabaseError(Exception):
    """A database that this hub must not be started with; the message says why and what to do.

    `python -m hub_config` turns it into exit code 2.
    """
