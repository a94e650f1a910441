"""What a person can act on."""


class BackupError(Exception):
    """One sentence: what was wrong, what was expected, what to do.

    `code` is the exit code: 2 for what was asked wrongly, 1 for what failed.
    """

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


class BusyError(BackupError):
    """Another container is at work for this platform: it can be tried again later."""
