"""The benchmark `size`: what each image adds to its public base, layer by layer and by folder."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from docker import DockerClient

from jhub_bench import peer_images, plans
from jhub_bench.figures import Figure
from jhub_docker.catalog import Catalog, ImageSpec
from jhub_docker.catalog.identity import LABEL

UNSTRIPPED_CODE_SERVER = 632.0
"""MB of `npm install -g code-server@4.139.1`, measured once; a reference, not measured here."""

LARGEST = 8
"""How many folders are listed for each image."""

# One call for each: du counts a file once, in the first folder that it is asked about.
_MEASURE = """
for folder in "$1"/lib/python*/site-packages "$1" "$1/share/jupyter" /opt/code-server/lib \
    /opt/code-server/lib/vscode; do
    [ ! -d "$folder" ] || du -k -d 1 "$folder"
done
"""


_PEER = (
    "the same dependencies and parents, installed by a plain `uv sync --locked`, which leaves uv's "
    "cache in the layer and compiles no bytecode"
)


def measure(client: DockerClient, root: Path, catalog: Catalog) -> list[Figure]:
    """Size above the base of each published image, and of code-server's own layers."""
    references = plans.references(client, catalog)
    peers = peer_images.build_images(client, root, catalog.published, references)
    figures = []
    for spec in catalog.published:
        base = next(one for one in catalog.lineage(spec.name) if one.public)
        layers = _layers(client, references[spec.name], references[base.name])
        peer = peers.get(spec.name)
        theirs = [_total(_layers(client, peer, references[base.name]))] if peer else []
        folders = _folders(client, references[spec.name], spec)
        figures.append(
            Figure(
                benchmark="size",
                subject=spec.name,
                unit="MB",
                ours=(_total(layers),),
                peer=tuple(theirs),
                peer_name=_PEER if peer else "",
                note="Uncompressed, above the public base or its stand-in.",
                details=(*[(f"layer: {what}", size) for what, size in layers], *folders),
            )
        )
    if "code-server" in catalog.specs:
        spec = catalog["code-server"]
        layers = _layers(client, references[spec.name], references[spec.base])
        figures.append(
            Figure(
                benchmark="size",
                subject="code-server layer",
                unit="MB",
                ours=(_total(layers),),
                peer=(UNSTRIPPED_CODE_SERVER,),
                peer_name="code-server as npm installs it, a stated figure without Node",
                note="code-server with its Node, shared by the images that offer VS Code.",
            )
        )
    return figures


def _total(layers: Iterable[tuple[str, float]]) -> float:
    return sum(size for _, size in layers)


def _layers(client: DockerClient, image: str, base: str) -> list[tuple[str, float]]:
    history = client.api.history(image)
    return above(history, len(client.api.history(base)))


def above(history: Sequence[Mapping[str, Any]], base_entries: int) -> list[tuple[str, float]]:
    """What made each layer above the base and its size in MB, oldest first, empty ones left out.

    `history` is newest first, as the engine gives it; its last `base_entries` are the base's.
    """
    own = history[: len(history) - base_entries]
    return [
        (step_name(str(entry["CreatedBy"])), entry["Size"] / 1e6)
        for entry in reversed(own)
        if entry["Size"] > 0
    ]


def step_name(created_by: str) -> str:
    """A layer's instruction in short: what it runs, without shell, mounts and BuildKit's notes."""
    text = re.sub(r"^RUN (\|\d+ .*?)?/bin/sh -c |# buildkit$", "", created_by)
    text = re.sub(r"--mount=\S+", "", text)
    text = " ".join(text.replace("\\", " ").split())
    return text if len(text) <= 70 else text[:69] + "…"


def _folders(client: DockerClient, image: str, spec: ImageSpec) -> list[tuple[str, float]]:
    output = client.containers.run(
        image,
        ["sh", "-c", _MEASURE, "sh", spec.environment],
        entrypoint="",
        user="0",
        network_mode="none",
        remove=True,
        labels={f"{LABEL}.bench": "size"},
    )
    return largest(output.decode().splitlines())


def largest(lines: Iterable[str], count: int = LARGEST) -> list[tuple[str, float]]:
    """The largest folders of what `du -k` printed, in MB; one that holds others listed is not."""
    sizes: dict[str, float] = {}
    for line in lines:
        kilobytes, _, path = line.partition("\t")
        sizes[path] = int(kilobytes) * 1024 / 1e6
    inner = [path for path in sizes if not any(other.startswith(f"{path}/") for other in sizes)]
    ordered = sorted(inner, key=lambda path: (-sizes[path], path))
    shown = {path: re.sub(r"^.*/site-packages/", "site-packages/", path) for path in ordered}
    return [(f"folder: {shown[path]}", sizes[path]) for path in ordered[:count]]
