"""Is an image in a registry what its signed records say? Trusts a public key and nothing else.

What the registry sends is compared with what was signed.
"""

import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from jhub_docker.catalog.ledger import Entry
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.oci.layout import INDEX, Layout
from jhub_docker.progress import say, stage
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import Remote
from jhub_docker.release.record import cosign, inventory
from jhub_docker.release.record.bom import bill_and_image
from jhub_docker.release.record.provenance import Recorded, read
from jhub_docker.release.record.records import BILL, PROVENANCE, labels_of
from jhub_docker.table import counted, some

_MOVING = re.compile(r"\d+(?:\.\d+){0,2}")
_SHOWN = 10
"""Differences that are told in full; an image that is another one altogether has hundreds."""


@dataclass(frozen=True)
class Check:
    """One check: whether it passed, and what it found."""

    name: str
    passed: bool
    message: str


@dataclass(frozen=True)
class Report:
    """All checks of an image, in order. `recorded` is what was signed; None where nothing was."""

    reference: str
    digest: str
    checks: tuple[Check, ...]
    recorded: Recorded | None = None

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if not check.passed)

    def lines(self) -> list[str]:
        """The report as text: for which platforms it is signed, then a line for each check."""
        first = f"{self.reference} is {self.digest}"
        if self.recorded:
            first += f" for {', '.join(self.recorded.platforms)}"
            if self.recorded.left_out:
                first += f", not for {', '.join(self.recorded.left_out)}"
        words = {True: "ok", False: "FAILED"}
        return [first, *(f"{words[c.passed]:<6}  {c.name:<12}  {c.message}" for c in self.checks)]

    def to_json(self) -> dict[str, Any]:
        """The report as JSON."""
        checks = [vars(check) for check in self.checks]
        return {"reference": self.reference, "digest": self.digest, "checks": checks}

    def require(self) -> None:
        """Raise ActionError naming the checks that failed."""
        if self.failed:
            names = ", ".join(check.name for check in self.failed)
            raise ActionError(f"{self.reference} cannot be trusted; failed: {names}")


def verify(
    remote: Remote,
    reference: Reference,
    trust: Path,
    *,
    ledgers: Callable[[str], Mapping[str, Entry]] = lambda image: {},
    folder: Path | None = None,
) -> Report:
    """Check all that can be checked of an image, which is pulled below `folder` for that.

    What was signed is compared with what is there when both are there and sound. `ledgers` gives
    the ledger of an image package at hand (empty where there is none). Raises UsageError when the
    registry has no such image, ActionError when it cannot be reached.
    """
    with tempfile.TemporaryDirectory(dir=folder, prefix="verify-") as place:
        found = _Found(remote, reference, trust, Layout(Path(place)))
        with stage("checking signatures and what was signed"):
            checks = [found.check("signatures"), found.check("attestations")]
        checks.append(found.check("layers"))
        recorded = None
        if all(check.passed for check in checks):
            recorded = read(found.documents[found.index.digest][PROVENANCE])
            found.known = ledgers(recorded.image).get(recorded.version)
            with stage("comparing what is in the image with its bill of materials"):
                checks += [found.check(name) for name in ("contents", "labels", "name")]
            if found.known:
                checks.append(found.check("ledger"))
    return Report(str(reference), found.index.digest, tuple(checks), recorded)


def trusted(remote: Remote, reference: Reference, trust: Path, **options: Any) -> Report:
    """Verify an image and say what was checked. Raises ActionError where it cannot be trusted."""
    report = verify(remote, reference, trust, **options)
    for line in report.lines():
        say(f"    {line}")
    report.require()
    return report


