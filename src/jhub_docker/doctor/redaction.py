"""Takes out of texts what nobody may see. Pure.

What is known to be a secret goes, and what looks like one: a bundle for a bug report is read by
strangers, and a word too many that is missing costs less than one that is there.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

LEFT_OUT = "(left out)"

_SECRET = re.compile(r"(SECRET|PASSWORD|TOKEN|CREDENTIALS?|(?<!PUBLIC)_KEY)(_ID)?$", re.IGNORECASE)

_LIKE = re.compile(
    "|".join(
        (
            # Keys and tokens of the hub and of JupyterHub; an image's digest is none.
            r"(?<!sha256:)(?<![0-9a-f])[0-9a-f]{32,}(?![0-9a-f])",
            # Random words as Python's `secrets` and others' services make them.
            r"(?<![A-Za-z0-9_+-])(?=[A-Za-z0-9_+-]*[0-9])(?=[A-Za-z0-9_+-]*[A-Z])"
            r"(?=[A-Za-z0-9_+-]*[a-z])[A-Za-z0-9_+-]{24,}={0,2}",
            # One-time passwords and recovery codes (hub_config.login.credentials).
            r"(?<![\w-])(?:[a-hjkmnp-z2-9]{4}-){2,3}[a-hjkmnp-z2-9]{4}(?![\w-])",
            # A log-in in an address, what follows `token`, and keys in blocks.
            r"(?<=://)[^/\s:@\"']*:(?!\d+[/?#])[^\s\"']+(?=@)",
            r"(?<=://)[^/\s@\"']+(?=@)",
            r"(?i:(?<=token )|(?<=token=)|(?<=bearer )|(?<=password=)|(?<=basic ))[^\s&\"']+",
            r"-----BEGIN [^-]+-----[\s\S]*?-----END [^-]+-----",
        )
    )
)


def is_secret(variable: str) -> bool:
    """Whether a variable's value may be shown to nobody, by its name; a file's name is none."""
    return bool(_SECRET.search(variable))


def redacted(text: str, known: Iterable[str] = ()) -> str:
    """`text` without the `known` secrets and without what looks like one."""
    forms = {form for one in known if one for form in (one, quote(one, safe=""), quote_plus(one))}
    for one in sorted(forms, key=len, reverse=True):
        text = text.replace(one, LEFT_OUT)
    return _LIKE.sub(LEFT_OUT, text)


def without_secrets(value: Any, known: Iterable[str] = ()) -> Any:
    """The same for what JSON can hold: what has a secret's name is left out whole."""
    if isinstance(value, Mapping):
        return {
            key: LEFT_OUT if one and is_secret(str(key)) else without_secrets(one, known)
            for key, one in value.items()
        }
    if isinstance(value, list):
        return [without_secrets(one, known) for one in value]
    return redacted(value, known) if isinstance(value, str) else value


def values(variables: Iterable[tuple[str, str]]) -> set[str]:
    """The values of those variables that are secrets."""
    return {value for name, value in variables if len(value) > 3 and is_secret(name)}
