"""A released image in a registry and its signed record: what it was built from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jhub_docker.catalog.identity import OCI
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.oci.layout import Descriptor
from jhub_docker.progress import stage
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import Remote
from jhub_docker.release.record.cosign import Cosign
from jhub_docker.release.record.keys import Trust
from jhub_docker.release.record.provenance import claims
from jhub_docker.release.record.records import PROVENANCE
from jhub_docker.release.record.signed import Signed


@dataclass(frozen=True)
class Recorded:
    """What a signed provenance says an image was built from.

    `base` is `public` or `stand-in`, `base_name` and `base_digest` that of the first platform.
    `build_ids` are those of the packages it is built from, itself among them.
    """

    image: str
    version: str
    commit: str
    url: str
    epoch: int
    build_id: str
    base: str
    base_name: str
    base_digest: str
    lane: str
    platforms: tuple[str, ...]
    build_ids: Mapping[str, str]


@dataclass(frozen=True)
class Released:
    """A signed image in a registry: its index, what it stands for, what was signed about it."""

    image: Reference
    manifests: tuple[Descriptor, ...]
    recorded: Recorded


def find(
    remote: Remote, reference: Reference, trust: Trust, cosign: Cosign | None = None
) -> Released:
    """Look the image up and check that its record is signed by whom is trusted.

    Raises UsageError when the registry has no such image, ActionError for a signature that is
    missing or another's.
    """
    descriptor = remote.resolve(reference)
    if descriptor is None:
        raise UsageError(f"{reference} is not in the registry; look at its name and tag")
    image = reference.at(descriptor.digest)
    _, value = remote.manifest(image)
    manifests = tuple(Descriptor.from_json(entry) for entry in value.get("manifests", ()))
    signed = Signed(remote, cosign or Cosign(remote.access), trust)
    with stage(f"checking the signed record of {reference}"):
        signed.signatures(image, [descriptor, *manifests])
        signed.attestations(image, [descriptor, *manifests])
    predicate = signed.document(descriptor, PROVENANCE)
    return Released(image, manifests or (descriptor,), read(predicate))


def read(predicate: Mapping[str, Any]) -> Recorded:
    """Read a provenance. Pure; raises ActionError for one of another build type."""
    try:
        definition = predicate["buildDefinition"]
        external, internal = definition["externalParameters"], definition["internalParameters"]
        platforms = tuple(external["platforms"])
        base = claims(predicate, platforms[0])
        build_ids = {
            entry["name"]: entry["annotations"]["buildId"]
            for entry in definition["resolvedDependencies"]
            if "buildId" in entry.get("annotations", {})
        }
        return Recorded(
            image=external["image"],
            version=external["version"],
            commit=external["source"]["commit"],
            url=external["source"].get("repository", ""),
            epoch=internal["sourceDateEpoch"],
            build_id=internal["buildId"],
            base=external["base"],
            base_name=base[f"{OCI}.base.name"],
            base_digest=base[f"{OCI}.base.digest"],
            lane=external["arguments"].get("lane", ""),
            platforms=platforms,
            build_ids=build_ids | {external["image"]: internal["buildId"]},
        )
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ActionError(
            f"its signed provenance is none that this tool writes ({error!r} is missing)"
        ) from None
