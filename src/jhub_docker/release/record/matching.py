"""Whether names, labels and the ledger agree with a signed provenance (pure)."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from jhub_docker.catalog.ledger import Entry
from jhub_docker.errors import ActionError
from jhub_docker.registry.reference import Reference
from jhub_docker.release.record.provenance import claims
from jhub_docker.release.record.records import labels_of
from jhub_docker.release.record.report import UncheckedError

_MOVING = re.compile(r"\d+(?:\.\d+){0,2}")


def name(reference: Reference, predicate: Mapping[str, Any]) -> str:
    """The repository is the image's, and a tag that is a version is its version.

    A signature alone does not say so: an old release, signed too, can be put under a new tag.
    """
    external = predicate["buildDefinition"]["externalParameters"]
    wanted = external["repository"].rpartition("/")[2]
    version, tag = external["version"], reference.tag or ""
    if reference.repository.rpartition("/")[2] != wanted:
        raise ActionError(f"it is signed as {wanted}, not as {reference.repository}")
    if _MOVING.fullmatch(tag) and tag != version and not version.startswith(f"{tag}."):
        raise ActionError(f"it is signed as version {version}, but tagged {tag}")
    return f"{wanted} {version}"


def labels(
    config: Mapping[str, Any], platform: str, predicates: Iterable[Mapping[str, Any]]
) -> None:
    """The image's labels and time are what each of the signed predicates says."""
    found = labels_of(config)
    wrong = set()
    for predicate in predicates:
        for label, said in claims(predicate, platform).items():
            if found.get(label, "") != said:
                wrong.add(f"{label} is {found.get(label)!r}, signed is {said!r}")
        epoch = predicate["buildDefinition"]["internalParameters"]["sourceDateEpoch"]
        created = config.get("created", "")
        if not created or datetime.fromisoformat(created).timestamp() != epoch:
            wrong.add(f"it was created at {created or 'no time'}, signed is second {epoch}")
    if wrong:
        raise ActionError(f"{platform}: {'; '.join(sorted(wrong))}")


def ledger(digest: str, predicate: Mapping[str, Any], entries: Mapping[str, Entry]) -> str:
    """The ledger of the checkout has the same digest for the version."""
    external = predicate["buildDefinition"]["externalParameters"]
    image, version = external["image"], external["version"]
    entry = entries.get(version)
    if entry is None:
        raise UncheckedError(f"this checkout has no release {version} of {image} in its ledger")
    if digest not in (entry.digest, *entry.platforms.values()):
        raise ActionError(f"the ledger has {entry.digest} for {image} {version}")
    if entry.yanked:
        return f"the same digest; YANKED on {entry.yanked.date}: {entry.yanked.reason}"
    return f"the same digest, released on {entry.date}"
