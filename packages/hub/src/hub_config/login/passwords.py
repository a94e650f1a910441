"""Which passwords are good enough. Pure: a password in, what is wrong with it out.

zxcvbn (Wheeler, USENIX Security 2016) estimates the guesses an attacker needs from its lists of
30,000 passwords and of words and names, seen through swapped letters, repeats and keyboard rows.
"""

from zxcvbn import zxcvbn

MAX_BYTES = 72
"""bcrypt looks at no more than this; bcrypt 5 raises for longer ones."""

ENOUGH = 2
"""zxcvbn's score: more than 10^6 guesses, beyond what throttled log-ins can be asked in years."""

_PLATFORM_WORDS = ("jupyter", "jupyterhub", "jupyterlab", "marimo", "vscode", "hub", "docker")


_TOO_LONG = (
    f"This password is too long: {MAX_BYTES} letters at most, and accented ones, other scripts and "
    "emoji count two to four times."
)


def usable(password: str) -> bool:
    """Whether bcrypt can take `password`."""
    return 0 < len(password.encode(errors="replace")) <= MAX_BYTES and "\0" not in password


def complaint(password: str, name: str, minimum_length: int) -> str:
    """What is wrong with `password` for the user `name`; empty when nothing is."""
    if len(password) < minimum_length:
        return f"A password needs at least {minimum_length} characters."
    if not usable(password):
        return _TOO_LONG if "\0" not in password else "A password cannot have the character NUL."
    if password.casefold() == name.casefold():
        return "The password must not be the user name."
    if len(name) > 2 and name.casefold() in password.casefold():
        return "The password must not contain the user name."
    found = zxcvbn(password, [name, *_PLATFORM_WORDS], max_length=MAX_BYTES)
    if found["score"] < ENOUGH:
        advice = found["feedback"]["warning"] or "A few uncommon words make a good one."
        return f"This password is too easy to guess, or one of the common ones. {advice}".strip()
    return ""
