"""What of the machine a build has to know: its CA bundle, and the git revision of the checkout."""

import os
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from jhub_docker import process
from jhub_docker.errors import UsageError

_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Alpine, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # macOS, BSD
)


def ca_bundle(environment: Mapping[str, str] = os.environ) -> str | None:
    """The file with the certificates this machine trusts, or None where there is none.

    JHUB_DOCKER_CA_BUNDLE, then SSL_CERT_FILE (OpenSSL's own variable), then the usual places.
    Raises UsageError when a variable names a file that is not there.
    """
    for variable in ("JHUB_DOCKER_CA_BUNDLE", "SSL_CERT_FILE"):
        if path := environment.get(variable):
            if not Path(path).is_file():
                raise UsageError(
                    f"{variable} names {path}, which is no file; expected a file of PEM "
                    "certificates: correct the variable or unset it"
                )
            return path
    candidates = (ssl.get_default_verify_paths().cafile, *_BUNDLES)
    return next((path for path in candidates if path and Path(path).is_file()), None)


_ANCHORS = (Path("/usr/local/share/ca-certificates"), Path("/etc/pki/ca-trust/source/anchors"))


def own_certificates(
    environment: Mapping[str, str] = os.environ, anchors: Iterable[Path] = _ANCHORS
) -> list[str]:
    """The files of what this machine trusts beside the public certificates."""
    named = environment.get("JHUB_DOCKER_CA_BUNDLE")
    found = (one for folder in anchors for one in sorted(folder.rglob("*.*")))
    kinds = (".crt", ".pem", ".cer")
    return [*([named] if named else []), *(str(one) for one in found if one.suffix in kinds)]


@dataclass(frozen=True)
class Revision:
    """The commit the work tree stands on; `dirty` when tracked files differ from it."""

    commit: str
    dirty: bool

    @property
    def tag(self) -> str:
        """The image tag for this revision: `git-<short sha>`, with `-dirty` where it applies."""
        return f"git-{self.commit[:7]}" + ("-dirty" if self.dirty else "")


def revision(folder: Path) -> Revision | None:
    """The revision of the checkout that `folder` is in; None outside git or before a commit."""
    # One call tells both; no tag matches `--exclude *`, so that it is the commit that is named.
    described = _git(folder, "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty")
    if described is None:
        return None
    return Revision(described.removesuffix("-dirty"), described.endswith("-dirty"))


def source_url(folder: Path) -> str | None:
    """The https address of the `origin` remote; None for a remote that only this machine knows."""
    url = _git(folder, "remote", "get-url", "origin") or ""
    if url.startswith("git@"):
        host, _, path = url.removeprefix("git@").partition(":")
        url = f"https://{host}/{path}"
    if not url.startswith("https://"):
        return None
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}".removesuffix(".git")  # never a password


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        said = process.run("git", "-C", folder, *arguments, environment=process.THIS_REPOSITORY)
    except process.MissingProgramError:
        return None
    return None if said.code else said.out.strip()