class _Found:
    """An image as a registry has it, and what was signed of it.

    The public methods but `check` are the checks, by the names they are told by: each returns what
    it found in words, and raises ActionError for what is wrong. `documents` are those that are
    attested; `known` is the ledger's entry.
    """

    def __init__(self, remote: Remote, reference: Reference, trust: Path, layout: Layout) -> None:
        self.remote, self.reference, self.trust, self.layout = remote, reference, trust, layout
        if (found := remote.resolve(reference)) is None:
            raise UsageError(f"{reference} is not in the registry; look at its name and tag")
        self.index = found
        self.image = reference.at(self.index.digest)
        manifests = remote.platforms(self.image)
        self.subjects, self.images = [self.index, *manifests], manifests or [self.index]
        self.listing = " and ".join(
            "index" if one.media_type == INDEX else one.platform or "image" for one in self.subjects
        )
        self.documents: dict[str, dict[str, Mapping[str, Any]]] = {}
        self.known: Entry | None = None

    def check(self, name: str) -> Check:
        """Make the check of this name."""
        try:
            return Check(name, True, getattr(self, name)())
        except ActionError as error:
            return Check(name, False, str(error))
        except Exception as error:  # what is not trusted may be malformed in any way
            return Check(name, False, f"what the registry has cannot be read: {error!r}")

    def signatures(self) -> str:
        """Image and manifests are signed."""
        for subject in self.subjects:
            cosign.verify(self.remote.access, self.image.at(subject.digest), self.trust)
        return f"{self.listing} signed by {self.trust.name}"

    def attestations(self) -> str:
        """The records are attested, by the same key and about these digests."""
        for subject in self.subjects:
            about = self.image.at(subject.digest)
            kinds = (PROVENANCE,) if subject.media_type == INDEX else (BILL, PROVENANCE)
            self.documents[subject.digest] = {
                kind: cosign.attested(self.remote.access, about, kind, self.trust) for kind in kinds
            }
        return f"records of {self.listing} signed by {self.trust.name}"

    def layers(self) -> str:
        """All that the image is made of has the digest it is named by."""
        self.remote.pull(self.image, self.layout)
        blobs = list(self.layout.blobs.iterdir())
        size = sum(blob.stat().st_size for blob in blobs) / 1e6
        return f"{counted(len(blobs), 'blob')}, {size:.1f} MB, each with the digest it is named by"

    def contents(self) -> str:
        """What is in each image is what its bill of materials lists."""
        wrong: list[str] = []
        counts = []
        for entry in self.images:
            found = inventory.take(self.layout, self.layout.read_json(entry.digest))
            wrong += bill_and_image(self.documents[entry.digest][BILL], found)
            number = counted(len(found.packages), "package")
            counts.append(f"{number} in {entry.platform or 'the image'}")
        if wrong:
            shown = some(wrong, _SHOWN)
            raise ActionError(f"the image is not what its bill of materials lists: {shown}")
        return f"{', '.join(counts)}, as the bill of materials lists them"

    def labels(self) -> str:
        """The labels and time of each image are what its provenance says, and the index's."""
        wrong = set()
        for entry in self.images:
            manifest = self.layout.read_json(entry.digest)
            config = self.layout.read_json(manifest["config"]["digest"])
            platform = f"{config.get('os')}/{config.get('architecture')}"
            labels, created = labels_of(config), config.get("created", "")
            for about in (entry, self.index):
                was = read(self.documents[about.digest][PROVENANCE], platform)
                for label, said in was.labels.items():
                    if (has := labels.get(label, "")) != said:
                        wrong.add(f"{platform}: {label} is {has!r}, signed is {said!r}")
                if not created or datetime.fromisoformat(created).timestamp() != was.epoch:
                    wrong.add(
                        f"{platform}: it was created at {created}, signed is second {was.epoch}"
                    )
        if wrong:
            raise ActionError("; ".join(sorted(wrong)))
        return "version, commit, build id, base and time are those of the provenance"

    def name(self) -> str:
        """The repository is the image's, and a tag that is a version is its version.

        A signature alone does not say so: an old release, signed too, can be put under a new tag.
        """
        was = read(self.documents[self.index.digest][PROVENANCE])
        wanted, tag = was.repository.rpartition("/")[2], self.reference.tag or ""
        if self.reference.repository.rpartition("/")[2] != wanted:
            raise ActionError(f"it is signed as {wanted}, not as {self.reference.repository}")
        if _MOVING.fullmatch(tag) and tag != was.version and not was.version.startswith(f"{tag}."):
            raise ActionError(f"it is signed as version {was.version}, but tagged {tag}")
        return f"{wanted} {was.version}"

    def ledger(self) -> str:
        """The ledger of the checkout has the same digest for the version."""
        if not (entry := self.known) or self.index.digest not in (
            entry.digest,
            *entry.platforms.values(),
        ):
            raise ActionError(f"the ledger has {entry and entry.digest} for this version")
        if entry.yanked:
            return f"the same digest; YANKED on {entry.yanked.date}: {entry.yanked.reason}"
        return f"the same digest, released on {entry.date}"
