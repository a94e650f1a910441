"""The two kinds of foreseeable failure, each with the exit code a shell sees.

Anything else that escapes is a bug and keeps its traceback.
"""


class JhubDockerError(Exception):
    """A failure to show as one message: what was wrong, what was expected, what to do next."""

    exit_code = 1


class UsageError(JhubDockerError):
    """The caller asked for something that cannot be: a wrong argument, file or setting."""

    exit_code = 2


class ActionError(JhubDockerError):
    """The request was right and carrying it out failed."""

    exit_code = 1
