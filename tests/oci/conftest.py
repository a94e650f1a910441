"""What the tests of registries share: a real registry, and small images made on the spot."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jhub_docker.oci.layout import CONFIG, INDEX, LAYER, MANIFEST, Descriptor, Layout
from jhub_docker.registry.access import Access
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import Remote
from jhub_testing.registry import Registry

MakeImage = Callable[..., Descriptor]


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    folder = tmp_path / "registry"
    folder.mkdir()
    with Registry(folder) as running:
        yield running


@pytest.fixture
def repository(registry: Registry) -> Reference:
    return Reference.parse(f"{registry.address}/team/uv-lab")


@pytest.fixture
def remote() -> Remote:
    return Remote(Access(), pauses=(0.1, 0.1, 0.1))


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "layout")


@pytest.fixture
def make_image(layout: Layout) -> MakeImage:
    """Adds an index of one image with such layers to the layout, and returns its descriptor."""

    def make(*layers: bytes) -> Descriptor:
        config = layout.add_json({"os": "linux", "architecture": "amd64"}, CONFIG)
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config.to_json(),
            "layers": [layout.add(data, LAYER).to_json() for data in layers],
        }
        image = layout.add_json(manifest, MANIFEST)
        platform = {"platform": {"os": "linux", "architecture": "amd64"}}
        entries = [image.to_json() | platform]
        return layout.add_json(
            {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}, INDEX
        )

    return make
