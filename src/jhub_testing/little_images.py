"""Images of a few files, made on the spot as layouts: what needs an image but no engine."""

import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from jhub_docker.oci.layout import CONFIG, INDEX, LAYER, MANIFEST, Descriptor, Layout
from jhub_testing.archives import Files, archive


def manifest(
    layout: Layout,
    layers: Sequence[Files],
    labels: Mapping[str, str] | None = None,
    platform: str = "linux/amd64",
    created: str = "1970-01-01T00:00:00Z",
) -> Descriptor:
    """Add an image with these layers, lowest first, gzipped; returns its manifest's descriptor."""
    plain = [archive(files) for files in layers]
    system, architecture = platform.split("/")
    config = {
        "architecture": architecture,
        "created": created,
        "os": system,
        "config": {"Labels": dict(labels or {})},
        "rootfs": {
            "type": "layers",
            "diff_ids": [f"sha256:{hashlib.sha256(data).hexdigest()}" for data in plain],
        },
    }
    value = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": layout.add_json(config, CONFIG).to_json(),
        "layers": [
            layout.add(gzip.compress(data, mtime=0), f"{LAYER}+gzip").to_json() for data in plain
        ],
    }
    return replace(layout.add_json(value, MANIFEST), platform=platform)


def index(layout: Layout, manifests: Sequence[Descriptor]) -> Descriptor:
    """Add an index over the images."""
    entries = [entry.to_json() for entry in manifests]
    return layout.add_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}, INDEX)


def distribution(
    name: str, version: str, site: str = "opt/venv/lib/python3.11/site-packages", extra: str = ""
) -> dict[str, bytes]:
    """The files of an installed Python package, as an installer leaves them."""
    info = f"{site}/{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n{extra}\n"
    record = f"{name}/__init__.py,,\n{name}-{version}.dist-info/METADATA,,\n"
    return {
        f"{site}/{name}/__init__.py": b"x = 1\n",
        f"{site}/{name}/__pycache__/__init__.cpython-311.pyc": b"bytecode",
        f"{info}/METADATA": metadata.encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nTag: py3-none-any\n",
        f"{info}/RECORD": record.encode(),
    }


def node_package(folder: str, name: str, version: str, **fields: str) -> dict[str, bytes]:
    """The package.json of an installed Node package."""
    value = {"name": name, "version": version, **fields}
    return {f"{folder}/package.json": json.dumps(value).encode()}


def debian(packages: Mapping[str, str]) -> dict[str, bytes]:
    """The database of an installed Debian 12 with these packages."""
    paragraphs = [
        f"Package: {name}\nStatus: install ok installed\nInstalled-Size: 7\n"
        f"Architecture: amd64\nVersion: {version}\nDescription: one\n two\n"
        for name, version in packages.items()
    ]
    return {
        "usr/lib/os-release": b'ID=debian\nVERSION_ID="12"\n',
        "var/lib/dpkg/status": "\n".join(paragraphs).encode(),
    }
