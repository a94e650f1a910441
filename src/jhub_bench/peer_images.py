"""The peer's images: the dependencies of ours, installed as seed/Dockerfile says and no further.

An image is built once and kept, since it is the same until the dependencies change.
"""

import json
import os
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from docker import DockerClient

from jhub_bench.selection import COMPILED
from jhub_docker.build import bake
from jhub_docker.catalog import ImageSpec
from jhub_docker.catalog.identity import LABEL, digest
from jhub_docker.errors import ActionError
from jhub_docker.host import machine
from jhub_docker.progress import say, stage

IMAGE_LABEL = f"{LABEL}.bench-peer"
"""On a peer image: the sha256 of what it was made from. It is kept for the next run."""

SEED = "jhub_bench.seed"


def project(pyproject: Mapping[str, Any]) -> str:
    """The pyproject.toml of the peer: the same dependencies, none of our overrides or settings."""
    declared, uv = pyproject["project"], pyproject.get("tool", {}).get("uv", {})
    # A JSON text or list of texts is TOML as well.
    lines = [
        "[project]",
        f"name = {json.dumps(declared['name'])}",
        f"version = {json.dumps(declared['version'])}",
        f"requires-python = {json.dumps(declared['requires-python'])}",
        f"dependencies = {json.dumps(declared['dependencies'])}",
        "",
        "[tool.uv]",
        "package = false",
    ]
    if "environments" in uv:
        lines.append(f"environments = {json.dumps(uv['environments'])}")
    return "\n".join(lines) + "\n"


def build_images(
    client: DockerClient,
    root: Path,
    specs: Iterable[ImageSpec],
    references: Mapping[str, str],
    *,
    compiled: bool = False,
) -> dict[str, str]:
    """Build the peer of each image unless an earlier run did; returns the references by package.

    An image without Python dependencies has none. `references` are the images of the packages that
    ours are built from. With `compiled` it is the second peer, whose environment has bytecode.
    """
    log = root / ".dev" / "logs" / "bench-peer.jsonl"
    log.parent.mkdir(parents=True, exist_ok=True)
    found = {}
    for spec in specs:
        declared = tomllib.loads((spec.folder / "pyproject.toml").read_text(encoding="utf-8"))
        if not declared["project"].get("dependencies"):
            continue
        name = spec.name + (COMPILED if compiled else "")
        files = {
            "pyproject.toml": project(declared),
            "uv.lock": (spec.folder / "uv.lock").read_text(),
            "Dockerfile": (resources.files(SEED) / "Dockerfile").read_text(),
        }
        contexts = {"base": references[spec.base], "build-tools": references["build-tools"]}
        arguments = {"UV_COMPILE_BYTECODE": "1"} if compiled else {}
        identity = digest([files, contexts, arguments])
        reference = f"jhub-docker-bench/peer-{name}:{identity[:12]}"
        mine = {"label": f"{IMAGE_LABEL}-package={name}"}
        tags = {tag for image in client.images.list(filters=mine) for tag in image.tags}
        if reference not in tags:
            with stage(f"building the peer of {name}"):
                target = {
                    "contexts": {key: f"docker-image://{value}" for key, value in contexts.items()},
                    "labels": {IMAGE_LABEL: identity, f"{IMAGE_LABEL}-package": name},
                    "tags": [reference],
                    "args": arguments,
                }
                _build(name, target, files, log)
        for tag in tags - {reference}:
            client.images.remove(tag, force=True)
        found[spec.name] = reference
    return found


def _build(name: str, target: dict[str, Any], files: Mapping[str, str], log: Path) -> None:
    ca_bundle = machine.ca_bundle()
    proxies = {key for name in bake.PROXY_VARIABLES for key in (name, name.lower())}
    with tempfile.TemporaryDirectory(prefix="bench-peer-") as folder, log.open("a") as events:
        for file, text in files.items():
            (Path(folder) / file).write_text(text, encoding="utf-8")
        target |= {
            "context": folder,
            "args": target["args"] | {key: os.environ[key] for key in proxies & os.environ.keys()},
            "secret": [f"id=ca-bundle,src={ca_bundle}"] if ca_bundle else [],
            "output": ["type=docker"],
        }
        outcome = bake.run(
            {"group": {"default": {"targets": [name]}}, "target": {name: target}},
            show=say,
            log=events,
        )
    if not outcome.succeeded:
        raise ActionError(f"the peer of {name}: {outcome.errors.get(name) or outcome.message}")
