"""Images out of an engine and into it, as `docker save` and `docker load` have them.

Since Engine 25 an image is saved as an OCI layout, with a `manifest.json` beside it. One with the
classic image store reads that alone, one with containerd's store the layout's index.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

from jhub_docker import process
from jhub_docker.errors import ActionError
from jhub_docker.oci.layout import INDEX, Descriptor, Layout


def save(image: str, folder: Path) -> tuple[Layout, dict[str, Any]]:
    """Save the image `image` of the engine into `folder`, an empty one: its layout and manifest.

    Raises ActionError for an image that is not there, and where what was saved holds none.
    """
    saved, unpacked = process.piped(
        ("docker", "image", "save", image), ("tar", "--extract", "--directory", str(folder))
    )
    if "no such image" in saved.err.lower() or "does not exist" in saved.err:
        raise ActionError(
            f"the engine has no image {image}: build it (./dev invoke build), or pull it"
        )
    if saved.code or unpacked.code:
        said = saved.tail() if saved.code else unpacked.tail()
        raise ActionError(f"the engine could not save {image}: {said}")
    return saved_image(folder)


def saved_image(folder: Path) -> tuple[Layout, dict[str, Any]]:
    """The one image that was saved into `folder`; raises ActionError where there is none."""
    try:
        value: dict[str, Any] = json.loads((folder / "index.json").read_bytes())
        layout = Layout(folder)
        while "manifests" in value:  # an index may hold an index: the image of several platforms
            here = (
                entry["digest"]
                for entry in value["manifests"]
                if entry.get("platform", {}).get("os") != "unknown"  # an attestation
                and layout.has(entry["digest"])
            )
            value = layout.read_json(next(here))
        layout.read_json(value["config"]["digest"])
    except (OSError, ValueError, KeyError, StopIteration) as error:
        raise ActionError(
            "what the engine saved is no image as Docker Engine 25 and newer saves it "
            f"({type(error).__name__}: {error}); update the engine or report this"
        ) from None
    return layout, value


def load(layout: Layout, image: Descriptor, reference: str) -> None:
    """Load the image manifest `image` of `layout` into the engine as `reference` (with a tag).

    Raises ActionError when the engine refuses.
    """
    manifest = layout.read_json(image.digest)
    layers = [_name(layer["digest"]) for layer in manifest["layers"]]
    config = _name(manifest["config"]["digest"])
    registry = reference.partition("/")[0]
    named = "." in registry or ":" in registry or registry == "localhost"
    names = {
        # Containerd's store names the image by the first, an engine's CLI by the second.
        "io.containerd.image.name": reference if named else f"docker.io/{reference}",
        "org.opencontainers.image.ref.name": reference.rpartition(":")[2],
    }
    entry = image.to_json() | {"annotations": names}
    documents = {
        "oci-layout": {"imageLayoutVersion": "1.0.0"},
        "index.json": {"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]},
        "manifest.json": [{"Config": config, "RepoTags": [reference], "Layers": layers}],
    }
    blobs = {_name(image.digest), config, *layers}
    with tempfile.TemporaryDirectory(dir=layout.folder) as place:
        for name, value in documents.items():
            Path(place, name).write_text(json.dumps(value), encoding="utf-8")
        packed, loaded = process.piped(
            ("tar", "--create", "-C", place, *documents, "-C", str(layout.folder), *blobs),
            ("docker", "image", "load"),
        )
    if loaded.code or packed.code:
        said = loaded.tail() or packed.tail()
        raise ActionError(f"the engine could not load {reference}: {said}")


def _name(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"
