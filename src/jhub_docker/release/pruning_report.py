"""What people and programs read of a pruning. It decides nothing."""

from collections.abc import Mapping
from typing import Any

from jhub_docker import table
from jhub_docker.registry.reference import Reference
from jhub_docker.release.pruning import Pruning, Verdict


def text(repository: Reference, pruning: Pruning) -> str:
    """The images with what becomes of them, and what all of it comes to."""
    rows = [
        (
            "deleted" if one.goes else "stays",
            " ".join(one.image.tags),
            one.image.digest[:19],
            f"{sum(one.image.blobs.values()) / 1e6:,.1f} MB",
            one.reason,
        )
        for one in pruning.verdicts
    ]
    columns = ("", "tags", "digest", "compressed", "because")
    lines = [f"{repository}:", table.render(columns, rows, right=("compressed",))]
    if pruning.left_over:
        lines.append(
            f"also {len(pruning.left_over)} records of images that are gone already: an earlier "
            "pruning was cut"
        )
    if not pruning.manifests:
        lines.append("nothing to delete")
    else:
        lines.append(
            f"to delete: {len(pruning.manifests)} manifests, records and platforms among them; "
            f"{pruning.bytes / 1e6:,.1f} MB that nothing else needs, free once the registry "
            "collects its garbage"
        )
    return "\n".join(lines)


def as_data(found: Mapping[Reference, Pruning]) -> list[dict[str, Any]]:
    """The same for programs, with what is deleted, in order."""
    return [
        {
            "repository": str(repository),
            "images": [_image(verdict) for verdict in pruning.verdicts],
            "manifests": [one.digest for one in pruning.manifests],
            "bytes": pruning.bytes,
        }
        for repository, pruning in found.items()
    ]


def _image(verdict: Verdict) -> dict[str, Any]:
    return {
        "digest": verdict.image.digest,
        "tags": list(verdict.image.tags),
        "compressed": sum(verdict.image.blobs.values()),
        "deleted": verdict.goes,
        "because": verdict.reason,
    }
