"""Is an image in a registry what its signed records say? Trusts a public key and nothing else.

What the registry sends is compared with what was signed.
"""

import re
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from jhub_docker.catalog.ledger import Entry
from jhub_docker.errors import ActionError
from jhub_docker.oci.layout import Descriptor, Layout
from jhub_docker.progress import say, stage
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import Remote
from jhub_docker.release.record import inventory
from jhub_docker.release.record.bom import bill_and_image
from jhub_docker.release.record.provenance import Recorded, claims, read
from jhub_docker.release.record.records import BILL, PROVENANCE, labels_of
from jhub_docker.release.record.signed import Signed
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

    @classmethod
    def make(cls, name: str, check: Callable[[], str]) -> "Check":
        """Run a check, which returns what it found, or raises ActionError."""
        try:
            return cls(name, True, check())
        except ActionError as error:
            return cls(name, False, str(error))
        except Exception as error:  # what is not trusted may be malformed in any way
            return cls(name, False, f"what the registry has cannot be read: {error!r}")


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
    descriptor = remote.require(reference)
    image = reference.at(descriptor.digest)
    manifests = remote.platforms(image)
    subjects = [descriptor, *manifests]
    signed, recorded = Signed(remote, trust), None
    with tempfile.TemporaryDirectory(dir=folder, prefix="verify-") as place:
        layout = Layout(Path(place))
        with stage("checking signatures and what was signed"):
            checks = [
                Check.make("signatures", lambda: signed.signatures(image, subjects)),
                Check.make("attestations", lambda: signed.attestations(image, subjects)),
            ]
        checks.append(Check.make("layers", lambda: _pull(remote, image, layout)))
        if all(check.passed for check in checks):
            recorded = was = read(signed.documents[descriptor.digest][PROVENANCE])
            known = ledgers(was.image).get(was.version)
            with stage("comparing what is in the image with its bill of materials"):
                images = manifests or [descriptor]
                checks += [
                    Check.make("contents", lambda: _contents(layout, images, signed)),
                    Check.make("labels", lambda: _labels(layout, images, descriptor, signed)),
                    Check.make("name", lambda: _named_as(reference, was)),
                ]
            if known:
                checks.append(Check.make("ledger", lambda: _ledger(descriptor.digest, was, known)))
    return Report(str(reference), descriptor.digest, tuple(checks), recorded)


def trusted(remote: Remote, reference: Reference, trust: Path, **options: Any) -> Report:
    """Verify an image and say what was checked. Raises ActionError where it cannot be trusted."""
    report = verify(remote, reference, trust, **options)
    for line in report.lines():
        say(f"    {line}")
    report.require()
    return report


def _pull(remote: Remote, image: Reference, layout: Layout) -> str:
    remote.pull(image, layout)
    blobs = list(layout.blobs.iterdir())
    size = sum(blob.stat().st_size for blob in blobs)
    return (
        f"{counted(len(blobs), 'blob')}, {size / 1e6:.1f} MB, each with the digest it is named by"
    )


def _contents(layout: Layout, manifests: Sequence[Descriptor], signed: Signed) -> str:
    """What is in each image is what its bill of materials lists."""
    wrong: list[str] = []
    counts = []
    for entry in manifests:
        found = inventory.take(layout, layout.read_json(entry.digest))
        wrong += bill_and_image(signed.documents[entry.digest][BILL], found)
        number = counted(len(found.packages), "package")
        counts.append(f"{number} in {entry.platform or 'the image'}")
    if wrong:
        shown = some(wrong, _SHOWN)
        raise ActionError(f"the image is not what its bill of materials lists: {shown}")
    return f"{', '.join(counts)}, as the bill of materials lists them"


def _labels(
    layout: Layout, manifests: Iterable[Descriptor], image: Descriptor, signed: Signed
) -> str:
    """The labels and time of each image are what its provenance says, and the index's."""
    wrong = set()
    for entry in manifests:
        config = layout.read_json(layout.read_json(entry.digest)["config"]["digest"])
        platform = f"{config.get('os')}/{config.get('architecture')}"
        labels, created = labels_of(config), config.get("created", "")
        for predicate in (signed.documents[one.digest][PROVENANCE] for one in (entry, image)):
            for label, said in claims(predicate, platform).items():
                if labels.get(label, "") != said:
                    wrong.add(f"{platform}: {label} is {labels.get(label)!r}, signed is {said!r}")
            epoch = predicate["buildDefinition"]["internalParameters"]["sourceDateEpoch"]
            if not created or datetime.fromisoformat(created).timestamp() != epoch:
                wrong.add(f"{platform}: it was created at {created}, signed is second {epoch}")
    if wrong:
        raise ActionError("; ".join(sorted(wrong)))
    return "version, commit, build id, base and time are those of the provenance"


def _named_as(reference: Reference, was: Recorded) -> str:
    """The repository is the image's, and a tag that is a version is its version, or ActionError.

    A signature alone does not say so: an old release, signed too, can be put under a new tag.
    """
    wanted, tag = was.repository.rpartition("/")[2], reference.tag or ""
    if reference.repository.rpartition("/")[2] != wanted:
        raise ActionError(f"it is signed as {wanted}, not as {reference.repository}")
    if _MOVING.fullmatch(tag) and tag != was.version and not was.version.startswith(f"{tag}."):
        raise ActionError(f"it is signed as version {was.version}, but tagged {tag}")
    return f"{wanted} {was.version}"


def _ledger(digest: str, was: Recorded, entry: Entry) -> str:
    """The ledger of the checkout has the same digest for the version."""
    if digest not in (entry.digest, *entry.platforms.values()):
        raise ActionError(f"the ledger has {entry.digest} for {was.image} {was.version}")
    if entry.yanked:
        return f"the same digest; YANKED on {entry.yanked.date}: {entry.yanked.reason}"
    return f"the same digest, released on {entry.date}"
