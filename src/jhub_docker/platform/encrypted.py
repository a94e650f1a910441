"""Settings in an encrypted file beside compose.yaml, fit for a repository: `.env.sops`.

sops opens it with the keys it finds by itself (age: `SOPS_AGE_KEY_FILE`). What it says goes to
Compose by environment, and is written nowhere.
"""

import functools
import json
import os
from pathlib import Path

from jhub_docker import process
from jhub_docker.errors import UsageError
from jhub_docker.process import MissingProgramError

FILE = ".env.sops"


@functools.cache
def variables(root: Path) -> dict[str, str]:
    """What the file sets and the environment does not; empty where there is no such file."""
    if not (file := root / FILE).is_file():
        return {}
    types = ("--input-type", "dotenv", "--output-type", "json")
    try:
        ended = process.run("sops", "--decrypt", *types, str(file))
    except MissingProgramError:
        raise UsageError(
            f"{file} is encrypted and the program sops is not on PATH: install it, or decrypt the "
            "file into .env"
        ) from None
    if ended.code:
        raise UsageError(f"sops cannot open {file}: {ended.tail(4)}")
    return {
        name: str(value) for name, value in json.loads(ended.out).items() if name not in os.environ
    }
