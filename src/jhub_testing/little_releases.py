"""A release of a little image in a registry with its records and signatures, and its checkout."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jhub_docker.catalog.identity import LABEL, OCI
from jhub_docker.oci.layout import Descriptor, Layout
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import Remote
from jhub_docker.release.record import keys
from jhub_docker.release.record.keys import Key
from jhub_docker.release.record.records import Records
from jhub_docker.release.record.verify import Report, verify
from jhub_testing import little_images
from jhub_testing.archives import Files
from jhub_testing.little_images import debian, distribution, node_package

PASSWORD = "a password that nobody may see"  # noqa: S105 - of keys made for one test run
COMMIT = "c0ffee" + "0" * 34
BUILD_ID = "b1d" + "0" * 61
BASE = "sha256:" + "ba5e" * 16
VERSION = "1.2.0"
IMAGE: Files = {
    **debian({"bash": "5.2-1"}),
    "opt/venv/pyvenv.cfg": b"version_info = 3.11.2\n",
    **distribution("web", "3.0"),
    **node_package("opt/code-server", "code-server", "4.1.0"),
    "opt/data": bytes(range(256)) * 64,
}
LABELS = {
    f"{LABEL}.package": "uv-thing",
    f"{LABEL}.build-id": BUILD_ID,
    f"{LABEL}.base": "public",
    f"{OCI}.title": "local/uv-thing",
    f"{OCI}.version": VERSION,
    f"{OCI}.revision": COMMIT,
    f"{OCI}.base.name": "registry.example.org/base:1",
    f"{OCI}.base.digest": BASE,
}
LOCK = """
version = 1
[[package]]
name = "uv-thing"
version = "1.2.0"
source = { virtual = "." }
dependencies = [{ name = "web" }]
[[package]]
name = "web"
version = "3.0"
source = { registry = "https://example.org/simple" }
"""


def make_checkout(folder: Path) -> Path:
    """A checkout with one image package; returns its `packages`."""
    package = folder / "packages" / "uv-thing"
    package.mkdir(parents=True)
    (package / "Dockerfile").write_text("FROM base\n")
    (package / "uv.lock").write_text(LOCK)
    (package / "pyproject.toml").write_text(
        f'[project]\nname = "uv-thing"\nversion = "{VERSION}"\ndescription = "A thing."\n'
        '[tool.jhub-docker]\nbase = "debian"\n'
    )
    return package.parent


def build(
    layout: Layout,
    layers: tuple[Files, ...] = (IMAGE,),
    platforms: tuple[str, ...] = ("linux/amd64",),
    labels: Mapping[str, str] = LABELS,
) -> Descriptor:
    """An index of the image, as an export makes it."""
    created = "2023-11-14T22:13:20Z"
    manifests = [
        little_images.manifest(layout, layers, labels, platform, created) for platform in platforms
    ]
    return little_images.index(layout, manifests)


def make_key(folder: Path) -> tuple[Key, Path]:
    """A new key pair, the public key in a new folder and the private one beside it."""
    folder.mkdir(parents=True)
    private = folder.with_suffix(".private")
    _, public = keys.make_pair(folder, {keys.KEY: str(private), keys.PASSWORD: PASSWORD})
    return Key(private, PASSWORD), public


@dataclass
class Release:
    """A released image and what is needed to tamper with it."""

    remote: Remote
    layout: Layout
    index: Descriptor
    image: Reference
    records: Records
    key: Key
    trust: Path
    storage: Path

    @property
    def digest(self) -> str:
        """The digest of the image for its one platform."""
        (entry,) = (entry for entry, _ in self.layout.manifests(self.index))
        return entry.digest

    @property
    def manifest(self) -> Reference:
        """The image for its one platform."""
        return self.image.at(self.digest)

    def blob(self, digest: str) -> Path:
        """The file in which the registry has a blob."""
        name = digest.removeprefix("sha256:")
        blobs = self.storage / "docker/registry/v2/blobs/sha256"
        return blobs / name[:2] / name / "data"

    def push(self, index: Descriptor, tag: str = VERSION) -> Reference:
        """Push another image under the tag."""
        image = self.remote.push(self.layout, index, self.image)
        self.remote.tag(image, tag)
        return image

    def verify(self, tag: str = VERSION, **options: Any) -> Report:
        """Verify what is under the tag, or `@digest`."""
        image = self.image.at(tag[1:]) if tag.startswith("@") else self.image.tagged(tag)
        return verify(self.remote, image, self.trust, **options)
