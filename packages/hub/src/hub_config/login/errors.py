"""Why something about an account is refused; the message is for the person who asked."""


class AccountError(ValueError):
    """A name, password or code that cannot be taken, or a change that makes no sense."""


class UnknownAccountError(LookupError):
    """There is no account of that name."""


class BusyError(Exception):
    """More passwords are being checked than can be kept waiting."""
