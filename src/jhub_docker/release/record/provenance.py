"""How an image came about, as an SLSA v1 provenance predicate (slsa.dev/spec/v1.0/provenance).

docs/records.md describes every field. Nothing in it differs between two builds of one commit: no
times but the commit's, no host, no path. So who rebuilds a release gets the same predicate.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jhub_docker.catalog import Catalog
from jhub_docker.catalog.identity import LABEL, OCI
from jhub_docker.errors import ActionError
from jhub_docker.locks import package_lock, uv_lock

BUILD_TYPE = "urn:jhub-docker:build:v1"
BUILDER = "urn:jhub-docker:release:v1"


@dataclass(frozen=True)
class Source:
    """What a release knows of a build that the image does not hold.

    `catalog` is of the checkout at `commit`, whose time `epoch` is (seconds). `url` is the public
    address of the repository, or None. `build_ids` maps the package and all it is built from to
    full build ids; a pulled public base is not in it. `lane` is the Debian release, which the
    build is told beside what is in the commit.
    """

    catalog: Catalog
    image: str
    commit: str
    epoch: int
    url: str | None
    build_ids: Mapping[str, str]
    lane: str = ""


def provenance(
    source: Source, labels: Mapping[str, Mapping[str, str]], declared: Iterable[str] = ()
) -> dict[str, Any]:
    """The predicate for an image; `labels` are its configuration's, by platform.

    For an index these are several platforms, for one of its manifests one. Those of `declared` that
    are not among them are said to be left out.
    """
    spec = source.catalog[source.image]
    left_out = sorted({*declared} - {*labels})
    first = next(iter(labels.values()))
    repository = {"repository": source.url} if source.url else {}
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {
                "image": spec.name,
                "repository": spec.repository,
                "version": spec.version,
                "source": {"commit": source.commit, **repository},
                "platforms": sorted(labels),
                **({"platformsLeftOut": left_out} if left_out else {}),
                "base": first.get(f"{LABEL}.base", ""),
                "arguments": {"lane": source.lane},
            },
            "internalParameters": {
                "buildId": source.build_ids[spec.name],
                "sourceDateEpoch": source.epoch,
            },
            "resolvedDependencies": [
                {
                    "name": "source",
                    "uri": f"git+{source.url}" if source.url else "urn:jhub-docker:source",
                    "digest": {"gitCommit": source.commit},
                },
                *(_base(platform, values) for platform, values in sorted(labels.items())),
                *(
                    _package(*one)
                    for one in sorted(source.build_ids.items())
                    if one[0] != spec.name
                ),
                *_locks(source),
            ],
        },
        # cosign writes the empty `metadata`; times of the invocation would differ from run to run.
        "runDetails": {"builder": {"id": BUILDER}, "metadata": {}},
    }


_IMAGE = "docker-image://"
"""BuildKit's scheme for an image as a source."""


@dataclass(frozen=True)
class Recorded:
    """What a provenance says an image was built from, and for which platforms, or not for which.

    `base` is `public` or `stand-in`, `base_name` and `base_digest` that of one platform. `epoch` is
    the commit's time in seconds.
    """

    image: str
    repository: str
    version: str
    commit: str
    url: str
    build_id: str
    epoch: int
    platforms: tuple[str, ...]
    left_out: tuple[str, ...]
    base: str
    base_name: str
    base_digest: str
    lane: str

    @property
    def labels(self) -> dict[str, str]:
        """The labels an image must have for the provenance to be about it."""
        return {
            f"{LABEL}.package": self.image,
            f"{LABEL}.build-id": self.build_id,
            f"{LABEL}.base": self.base,
            f"{OCI}.title": self.repository,
            f"{OCI}.version": self.version,
            f"{OCI}.revision": self.commit,
            f"{OCI}.base.name": self.base_name,
            f"{OCI}.base.digest": self.base_digest,
        }


def read(predicate: Mapping[str, Any], platform: str = "") -> Recorded:
    """Read a provenance, of the platform or its first. Raises ActionError for another tool's."""
    try:
        definition = predicate["buildDefinition"]
        external, internal = definition["externalParameters"], definition["internalParameters"]
        wanted = "base", platform or external["platforms"][0]
        base: Mapping[str, Any] = {"uri": "", "digest": {}}
        for one in definition["resolvedDependencies"]:
            if (one["name"], one.get("annotations", {}).get("platform")) == wanted:
                base = one
        return Recorded(
            image=external["image"],
            repository=external["repository"],
            version=external["version"],
            commit=external["source"]["commit"],
            url=external["source"].get("repository", ""),
            build_id=internal["buildId"],
            epoch=internal["sourceDateEpoch"],
            platforms=tuple(external["platforms"]),
            left_out=tuple(external.get("platformsLeftOut", ())),
            base=external["base"],
            base_name=base["uri"].removeprefix(_IMAGE),
            base_digest="".join(f"sha256:{value}" for value in base["digest"].values()),
            lane=external["arguments"].get("lane", ""),
        )
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ActionError(
            f"its signed provenance is none that this tool writes ({error!r} is missing)"
        ) from None


def _base(platform: str, labels: Mapping[str, str]) -> dict[str, Any]:
    digest = {"sha256": labels.get(f"{OCI}.base.digest", "").removeprefix("sha256:")}
    uri, annotations = _IMAGE + labels.get(f"{OCI}.base.name", ""), {"platform": platform}
    return {"name": "base", "uri": uri, "digest": digest, "annotations": annotations}


def _package(name: str, build_id: str) -> dict[str, Any]:
    annotations = {"buildId": build_id}
    return {"name": name, "uri": f"urn:jhub-docker:package:{name}", "annotations": annotations}


def _locks(source: Source) -> Sequence[dict[str, Any]]:
    """The lock files of the packages that were really built; a pulled base's are not used."""
    found = []
    for spec in sorted(source.catalog.closure([source.image]), key=lambda one: one.name):
        for file in (spec.folder / package_lock.NAME, spec.folder / uv_lock.NAME):
            if spec.name in source.build_ids and file.is_file():
                name = f"packages/{spec.name}/{file.name}"
                digest = {"sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
                uri = f"urn:jhub-docker:file:{name}"
                found.append({"name": name, "uri": uri, "digest": digest})
    return found
