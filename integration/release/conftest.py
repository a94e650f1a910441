"""A maintainer's clone, a registry of the session's own, and the releases made into it."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from jhub_docker.build import builders
from jhub_docker.catalog import ledger
from jhub_docker.registry.access import Access
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import Remote
from jhub_testing.maintainer import PASSWORD, Maintainer, clone
from jhub_testing.registry import Registry
from jhub_testing.resources import Engine


@dataclass(frozen=True)
class Released:
    """What a release left behind, and what it said."""

    image: str
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

    def status(self, image: str) -> dict[str, str]:
        """What `release.status` says of an image."""
        text = self.maintainer.invoke("release.status", "-i", image, "--json")
        (found,) = json.loads(text[text.index("[\n") :])
        return dict(found)

    def make(self, image: str) -> Released:
        """Release an image with what changed.

        Debian mends something every week, and an image that was built before is refused for it:
        then the maintainer lives with that for a while, and says so.
        """
        own = f"--platform={builders.own_platform()}"  # emulated, it would take an hour
        command = ("release", image, own, "--push", self.team, "--yes", "--accept-unreached")
        said = self.maintainer.try_to(*command)
        if found := re.findall(
            r"^  - (\S+) \S+: (\S+) .*allow it with a reason", said, re.MULTILINE
        ):
            self.maintainer.allow(found)
            said = self.maintainer.invoke(*command)
        assert "error:" not in said, said
        version, entry = next(iter(ledger.read(self.maintainer.root / "packages" / image).items()))
        return Released(image, version, entry.digest, entry.build_id, said)

    def tags(self, image: str) -> dict[str, str]:
        """The tags of an image in the registry, with their digests."""
        remote, place = Remote(Access()), Reference.parse(f"{self.team}/{image}")
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
    for image in ("uv-marimo", "uv-lab"):
        for entry in ledger.read(maintainer.root / "packages" / image).values():
            tag = f"local/{image}:{entry.build_id[:12]}"
            if tag not in there:
                engine.client.images.remove(tag)


@pytest.fixture(scope="session")
def first(releases: Releases) -> Released:
    """uv-marimo as it is."""
    releases.maintainer.prove("uv-marimo", releases.status("uv-marimo")["build_id"])
    return releases.make("uv-marimo")


@pytest.fixture(scope="session")
def second(releases: Releases, first: Released) -> Released:
    """uv-marimo with one more package."""
    maintainer = releases.maintainer
    pyproject = maintainer.root / "packages/uv-marimo/pyproject.toml"
    text = pyproject.read_text()
    pyproject.write_text(text.replace('    "pyarrow', '    "tabulate==0.9.0",\n    "pyarrow'))
    maintainer.invoke("lock", "-i", "uv-marimo")
    maintainer.git("commit", "-q", "-a", "-m", "Let marimo print tables")
    refused = maintainer.invoke("release", "uv-marimo", "--yes", succeeds=False)
    assert "its image tests have not passed for the build id" in refused
    maintainer.prove("uv-marimo", releases.status("uv-marimo")["build_id"])
    return releases.make("uv-marimo")
