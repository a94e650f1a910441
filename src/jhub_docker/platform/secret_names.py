"""Which variables are secrets, by their names alone. Pure."""

import re

_SECRET = re.compile(r"(SECRET|PASSWORD|TOKEN|CREDENTIALS?|(?<!PUBLIC)_KEY)(_ID)?$", re.IGNORECASE)


def is_secret(variable: str) -> bool:
    """Whether the value of a variable may be shown to nobody; a file's name is no secret."""
    return bool(_SECRET.search(variable))
