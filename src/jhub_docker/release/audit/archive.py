"""Debian's security archive: which packages of an image have a newer version waiting there.

It is asked through apt, with lists in a folder of their own, so that the answer is of this moment
and for the image's release, whatever the machine's own lists hold. apt checks the signatures and
compares the versions. The archive knows fixes only: a vulnerability without one, or that Debian
leaves for a later point release, is not in it, and neither are names or severities.
"""

import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

from jhub_docker import process
from jhub_docker.errors import ActionError
from jhub_docker.host.apt import apart, read_sources
from jhub_docker.host.packages import derived_source
from jhub_docker.release.audit.findings import Advisory, Answer, Coverage, Severity
from jhub_docker.release.audit.parts import CODENAMES, Part, by_ecosystem

NAME = "Debian's security archive"
NOTE = "newer versions only: no severities, and nothing that has no fix yet"
_POLICY = re.compile(r"^(\S+):\n  Installed: (\S+)\n  Candidate: (\S+)", re.MULTILINE)


def ask(parts: Iterable[Part], root: Path = Path("/")) -> Answer:
    """Compare Debian's packages with the candidates of their release's security suite.

    `root` is where the machine's own sources are read, below `etc/apt`.
    """
    answer = Answer()
    for ecosystem, group in by_ecosystem(parts).items():
        if not ecosystem.startswith("Debian:"):
            continue
        suite = f"{CODENAMES[ecosystem.removeprefix('Debian:')]}-security"
        try:
            found, moment = _waiting(group, _source(read_sources(root), suite))
        except ActionError as error:
            answer.coverage.append(Coverage(NAME, ecosystem, False, len(group), str(error)))
            continue
        answer.found.extend(found)
        answer.coverage.append(Coverage(NAME, ecosystem, True, len(group), NOTE, moment))
    return answer


def _waiting(parts: Sequence[Part], stanza: str) -> tuple[list[tuple[Part, Advisory]], datetime]:
    """The parts with a newer version in the suite, and the date of its release file."""
    if shutil.which("apt-get") is None:
        raise ActionError("this machine has no apt to ask it with")
    found: dict[Part, str] = {}
    dates = []
    for architecture in sorted({part.architecture for part in parts} - {"all"}):
        own = {part.name: part for part in parts if part.architecture in (architecture, "all")}
        candidates, moment = _candidates(architecture, own, stanza)
        dates.append(moment)
        found |= {own[name]: candidate for name, candidate in candidates.items()}
    if not dates:
        raise ActionError("the parts do not say for which architecture they are")
    summary = "a newer version is in Debian's security archive"

    def said(part: Part) -> Advisory:
        name = f"debian-security:{part.package}"
        return Advisory(name, Severity.UNKNOWN, summary, fixed=(found[part],))

    return [(part, said(part)) for part in found], min(dates)


def _candidates(
    architecture: str, parts: Mapping[str, Part], stanza: str
) -> tuple[dict[str, str], datetime]:
    """The versions that apt would put in place of these packages' own, were they installed."""
    with tempfile.TemporaryDirectory(prefix="jhub-docker-audit-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # apt downloads as a user of its own
        installed = (
            f"Package: {part.name}\nStatus: install ok installed\nVersion: {part.version}\n"
            f"Architecture: {part.architecture}\n"
            for part in parts.values()
        )
        (folder / "status").write_text("\n".join(installed), encoding="utf-8")
        settings = {
            "Dir::Etc::preferencesparts": "-",
            "Dir::State": folder,
            "Dir::State::status": folder / "status",
            "APT::Architecture": architecture,
            "APT::Architectures": architecture,
            "APT::Update::Error-Mode": "any",
            "Acquire::Languages": "none",
            "Acquire::Retries": 1,
            "Acquire::http::Timeout": 20,
            "Acquire::https::Timeout": 20,
        }
        options = apart(folder, {"security.sources": stanza}, settings)
        fetched = _run("apt-get", *options, "update", "--quiet")
        releases = [*folder.glob("lists/*InRelease"), *folder.glob("lists/*_Release")]
        if fetched.code or not releases:
            errors = re.findall(r"^[EW]: (.+)$", fetched.err, re.MULTILINE)
            raise ActionError("; ".join(errors[:2]) or "apt-get update failed")
        compared = _run("apt-cache", *options, "policy", *parts)
        if compared.code:
            raise ActionError(f"apt-cache failed: {compared.tail(2)}")
        date = re.search(r"^Date: (.+)$", releases[0].read_text("utf-8"), re.MULTILINE)
        if date is None:
            raise ActionError("the archive's release file has no date")
        policies = _POLICY.findall(compared.out)
        newer = {package: candidate for package, own, candidate in policies if candidate != own}
        return newer, parsedate_to_datetime(date[1].replace("UTC", "+0000"))


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


def _run(*command: str) -> process.Ended:
    return process.run(*command, environment={"LC_ALL": "C.UTF-8"})
