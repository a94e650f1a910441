"""What was set anew since the last start: settings, the operator's own files, groups' secrets.

Of what is no secret both values are told, of all else the name: the state between two starts holds
digests of those, made with the hub's own key.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from hub_config.first_start import Places, read_all, write_secret
from hub_config.settings import Settings
from hub_config.settings.declaration import listed

State = Mapping[str, str]


def state(settings: Settings, places: Places, key: bytes) -> dict[str, str]:
    """Everything that is set, by name; `=` before a value that may be told, `#` before a digest."""
    found = {}
    for one in listed(type(settings)):
        value = getattr(settings, one.name)
        hidden = one.secret or one.table
        plain = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        found[one.name] = _digest(key, plain.encode()) if hidden else f"={_steady(value, plain)}"
    own = [*sorted(places.config_d.glob("*.py")), *sorted(places.group_secrets.glob("*/*"))]
    for path in own:
        if path.is_file() and not path.name.startswith("."):
            name = str(path.relative_to(places.data))
            found[name] = _digest(key, path.read_bytes())
    return found


def _steady(value: object, plain: str) -> str:
    """A set has no order of its own."""
    return ", ".join(sorted(map(str, value))) if isinstance(value, frozenset) else plain


def _digest(key: bytes, value: bytes) -> str:
    return "#" + hmac.new(key, b"audit" + value, hashlib.sha256).hexdigest()


def changes(before: State, now: State) -> dict[str, str]:
    """What is different, in words; of secrets and tables only that it is."""
    told = {}
    for name in sorted({*before, *now}):
        old, new = before.get(name), now.get(name)
        if old == new:
            continue
        if new is None or old is None:
            told[name] = "removed" if new is None else "new"
        elif new[0] == "=" and old[0] == "=":
            told[name] = f"{old[1:] or '(empty)'} → {new[1:] or '(empty)'}"
        else:
            told[name] = "changed"
    return told


def at_start(settings: Settings, places: Places) -> dict[str, dict[str, str]]:
    """What was set anew since the last start, by what that is called; remembers how it is now.

    Raises OSError on a full disk.
    """
    file = places.audit / "settings.json"
    remembered = before = _read(file)
    # What was remembered before the crypt key was made anew is no other for that.
    keys = [bytes.fromhex(one) for one in read_all(places.crypt_key)]
    now, *then = [state(settings, places, key) for key in keys]
    for name, value in (before or {}).items():
        if name in now and value in (one[name] for one in then):
            before = {**(before or {}), name: now[name]}
    if remembered == now:
        return {}
    file.parent.mkdir(mode=0o700, exist_ok=True)
    write_secret(file, json.dumps(now))
    told = changes(before or now, now)
    files = {name: value for name, value in told.items() if "/" in name}
    names = {name: value for name, value in told.items() if "/" not in name}
    both = {"settings.change": names, "files.change": files}
    return {what: changed for what, changed in both.items() if changed}


def _read(file: Path) -> State | None:
    try:
        found: State = json.loads(file.read_text("ascii"))
    except (OSError, ValueError):
        return None
    return found
