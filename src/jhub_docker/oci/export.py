"""From an image in the engine to an OCI image whose bytes follow from what it was built from.

Two builds of the same inputs differ in times, in the order of files, in how an engine packs layers.
All that is written anew here, so what the digest still depends on is the files themselves.
"""

import hashlib
import io
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import zstandard

from jhub_docker.oci import canonical, content, engine
from jhub_docker.oci.layout import CHUNK, CONFIG, INDEX, LAYER, MANIFEST, Descriptor, Layout

LEVEL = 6
"""zstd's level: the last one before time grows faster than size shrinks, measured on uv-lab."""

# Image specification 1.1, config.md; those of the second line are Docker's, and engines heed them.
_SETTINGS = (
    *("User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir", "Labels"),
    *("StopSignal", "ArgsEscaped", "Healthcheck", "OnBuild", "Shell"),
)
_PLATFORM = ("os", "architecture", "variant", "os.version", "os.features")
_HISTORY = ("created_by", "author", "comment", "empty_layer")


def export(image: str, layout: Layout, *, epoch: int, labels: Mapping[str, str]) -> Descriptor:
    """Write the image `image` of the engine into `layout`; returns its manifest's descriptor.

    `image` is a reference or an id. `epoch` (seconds since 1970; the commit's time) is the time
    the configuration says it was made; the files' times do not depend on it (`canonical.LATEST`).
    `labels` override the image's own; one without a value is taken away.

    Raises ActionError when the engine does not have the image or cannot save it.
    """
    with tempfile.TemporaryDirectory(dir=layout.folder, prefix="saving-") as scratch:
        saved, manifest = engine.save(image, Path(scratch))
        original = saved.read_json(manifest["config"]["digest"])
        made = [convert(saved, layer, layout) for layer in content.layers(manifest)]
    config = configuration(original, [one[1] for one in made], epoch=epoch, labels=labels)
    value = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": layout.add_json(config, CONFIG).to_json(),
        "layers": [blob.to_json() for blob, _ in made],
    }
    platform = "/".join(config[key] for key in _PLATFORM[:3] if key in config)
    return replace(layout.add_json(value, MANIFEST), platform=platform)


def convert(
    saved: Layout, layer: Descriptor, layout: Layout, threads: int | None = None
) -> tuple[Descriptor, str]:
    """Convert a layer of the layout `saved` and add it to `layout`.

    It becomes the canonical archive of its files (`canonical`), compressed by the zstandard wheel,
    which brings its own libzstd: the same bytes on every machine, whatever `threads` is. Returns
    its blob, and its diff ID, the digest of the archive.
    """
    # From one thread on their number does not change the result; 0 would be another form.
    # No size in the frame's header: it is not known before the archive is written.
    compressor = zstandard.ZstdCompressor(
        level=LEVEL,
        threads=threads or os.cpu_count() or 1,
        write_content_size=False,
        write_checksum=True,
    ).compressobj()
    sha = hashlib.sha256()
    with (
        tempfile.TemporaryDirectory(dir=layout.folder, prefix="writing-") as place,
        content.unpacked(saved, layer) as stream,
        Path(place, "plain").open("w+b") as plain,
    ):
        seekable = isinstance(stream, io.BufferedReader)  # the file itself
        if not seekable:
            shutil.copyfileobj(stream, plain, CHUNK)
            plain.seek(0)
        with Path(place, "blob").open("wb") as blob:
            for piece in canonical.pieces(stream if seekable else plain):
                sha.update(piece)
                blob.write(compressor.compress(piece))
            blob.write(compressor.flush())
        taken = layout.take(Path(place, "blob"), f"{LAYER}+zstd")
    return taken, f"sha256:{sha.hexdigest()}"


def index(
    layout: Layout, manifests: Sequence[Descriptor], annotations: Mapping[str, str]
) -> Descriptor:
    """Add the index of one image over its platforms; returns its descriptor."""
    value = {
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [m.to_json() for m in sorted(manifests, key=lambda m: m.platform)],
        "annotations": dict(annotations),
    }
    return layout.add_json(value, INDEX)


def instant(epoch: int) -> str:
    """Seconds since 1970 as configurations and labels have them (RFC 3339)."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def configuration(
    original: Mapping[str, Any],
    diff_ids: Sequence[str],
    *,
    epoch: int,
    labels: Mapping[str, str],
) -> dict[str, Any]:
    """The image's configuration with nothing in it that another build would write otherwise."""
    settings = {key: original["config"][key] for key in _SETTINGS if original["config"].get(key)}
    named = {**settings.get("Labels", {}), **labels}
    settings["Labels"] = {key: value for key, value in named.items() if value}
    created = instant(epoch)
    history = [
        {key: entry[key] for key in _HISTORY if entry.get(key)} | {"created": created}
        for entry in original.get("history", ())
    ]
    return {
        **{key: original[key] for key in _PLATFORM if original.get(key)},
        "created": created,
        "config": settings,
        "rootfs": {"type": "layers", "diff_ids": list(diff_ids)},
        "history": history,
    }
