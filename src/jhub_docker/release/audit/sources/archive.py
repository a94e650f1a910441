"""Debian's security archive: which packages of an image have a newer version waiting there.

It is asked through apt, with lists in a folder of their own, so that the answer is of this moment
and for the image's release, whatever the machine's own lists hold. apt checks the signatures. The
archive knows fixes only: a vulnerability without one, or that Debian leaves for a later point
release, is not in it, and neither are names or severities.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

from jhub_docker.errors import ActionError
from jhub_docker.host.apt import read_sources
from jhub_docker.host.packages import derived_source
from jhub_docker.release.audit import versions
from jhub_docker.release.audit.components import Component
from jhub_docker.release.audit.osv import Advisory
from jhub_docker.release.audit.severity import Severity
from jhub_docker.release.audit.sources.answer import Answer, Coverage, by_ecosystem

NAME = "Debian's security archive"
NOTE = "newer versions only: no severities, and nothing that has no fix yet"


def ask(components: Iterable[Component], root: Path = Path("/")) -> Answer:
    """Compare Debian's packages with the candidates of their release's security suite.

    `root` is where the machine's own sources are read, below `etc/apt`.
    """
    found: list[tuple[Component, Advisory]] = []
    coverage = []
    for ecosystem, members in by_ecosystem(components).items():
        if not ecosystem.startswith("Debian:"):
            continue
        try:
            fixes, moment = _fixes(members, read_sources(root))
        except ActionError as error:
            coverage.append(Coverage(NAME, ecosystem, False, len(members), str(error)))
            continue
        found += fixes
        coverage.append(Coverage(NAME, ecosystem, True, len(members), NOTE, moment))
    return Answer(found, coverage)


def waiting(
    components: Iterable[Component], candidates: Mapping[str, str]
) -> list[tuple[Component, Advisory]]:
    """The components older than the suite's candidate, by the name of the Debian package."""
    found = []
    for component in components:
        candidate = candidates.get(component.name)
        if candidate and versions.older(component.ecosystem, component.version, candidate):
            advisory = Advisory(
                id=f"debian-security:{component.package}",
                severity=Severity.UNKNOWN,
                summary="a newer version is in Debian's security archive",
                fixed=candidate,
            )
            found.append((component, advisory))
    return found


def _fixes(
    members: Sequence[Component], sources: Mapping[str, str]
) -> tuple[list[tuple[Component, Advisory]], datetime]:
    found = []
    dates = []
    for architecture in sorted({c.architecture for c in members if c.architecture != "all"}):
        candidates, moment = _candidates(members[0].codename, architecture, sources)
        own = [c for c in members if c.architecture in (architecture, "all")]
        found += [pair for pair in waiting(own, candidates) if pair not in found]
        dates.append(moment)
    if not dates:
        raise ActionError("the parts do not say for which architecture they are")
    return found, min(dates)


def _candidates(
    codename: str, architecture: str, sources: Mapping[str, str]
) -> tuple[dict[str, str], datetime]:
    """The newest version of every package of the suite, and the date of its release file."""
    if shutil.which("apt-get") is None:
        raise ActionError("this machine has no apt to ask it with")
    suite = f"{codename}-security"
    stanza = _source(sources, suite)
    with tempfile.TemporaryDirectory(prefix="jhub-docker-audit-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # apt downloads as a user of its own
        options = _private(folder, stanza, architecture)
        fetched = _run("apt-get", *options, "update", "--quiet")
        releases = [*folder.glob("lists/*InRelease"), *folder.glob("lists/*_Release")]
        if fetched.returncode or not releases:
            errors = re.findall(r"^[EW]: (.+)$", fetched.stderr, re.MULTILINE)
            raise ActionError("; ".join(errors[:2]) or "apt-get update failed")
        dumped = _run("apt-cache", *options, "dumpavail")
        if dumped.returncode:
            raise ActionError(f"apt-cache failed: {dumped.stderr.strip()[-200:]}")
        date = re.search(r"^Date: (.+)$", releases[0].read_text("utf-8"), re.MULTILINE)
        if date is None:
            raise ActionError(f"the release file of {suite} has no date")
        candidates: dict[str, str] = {}
        for package, version in _stanzas(dumped.stdout):
            known = candidates.get(package)
            if known is None or versions.older("Debian", known, version):
                candidates[package] = version
        return candidates, parsedate_to_datetime(date[1].replace("UTC", "+0000"))


def _source(sources: Mapping[str, str], suite: str) -> str:
    """The machine's source of the suite, or one derived from another release's."""
    texts = " ".join(sources.values())
    others = sorted(set(re.findall(r"\b[a-z]+-security\b", texts)) - {suite})
    for beside in (suite, *others):
        try:
            return derived_source(sources, beside, suite)
        except ActionError:
            continue
    raise ActionError(f"this machine's apt has no source of {suite} or of another release's")


def _private(folder: Path, stanza: str, architecture: str) -> list[str]:
    """Options that let apt work in `folder`, with the machine's proxies and keys all the same."""
    (folder / "security.sources").write_text(stanza, encoding="utf-8")
    (folder / "status").touch()
    (folder / "lists/partial").mkdir(parents=True)
    (folder / "cache/archives/partial").mkdir(parents=True)
    settings: dict[str, object] = {
        "Dir::Etc::sourcelist": folder / "security.sources",
        "Dir::Etc::sourceparts": "-",
        "Dir::Etc::preferencesparts": "-",
        "Dir::State": folder,
        "Dir::State::lists": folder / "lists",
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder / "cache",
        "APT::Architecture": architecture,
        "APT::Architectures": architecture,
        "APT::Update::Error-Mode": "any",
        "Acquire::Languages": "none",
        "Acquire::Retries": 1,
        "Acquire::http::Timeout": 20,
        "Acquire::https::Timeout": 20,
    }
    return [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]


def _stanzas(text: str) -> Iterator[tuple[str, str]]:
    for block in text.split("\n\n"):
        package = re.search(r"^Package: (\S+)$", block, re.MULTILINE)
        version = re.search(r"^Version: (\S+)$", block, re.MULTILINE)
        if package and version:
            yield package[1], version[1]


def _run(*command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
