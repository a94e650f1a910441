"""Runs cosign (sigstore, 2.5): signatures and attestations, kept as tags beside the image.

They go to the tags `sha256-<digest>.sig` and `.att`, which every registry can keep. Registries'
credentials are those of Docker's configuration; the key's password goes through the environment.
"""

import base64
import json
import re
from pathlib import Path
from typing import Any

from jhub_docker import process
from jhub_docker.errors import ActionError
from jhub_docker.host import programs
from jhub_docker.registry import faults
from jhub_docker.registry.access import Access
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import PAUSES, again
from jhub_docker.release.record.keys import PASSWORD, Key

_SECONDS = 180.0


def sign(access: Access, image: Reference, key: Key) -> None:
    """Sign the image's digest. A signature by the same key that is there is left."""
    _remote(access, image, "signing", "sign", *_signing(key), password=key.password)


def attest(access: Access, image: Reference, kind: str, predicate: Path, key: Key) -> None:
    """Sign a statement about the image's digest, in place of one of the same kind."""
    words = ("attest", "--replace", "--type", kind, "--predicate", str(predicate), *_signing(key))
    _remote(access, image, "attesting", *words, password=key.password)


def verify(access: Access, image: Reference, trust: Path) -> None:
    """Raise ActionError when there is no signature of the digest by the trusted key."""
    _remote(access, image, "verifying", "verify", "--output", "json", *_trusting(trust))


def attested(access: Access, image: Reference, kind: str, trust: Path) -> dict[str, Any]:
    """What was signed of the digest by the trusted key. Raises ActionError.

    cosign checks signature, kind and subject.
    """
    words = ("verify-attestation", "--type", kind, *_trusting(trust))
    signed: list[dict[str, Any]] = []
    for line in _remote(access, image, f"verifying the {kind} attestation of", *words).splitlines():
        statement = json.loads(base64.b64decode(json.loads(line)["payload"]))
        if statement["predicate"] not in signed:
            signed.append(statement["predicate"])
    if len(signed) != 1:
        raise ActionError(f"{image}: {len(signed)} different {kind} attestations are signed")
    return signed[0]


def _remote(access: Access, image: Reference, what: str, *words: str, password: str = "") -> str:
    """Do this to an image, again after faults that pass."""
    flags = ["--allow-http-registry"] if access.is_plain(image.registry) else []
    command = [str(programs.program("cosign")), *words, *flags, image.address]
    environment = {PASSWORD: password}
    if bundle := access.bundle():
        environment["SSL_CERT_FILE"] = str(bundle)

    def attempt() -> str:
        ended = process.run(*command, environment=environment, seconds=_SECONDS)
        if ended.code == 0:
            return ended.out
        # It says its error once beside warnings, and once more at the end.
        found = re.search("^Error: (.+)", ended.err, re.MULTILINE)
        said = found[1] if found else ended.err
        raise faults.error(f"{what} {image}", image.registry, said, "cosign")

    return again(PAUSES, attempt)


def _signing(key: Key) -> list[str]:
    """Nothing is sent to a transparency log."""
    return ["--yes", "--key", str(key.path), "--tlog-upload=false"]


def _trusting(trust: Path) -> list[str]:
    return ["--key", str(trust), "--insecure-ignore-tlog=true"]
