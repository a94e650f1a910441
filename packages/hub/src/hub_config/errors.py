"""The one error of this package that a person is meant to read: a wrong setting."""


class SettingsError(ValueError):
    """Settings that cannot be used; the message names each setting, its value and what is allowed.

    `python -m hub_config` turns it into exit code 2.
    """
