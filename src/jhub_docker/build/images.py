"""The images in the engine: what is there, what they say of themselves, which tags they carry."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from jhub_docker.build import marks
from jhub_docker.build.plan import BuiltImage
from jhub_docker.catalog import ImageSpec
from jhub_docker.catalog.identity import LABEL, RELEASE, short, suffix
from jhub_docker.engine import docker, quick

# Asked of the built image itself, so that a tag cannot lie about what is inside.
_VERSIONS_PROGRAM = """
import importlib.metadata, json, subprocess, sys
asked = json.loads(sys.argv[1])
found = {"python": "%d.%d" % sys.version_info[:2]}
for tag, source in asked.items():
    if isinstance(source, str):
        found[tag] = importlib.metadata.version(source)
    else:
        found[tag] = subprocess.run(
            source, capture_output=True, text=True, check=True
        ).stdout.split()[0]
print(json.dumps(found))
"""


def here() -> tuple[BuiltImage, ...]:
    """All images of this project in the engine, root file systems of stand-ins included."""
    return tuple(read(quick.images(f"{LABEL}.package")))


def find(reference: str) -> BuiltImage | None:
    """The image of this name, whoever made it; None for none."""
    record = quick.image(reference)
    return next(read([record])) if record else None


def built(images: Iterable[BuiltImage], platform: str = "") -> dict[str, BuiltImage]:
    """Those among `images` that were built from this project for a platform, by build id.

    `platform` is empty for the engine's own.
    """
    # Someone's derived image inherits our labels; only one tagged with the id is the real one.
    return {
        image.build_id: image
        for image in images
        if image.build_id
        and any(tag.endswith(f":{short(image.build_id)}{suffix(platform)}") for tag in image.tags)
    }


def released(images: Iterable[BuiltImage]) -> list[BuiltImage]:
    """Those among `images` that are releases which the engine got from a registry."""
    return [image for image in images if RELEASE in image.labels and image.digests]


def read(records: Iterable[Mapping[str, Any]]) -> Iterator[BuiltImage]:
    """Images from the engine's own records of them."""
    for record in records:
        labels, made = record["Config"].get("Labels") or {}, record.get("Created")
        tags = tuple(record.get("RepoTags") or ())
        yield BuiltImage(
            image_id=record["Id"],
            package=labels.get(f"{LABEL}.package", ""),
            build_id=labels.get(f"{LABEL}.build-id", ""),
            inputs=json.loads(labels.get(f"{LABEL}.inputs", "{}")),
            labels=labels,
            tags=tuple(tag for tag in tags if not marks.is_mark(tag)),
            marks=tuple(tag for tag in tags if marks.is_mark(tag)),
            platform=f"{record.get('Os', '')}/{record.get('Architecture', '')}",
            digests=tuple(record.get("RepoDigests") or ()),
            size=record.get("Size", 0),
            layers=tuple((record.get("RootFS") or {}).get("Layers") or ()),
            created=int(datetime.fromisoformat(made).timestamp()) if made else 0,
        )


def versions(spec: ImageSpec, reference: str) -> dict[str, str]:
    """Ask a built image for the versions its tags name, e.g. `{"python": "3.11"}`.

    An image without a Python environment has nothing to tell.
    """
    if not spec.environment:
        return {}
    python = f"{spec.environment}/bin/python"
    said = docker(
        *("container", "run", "--rm", "--network", "none", "--entrypoint", python, reference),
        *("-c", _VERSIONS_PROGRAM, json.dumps(spec.tags)),
    ).require(
        f"{spec.name}: the image was built but does not tell its versions (check `tags` in "
        f"{spec.folder / 'pyproject.toml'})"
    )
    found: dict[str, str] = json.loads(said)
    return found
