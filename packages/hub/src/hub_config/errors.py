"""The errors of this package that an operator is meant to read."""


class SettingsError(ValueError):
    """Settings that cannot be used; the message names each setting, its value and what is allowed.

    `python -m hub_config` turns it into exit code 2.
    """


class DatabaseError(Exception):
    """A database that this hub must not be started with; the message says why and what to do.

    `python -m hub_config` turns it into exit code 2.
    """
