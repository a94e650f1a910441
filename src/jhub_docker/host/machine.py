"""What of the machine a build has to know: its CA bundle, the git revision of the checkout, and
whether its kernel runs programs of another processor, through an emulator.

The kernel hands them to what is registered for them (its Documentation/admin-guide/
binfmt-misc.rst), in every container too. Registering is the business of the distribution's package
of qemu, or of Docker Desktop.
"""

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


KERNEL = Path("/proc/sys/fs/binfmt_misc")
"""Where the kernel keeps what is registered, once that file system is mounted."""

_MACHINES = {"linux/amd64": "3e00", "linux/arm64": "b700"}
"""What a program of the platform has in bytes 18 and 19 (elf(5): e_machine, little endian)."""


def emulates(platform: str) -> bool | None:
    """Whether this machine's kernel emulates the platform; None where that cannot be told."""
    if platform not in _MACHINES or not (KERNEL / "status").exists():
        return None
    entries = [one for one in KERNEL.iterdir() if one.name not in ("register", "status")]
    return any(is_for(platform, one.read_text(encoding="ascii")) for one in entries)


def is_for(platform: str, entry: str) -> bool:
    """Whether a registration, as the kernel shows it, takes the platform's programs."""
    lines = entry.splitlines()
    magic = next((line.split()[1] for line in lines if line.startswith("magic ")), "")
    return lines[:1] == ["enabled"] and magic[36:40] == _MACHINES[platform]
