"""A maintainer's clone, a registry of the session's own, and the releases made into it."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from jhub_docker.build import builders
from jhub_docker.catalog import ledger, load
from jhub_docker.catalog.ledger import Entry
from jhub_docker.oci.layout import Layout
from jhub_docker.registry.access import Access
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import Remote
from jhub_docker.registry.version_tags import publish_tags
from jhub_testing import little_images
from jhub_testing.maintainer import PASSWORD, Maintainer, clone
from jhub_testing.ownership import SESSION
from jhub_testing.registry import Registry
from jhub_testing.resources import Engine

IMAGE, REPOSITORY = "backup", "jupyterhub-backup"
"""What is released: of the images with an environment of their own the smallest."""


@dataclass(frozen=True)
class Released:
    """What a release left behind, and what it said."""

    version: str
    digest: str
    build_id: str
    said: str


@dataclass
class Releases:
    """Makes releases, and tells what the registry shows."""

    maintainer: Maintainer
    registry: Registry

    @property
    def team(self) -> str:
        return f"{self.registry.address}/team"

    @property
    def folder(self) -> Path:
        """What the image is made of."""
        return self.maintainer.root / "packages" / IMAGE

    @property
    def place(self) -> str:
        """Where the registry has the image."""
        return f"{self.team}/{REPOSITORY}"

    def status(self) -> dict[str, str]:
        """What `release.status` says of the image."""
        text = self.maintainer.invoke("release.status", "-i", IMAGE, "--json")
        (found,) = json.loads(text[text.index("[\n") :])
        return dict(found)

    def make(self) -> Released:
        """Release the image with what changed.

        Debian mends something every week, and an image that was built before is refused for it:
        then the maintainer lives with that for a while, and says so.
        """
        own = f"--platform={builders.own_platform()}"  # emulated, it would take an hour
        command = ("release", IMAGE, own, "--push", self.team, "--yes", "--accept-unreached")
        said = self.maintainer.try_to(*command)
        if found := re.findall(
            r"^  - (\S+) \S+: (\S+) .*allow it with a reason", said, re.MULTILINE
        ):
            self.maintainer.allow(found)
            said = self.maintainer.invoke(*command)
        assert "error:" not in said, said
        version, entry = next(iter(ledger.read(self.folder).items()))
        return Released(version, entry.digest, entry.build_id, said)

    def tags(self) -> dict[str, str]:
        """The tags of the image in the registry, with their digests."""
        remote, place = Remote(Access()), Reference.parse(self.place)
        found = {}
        for tag in remote.tags(place):
            if not tag.startswith("sha256-"):
                resolved = remote.resolve(place.tagged(tag))
                assert resolved
                found[tag] = resolved.digest
        return found


@pytest.fixture(scope="session")
def releases(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config, engine: Engine
) -> Iterator[Releases]:
    """A clone with a key pair in it, and an empty registry."""
    folder = tmp_path_factory.mktemp("releases")
    variables = {
        "COSIGN_PASSWORD": PASSWORD,
        "JHUB_SIGNING_KEY": str(folder / "keys" / "cosign.key"),
    }
    there = {tag for image in engine.client.api.images() for tag in image.get("RepoTags") or ()}
    maintainer = clone(pytestconfig.rootpath, folder / "clone", variables)
    maintainer.invoke("release.key")
    maintainer.git("add", "cosign.pub")
    maintainer.git("commit", "-q", "-m", "Add the public key of releases")
    (folder / "registry").mkdir()
    with Registry(folder / "registry") as registry:
        yield Releases(maintainer, registry)
    for entry in ledger.read(maintainer.root / "packages" / IMAGE).values():
        tag = f"local/{REPOSITORY}:{entry.build_id[:12]}"
        if tag not in there:
            engine.client.images.remove(tag)


@dataclass(frozen=True)
class Left:
    """What a release of one image has to leave alone: files, images of the engine, by name."""

    files: dict[str, bytes]
    images: dict[str, str]


@dataclass(frozen=True)
class Made:
    """A real release, and what all the rest was before and after it."""

    released: Released
    before: Left
    after: Left


def left(releases: Releases, engine: Engine) -> Left:
    """What there is now: everything below `packages/`, and the tags of this project's images.

    Those that tests make come and go meanwhile.
    """
    root = releases.maintainer.root
    repositories = {spec.repository for spec in load(root / "packages").specs.values()}
    return Left(
        {
            path.relative_to(root).as_posix(): path.read_bytes()
            for path in (root / "packages").rglob("*")
            if path.is_file()
        },
        {
            tag: image["Id"]
            for image in engine.client.api.images()
            for tag in image.get("RepoTags") or ()
            if tag.rpartition(":")[0] in repositories and SESSION not in (image["Labels"] or {})
        },
    )


@pytest.fixture(scope="session")
def first(releases: Releases, tmp_path_factory: pytest.TempPathFactory) -> Released:
    """The image as it is, as if it had been released: ledger and tag are, the image is a file.

    A real one would take minutes and show what the second shows.
    """
    maintainer, folder = releases.maintainer, releases.folder
    layout = Layout(tmp_path_factory.mktemp("first"))
    index = little_images.index(layout, [little_images.manifest(layout, [{"first": b"1"}])])
    version = load(maintainer.root / "packages")[IMAGE].version
    remote = Remote(Access())
    image = remote.push(layout, index, Reference.parse(releases.place))
    publish_tags(remote, image, version)
    build_id = releases.status()["build_id"]
    commit = maintainer.git("rev-parse", "HEAD")
    ledger.write(folder, {version: Entry(commit, "2026-01-01", build_id, index.digest)})
    maintainer.git("add", "--all")
    maintainer.git("commit", "-q", "-m", f"Record {IMAGE} {version}")
    maintainer.git("tag", "-a", "-m", "The first", f"{IMAGE}-v{version}")
    return Released(version, index.digest, build_id, "")


@pytest.fixture(scope="session")
def made(releases: Releases, first: Released, engine: Engine) -> Made:
    """The image with one more package, really released."""
    maintainer = releases.maintainer
    assert releases.status()["next"] is None
    pyproject = releases.folder / "pyproject.toml"
    text, begins = pyproject.read_text(), "dependencies = ["
    assert begins in text
    pyproject.write_text(text.replace(begins, f'{begins}"tabulate==0.9.0", '))
    maintainer.invoke("lock", "-i", IMAGE)
    maintainer.git("commit", "-q", "-a", "-m", "Print tables")
    refused = maintainer.invoke("release", IMAGE, "--yes", succeeds=False)
    assert f"the integration tests have not passed with {IMAGE}" in refused
    maintainer.prove()
    before = left(releases, engine)
    released = releases.make()
    return Made(released, before, left(releases, engine))
