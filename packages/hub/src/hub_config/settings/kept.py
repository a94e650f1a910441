"""Settings that are secrets, as files: what a variable says, every `docker inspect` shows.

`JHUB_X_FILE` names a file in the hub's container, such as one of Compose's secrets; without it a
file called JHUB_X in the data volume's `secrets/settings` counts, which `python -m hub_config
setting` keeps.
"""

import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from hub_config import SettingsError
from hub_config.first_start import write_secret

SUFFIX = "_FILE"


def given(secret: Collection[str], environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The values of those `secret` variables that are given as files; the variable itself wins.

    Raises SettingsError for a file that is named and cannot be read, never with what is in one.
    """
    found = {}
    for name in secret:
        named = environ.get(name + SUFFIX, "")
        if environ.get(name) and named:
            raise SettingsError(f"{name} and {name}{SUFFIX} are both set: keep the file alone")
        path = Path(named or folder / name)
        if environ.get(name) or not (named or path.exists()):
            continue
        try:
            found[name] = path.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise SettingsError(f"{name}{SUFFIX} is {str(path)!r}: cannot be read: {why}") from None
        if not found[name]:
            raise SettingsError(f"{name}{SUFFIX} is {str(path)!r}: the file is empty")
    return found


def command(secret: Collection[str], folder: Path, arguments: Sequence[str]) -> int:
    """`setting set NAME`, the value on standard input, or `setting remove NAME`; the exit code:
    0 done, 1 not there, 2 wrong usage."""
    match list(arguments):
        case ["set", name] if name in secret:
            value = sys.stdin.read().strip()
            if not value or not value.isascii():
                print(f"{name} is expected on standard input, as ASCII.", file=sys.stderr)
                return 2
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_secret(folder / name, value)
            return 0
        case ["remove", name] if name in secret:
            if not (folder / name).exists():
                print(f"{name} is not kept, so there is nothing to remove.", file=sys.stderr)
                return 1
            (folder / name).unlink()
            return 0
    print(f"setting set|remove NAME, of: {', '.join(sorted(secret))}", file=sys.stderr)
    return 2
