"""Runs cosign (sigstore, 2.5): signatures and attestations, kept as tags beside the image.

They go to the tags `sha256-<digest>.sig` and `.att`, which every registry can keep. Registries'
credentials are those of Docker's configuration; the key's password goes through the environment.
"""

import base64
import binascii
import json
import re
from pathlib import Path
from typing import Any

from jhub_docker import process
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.host import programs
from jhub_docker.registry import faults
from jhub_docker.registry.access import Access
from jhub_docker.registry.faults import readable
from jhub_docker.registry.oras import PAUSES, again
from jhub_docker.registry.reference import Reference
from jhub_docker.release.record.keys import PASSWORD, Key

_SECONDS = 180.0

_VERDICTS = (
    "no matching attestations",
    "no matching signatures",
    "no signatures found",
    "no attestations found",
    "invalid signature",
    "crypto/rsa: verification error",
)
"""What cosign says where it could look, and what it saw is not what was to be verified."""


class RefusedError(ActionError):
    """What was to be verified is not there, or not signed by the key, or about something else."""


class Cosign:
    """The program, reaching registries as `access` says."""

    def __init__(self, access: Access, pauses: tuple[float, ...] = PAUSES) -> None:
        """`pauses` are the seconds before each further try after a fault that passes."""
        self.access = access
        self._pauses = pauses

    def sign(self, image: Reference, key: Key) -> None:
        """Sign the image's digest. A signature by the same key that is there is left."""
        self._remote(image, f"signing {image}", "sign", *_signing(key), password=key.password)

    def attest(self, image: Reference, kind: str, predicate: Path, key: Key) -> None:
        """Sign a statement about the image's digest, in place of one of the same kind."""
        self._remote(
            image, f"attesting {image}", "attest", "--replace", "--type", kind,
            "--predicate", str(predicate), *_signing(key), password=key.password,
        )  # fmt: skip

    def verify(self, image: Reference, trust: Path) -> None:
        """Raise RefusedError when there is no signature of the digest by the trusted key."""
        self._remote(image, f"verifying {image}", "verify", "--output", "json", *_trusting(trust))

    def attested(self, image: Reference, kind: str, trust: Path) -> dict[str, Any]:
        """What was signed of the digest by the trusted key. Raises RefusedError.

        cosign checks signature, kind and subject; the subject is looked at here once more.
        """
        text = self._remote(
            image, f"verifying the {kind} attestation of {image}",
            "verify-attestation", "--type", kind, *_trusting(trust),
        )  # fmt: skip
        signed = []
        for line in text.splitlines():
            try:
                envelope = json.loads(line)
                statement: dict[str, Any] = json.loads(base64.b64decode(envelope["payload"]))
            except (ValueError, KeyError, TypeError, binascii.Error):
                raise RefusedError(f"{image}: its {kind} attestation cannot be read") from None
            digests = {subject["digest"].get("sha256") for subject in statement["subject"]}
            if digests != {str(image.digest).removeprefix("sha256:")}:
                raise RefusedError(f"{image}: its {kind} attestation is about another digest")
            if statement["predicate"] not in signed:
                signed.append(statement["predicate"])
        if len(signed) != 1:
            raise RefusedError(f"{len(signed)} different ones are signed")
        found: dict[str, Any] = signed[0]
        return found

    def make_key_pair(self, prefix: Path, password: str) -> None:
        """Write `<prefix>.key`, encrypted with the password, and `<prefix>.pub`."""
        words = ["generate-key-pair", "--output-key-prefix", str(prefix)]
        ended = _run(words, {PASSWORD: password})
        if ended.code:
            raise ActionError(f"cosign could not make a key pair: {readable(ended.err)}")

    def public_key(self, key: Key) -> str:
        """A private key's public half, in PEM. Raises UsageError where the password is wrong."""
        ended = _run(["public-key", "--key", str(key.path)], {PASSWORD: key.password})
        if ended.code:
            raise UsageError(
                f"the signing key {key.path} cannot be opened: {readable(_reason(ended.err))}; is "
                f"{PASSWORD} its password?"
            )
        return ended.out.strip()

    def _remote(
        self, image: Reference, what: str, command: str, *arguments: str, password: str = ""
    ) -> str:
        """Run a command on an image, again after faults that pass."""
        flags = ["--allow-http-registry"] if self.access.is_plain(image.registry) else []
        environment = {PASSWORD: password}
        if bundle := self.access.bundle():
            environment["SSL_CERT_FILE"] = str(bundle)

        def attempt() -> str:
            ended = _run([command, *flags, *arguments, image.address], environment)
            if ended.code == 0:
                return ended.out
            if command.startswith("verify") and any(words in ended.err for words in _VERDICTS):
                raise RefusedError(readable(_reason(ended.err)))
            raise faults.error(what, image.registry, _reason(ended.err), "cosign")

        return again(self._pauses, attempt)


def _signing(key: Key) -> list[str]:
    """Nothing is sent to a transparency log."""
    return ["--yes", "--key", str(key.path), "--tlog-upload=false"]


def _trusting(trust: Path) -> list[str]:
    return ["--key", str(trust), "--insecure-ignore-tlog=true"]


def _run(arguments: list[str], environment: dict[str, str]) -> process.Ended:
    cosign = programs.program("cosign")
    return process.run(cosign, *arguments, environment=environment, seconds=_SECONDS)


def _reason(said: str) -> str:
    """cosign says its error once beside warnings, and once more at the end."""
    found = re.search("^Error: (.+)", said, re.MULTILINE)
    return found[1] if found else said
