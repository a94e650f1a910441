"""Secrets at rest: sealed with the hub's crypt key, or kept as keyed digests that tell nothing.

The key is JupyterHub's (`CryptKeeper.keys`, a file of the hub's user beside the database). Several
keys may be set to change it: the first seals, all open.
"""

import hashlib
import hmac
import json
from typing import Any

from cryptography.fernet import InvalidToken
from jupyterhub.crypto import CryptKeeper


def seal(value: dict[str, Any]) -> bytes:
    """Encrypt `value`, which JSON can hold."""
    keeper = CryptKeeper.instance()
    keeper.check_available()
    return bytes(keeper.fernet.encrypt(json.dumps(value).encode()))


def unseal(sealed: bytes) -> dict[str, Any] | None:
    """What was sealed; None when it was sealed with a key that is no longer there."""
    keeper = CryptKeeper.instance()
    keeper.check_available()
    try:
        value: dict[str, Any] = json.loads(keeper.fernet.decrypt(sealed))
    except InvalidToken:
        return None
    return value


def digest(purpose: str, *parts: str) -> str:
    """A keyed digest of `parts`, always the same; nobody without the key can try values."""
    return digests(purpose, *parts)[0]


def digests(purpose: str, *parts: str) -> list[str]:
    """The digest with the key in use, then with the older ones."""
    keeper = CryptKeeper.instance()
    keeper.check_available()
    text = "\0".join((purpose, *parts)).encode(errors="surrogatepass")
    return [hmac.new(key, text, hashlib.sha256).hexdigest() for key in keeper.keys]
