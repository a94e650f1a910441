"""A Debian root file system made by debootstrap, for machines without a container registry.

Where its packages come from is read from the machine's own apt configuration; no archive is named
here. It is imported once per recipe and kept in the engine.
"""

import os
import shutil
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from jhub_docker import process
from jhub_docker.catalog.identity import LABEL, digest, short, suffix
from jhub_docker.engine import quick
from jhub_docker.engine.address import docker
from jhub_docker.errors import ActionError
from jhub_docker.host import apt
from jhub_docker.host.apt import Archive
from jhub_docker.host.packages import PackagePlan
from jhub_docker.oci import canonical
from jhub_docker.progress import say, stage

REPOSITORY = "local/debian-debootstrap"
INCLUDED_PACKAGES = ("ca-certificates",)

# Debian's own images keep package lists and archives out of layers the same way.
_DOCKER_CLEAN = """\
APT::Install-Recommends "false";
Acquire::Languages "none";
"""


def recipe_key(suite: str) -> str:
    """What identifies the recipe; another key means another root file system."""
    return digest([suite, INCLUDED_PACKAGES, _DOCKER_CLEAN, canonical.LATEST])


def sources_for(suite: str, archives: Sequence[Archive]) -> list[str]:
    """The sources.list lines of a `suite` system, from the archives the machine itself uses.

    The main archive, its updates and the security archive, as far as the machine has them.
    """
    debians = [one for one in reversed(archives) if one.origin == "Debian"]
    known = {one.label: one.uri.rstrip("/") for one in debians}  # the first one of a label counts
    main, security = known.get("Debian"), known.get("Debian-Security")
    lines = [f"deb {main} {name} main" for name in (suite, f"{suite}-updates") if main]
    return lines + [f"deb {security} {suite}-security main"] * bool(security)


def reference(suite: str, platform: str = "") -> str:
    """What the root file system of Debian `suite` is called; `platform`: empty for the engine's."""
    return f"{REPOSITORY}:{suite}-{short(recipe_key(suite))}{suffix(platform)}"


def is_here(suite: str, platform: str = "") -> bool:
    """Whether the engine has it."""
    return quick.image(reference(suite, platform)) is not None


def ensure(suite: str, platform: str = "") -> None:
    """Have the root file system of Debian `suite` as an image of the engine, made if it is missing.

    For another platform than the engine's own, this machine has to emulate it. Raises ActionError
    where it cannot be made: not root, no debootstrap, an archive out of reach.
    """
    if is_here(suite, platform):
        return
    _require_debootstrap()
    what, long = (f" for {platform}", "some minutes") if platform else ("", "about a minute")
    with (
        stage(f"making a Debian {suite} root file system{what} with debootstrap ({long})"),
        tempfile.TemporaryDirectory(prefix="jhub-docker-rootfs-") as scratch,
    ):
        root = Path(scratch) / "root"
        sources = sources_for(suite, apt.archives())
        process.checked(
            *("debootstrap", "--variant=minbase", f"--include={','.join(INCLUDED_PACKAGES)}"),
            # Debian's names of amd64 and arm64 are OCI's.
            *([f"--arch={platform.split('/')[1]}"] if platform else []),
            *(suite, root),
            # Without a mirror debootstrap falls back to the archive its own scripts name.
            *(sources[0].split()[1:2] if sources else []),
            # With a fixed date /etc/shadow does not have the day on which it was made.
            environment={"SOURCE_DATE_EPOCH": str(canonical.LATEST)},
            merged=True,
            failed="debootstrap failed",
        )
        if sources:
            (root / "etc/apt/sources.list").write_text("\n".join(sources) + "\n", encoding="ascii")
        (root / "etc/apt/apt.conf.d/90-docker").write_text(_DOCKER_CLEAN, encoding="ascii")
        # ldconfig's cache has inode numbers in it, so it never comes out the same twice.
        for path in ("var/cache/apt", "var/cache/ldconfig", "var/lib/apt/lists", "var/log"):
            for entry in (root / path).glob("**/*"):
                if entry.is_file():
                    entry.unlink()
        archive = Path(scratch) / "root.tar"
        with tarfile.open(archive, "w") as tar:
            tar.add(root, arcname=".")
        # Another run may have been faster, and images stand on what it made.
        if not is_here(suite, platform):
            _import(archive, reference(suite, platform), platform)


def _require_debootstrap() -> None:
    if os.name != "posix" or os.geteuid() != 0:
        raise ActionError(
            "a stand-in base can only be made as root, since debootstrap needs it; run this as "
            "root, or make the public base reachable and use --base pull"
        )
    if not shutil.which("debootstrap"):
        if not shutil.which("apt-get"):
            raise ActionError(
                "debootstrap is missing and there is no apt-get to install it with; install "
                "debootstrap, or make the public base reachable and use --base pull"
            )
        say("installing debootstrap from the distribution")
        apt.install(PackagePlan(("debootstrap",)))


def _import(archive: Path, name: str, platform: str) -> None:
    """By the docker program: docker-py's import cannot say for which platform an image is."""
    labels = {f"{LABEL}.base": "stand-in", f"{LABEL}.package": "debian"}
    options = [f'--change=LABEL {key}="{value}"' for key, value in labels.items()]
    options += [f"--platform={platform}"] if platform else []
    docker("import", *options, str(archive), name).require("docker import failed")
