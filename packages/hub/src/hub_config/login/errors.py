"""Why something about an account is refused; the message is for the person who asked."""

from http import HTTPStatus


class AccountError(ValueError):
    """A name, password or code that cannot be taken, or a change that makes no sense."""


class RefusedError(AccountError):
    """Refused for now; `status` is the HTTP status, `wait` the seconds until the next try."""

    def __init__(self, message: str, status: HTTPStatus, wait: float = 0.0) -> None:
        super().__init__(message)
        self.status, self.wait = status, wait


class UnknownAccountError(LookupError):
    """There is no account of that name."""


class BusyError(Exception):
    """More passwords are being checked than can be kept waiting."""
