"""Runs cosign (sigstore, 2.5): signatures and attestations, kept as tags beside the image.

They go to the tags `sha256-<digest>.sig` and `.att`, which every registry can keep. Registries'
credentials are those of Docker's configuration; the key's password goes through the environment.
"""

import base64
import binascii
import json
import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jhub_docker.errors import ActionError, UsageError
from jhub_docker.host import programs as tools
from jhub_docker.progress import say
from jhub_docker.registry import faults
from jhub_docker.registry.access import Access
from jhub_docker.registry.oras import PAUSES
from jhub_docker.registry.reference import Reference
from jhub_docker.release.record.keys import PASSWORD, Key, Trust

_SECONDS = 180.0


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

    def verify(self, image: Reference, trust: Trust) -> None:
        """Raise RefusedError when there is no signature of the digest by whom is trusted."""
        self._remote(image, f"verifying {image}", "verify", "--output", "json", *_trusting(trust))

    def attested(self, image: Reference, kind: str, trust: Trust) -> list[dict[str, Any]]:
        """The statements about the digest that whom is trusted signed. Raises RefusedError.

        cosign checks signature and subject; the subject is looked at here once more.
        """
        text = self._remote(
            image, f"verifying the {kind} attestation of {image}",
            "verify-attestation", "--type", kind, *_trusting(trust),
        )  # fmt: skip
        statements = []
        for line in text.splitlines():
            try:
                envelope = json.loads(line)
                statement: dict[str, Any] = json.loads(base64.b64decode(envelope["payload"]))
            except (ValueError, KeyError, TypeError, binascii.Error):
                raise RefusedError(f"{image}: its {kind} attestation cannot be read") from None
            digests = {subject["digest"].get("sha256") for subject in statement["subject"]}
            if digests != {str(image.digest).removeprefix("sha256:")}:
                raise RefusedError(f"{image}: its {kind} attestation is about another digest")
            statements.append(statement)
        return statements

    def make_key_pair(self, prefix: Path, password: str) -> None:
        """Write `<prefix>.key`, encrypted with the password, and `<prefix>.pub`."""
        code, _, said = _run(
            ["generate-key-pair", "--output-key-prefix", str(prefix)], {PASSWORD: password}
        )
        if code:
            raise ActionError(f"cosign could not make a key pair: {faults.readable(said)}")

    def public_key(self, key: Key) -> str:
        """The public half of a private key, in PEM. Raises UsageError where the password is wrong.

        `key` is one of a path: who signs keyless has none.
        """
        code, output, said = _run(["public-key", "--key", str(key.path)], {PASSWORD: key.password})
        if code:
            raise UsageError(
                f"the signing key {key.path} cannot be opened: {faults.readable(_reason(said))}; "
                f"is {PASSWORD} its password?"
            )
        return output.strip()

    def _remote(
        self, image: Reference, what: str, command: str, *arguments: str, password: str = ""
    ) -> str:
        """Run a command on an image, again after faults that pass."""
        flags = ["--allow-http-registry"] if self.access.is_plain(image.registry) else []
        environment = {PASSWORD: password}
        if bundle := self.access.bundle():
            environment["SSL_CERT_FILE"] = str(bundle)
        for pause in (*self._pauses, None):
            call = [command, *flags, *arguments, image.address]
            code, output, said = _run(call, environment)
            if code == 0:
                return output
            message = faults.readable(_reason(said))
            if command.startswith("verify") and _is_verdict(said):
                raise RefusedError(message)
            fault = faults.judge(said)
            if not fault.passing or pause is None:
                advice = fault.advice.format(registry=image.registry)
                raise ActionError(f"{what}: {advice}. cosign said: {message}")
            say(f"    {message}; again in {pause:g} s")
            time.sleep(pause)
        raise AssertionError("unreachable")


_VERDICTS = (
    "no matching attestations",
    "no matching signatures",
    "no signatures found",
    "no attestations found",
    "invalid signature",
    "crypto/rsa: verification error",
)


def _is_verdict(said: str) -> bool:
    return any(words in said for words in _VERDICTS)


def _signing(key: Key) -> list[str]:
    """With a key nothing is sent to a transparency log; without one that log is what counts."""
    if key.path is None:
        return ["--yes"]
    return ["--yes", "--key", str(key.path), "--tlog-upload=false"]


def _trusting(trust: Trust) -> list[str]:
    if trust.key is None:
        return [
            f"--certificate-identity={trust.identity}",
            f"--certificate-oidc-issuer={trust.issuer}",
        ]
    return ["--key", str(trust.key), "--insecure-ignore-tlog=true"]


def _run(arguments: list[str], environment: Mapping[str, str]) -> tuple[int, str, str]:
    try:
        result = subprocess.run(
            [str(tools.program("cosign")), *arguments],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return 1, "", f"no end in {_SECONDS:.0f} s: timed out"
    return result.returncode, result.stdout, result.stderr


def _reason(said: str) -> str:
    """cosign says its error once beside warnings, and once more at the end."""
    errors = [line for line in said.splitlines() if line.startswith("Error: ")]
    return errors[0].removeprefix("Error: ") if errors else said
