"""The hub's configuration as a tested library; ../README.md has the map.

`jupyterhub_config.py` only calls it. What an operator is meant to read as an error is here, since
every room raises it.
"""


class SettingsError(ValueError):
    """Settings that cannot be used; the message names each setting, its value and what is allowed.

    `python -m hub_config` turns it into exit code 2.
    """


class DatabaseError(Exception):
    """A database that this hub must not be started with; the message says why and what to do.

    `python -m hub_config` turns it into exit code 2.
    """
