"""Who signs, and who is trusted: a key pair of cosign's."""

import getpass
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from jhub_docker import process
from jhub_docker.errors import UsageError
from jhub_docker.host import programs
from jhub_docker.registry.faults import readable

KEY = "JHUB_SIGNING_KEY"
PASSWORD = "COSIGN_PASSWORD"  # noqa: S105 - the variable's name
PUBLIC = "cosign.pub"
"""The public key's file in the checkout, meant to be in git."""


@dataclass(frozen=True)
class Key:
    """What signs: an encrypted private key and its password."""

    path: Path
    password: str = field(repr=False)


def private_key(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the private key is or goes: JHUB_SIGNING_KEY, else the person's configuration folder.

    That is outside every checkout, so that it cannot get into git.
    """
    if path := environment.get(KEY):
        return Path(path).expanduser()
    home = environment.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(home).expanduser() / "jhub-docker" / "cosign.key"


def require_private(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the private key is. Raises UsageError when there is none, or others can read it."""
    path = private_key(environment)
    if not path.is_file():
        raise UsageError(
            f"there is no signing key at {path}; make one with ./dev invoke release.key, or name "
            f"one in {KEY}"
        )
    if path.stat().st_mode & 0o077:
        raise UsageError(f"others may read the signing key {path}; run chmod 600 on it")
    return path


def signing_key(environment: Mapping[str, str] = os.environ) -> Key:
    """The key to sign with, its password from COSIGN_PASSWORD or asked for on a terminal.

    Raises UsageError when there is no key, others can read it, or nobody can be asked.
    """
    path = require_private(environment)
    return Key(path, _password(environment, f"Password of {path}: "))


def trusted(root: Path, key: str = "") -> Path:
    """Whom to trust: a public key's file, by default the checkout's.

    Raises UsageError when the file is not there or is no public key.
    """
    path = Path(key) if key else root / PUBLIC
    if not path.is_file():
        raise UsageError(
            f"there is no public key {path}; commit the one that ./dev invoke release.key made, or "
            "to verify name another with --key FILE"
        )
    if "PUBLIC KEY-----" not in path.read_text(encoding="utf-8", errors="replace"):
        raise UsageError(f"{path} holds no public key; expected PEM such as cosign.pub")
    return path


def require_pair(key: Key, trust: Path) -> None:
    """Raise UsageError where the key cannot be opened, or is not the one that will be trusted.

    Otherwise that would be found by verifying, after build and tests.
    """
    ended = _cosign("public-key", "--key", str(key.path), password=key.password)
    if ended.code:
        raise UsageError(
            f"the signing key {key.path} cannot be opened: {readable(ended.err)}; is "
            f"{PASSWORD} its password?"
        )
    if ended.out.strip() != trust.read_text(encoding="utf-8").strip():
        raise UsageError(
            f"{trust} does not belong to the signing key {key.path}: nobody could verify the "
            "release; sign with the key it belongs to"
        )


def make_pair(root: Path, environment: Mapping[str, str] = os.environ) -> tuple[Path, Path]:
    """Make a key pair: the private key outside git, the public here.

    Returns both paths. Never overwrites: raises UsageError when one of them is there.
    """
    private, public = private_key(environment), root / PUBLIC
    for path in (private, public):
        if path.exists():
            raise UsageError(
                f"{path} is there already and is not overwritten: who trusts the old key could not "
                "verify anything signed with a new one. Move it away, or name another in "
                f"{KEY}"
            )
    if private.resolve().is_relative_to(root.resolve()):
        raise UsageError(f"{private} is inside the checkout, from where it could get into git")
    password = _password(environment, "Password for the new key: ", again=True)
    if not password:
        raise UsageError(
            f"the password is empty, so whoever gets the new key could use it; say one, or set it "
            f"in {PASSWORD}"
        )
    with tempfile.TemporaryDirectory() as place:
        made = Path(place) / "cosign"
        ended = _cosign("generate-key-pair", "--output-key-prefix", str(made), password=password)
        ended.require("cosign could not make a key pair")
        private.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        private.touch(mode=0o600)
        private.write_bytes(made.with_suffix(".key").read_bytes())
        public.write_bytes(made.with_suffix(".pub").read_bytes())
    return private, public


def _cosign(*words: str, password: str) -> process.Ended:
    environment = {PASSWORD: password}
    return process.run(programs.program("cosign"), *words, environment=environment, seconds=60)


def _password(environment: Mapping[str, str], question: str, *, again: bool = False) -> str:
    if PASSWORD in environment:
        return environment[PASSWORD]
    if not sys.stdin.isatty():
        raise UsageError(
            f"the signing key needs a password and there is no terminal to ask on; set {PASSWORD}"
        )
    password = getpass.getpass(question)
    if again and getpass.getpass("Once more: ") != password:
        raise UsageError("the two passwords differ")
    return password
