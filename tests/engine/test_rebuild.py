"""A release built again from its record: the same digest, or what differs and why.

The images are a few bytes on the root file system that stand-ins are made from; the registry and
the signatures are real.
"""

import contextlib
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from docker import DockerClient
from docker.errors import ImageNotFound

from jhub_docker import engine
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.oci.layout import Layout
from jhub_docker.registry.access import Access
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import Remote
from jhub_docker.release import artifact, history, rebuild
from jhub_docker.release.record.keys import Key
from jhub_docker.release.record.records import make_records, sign
from jhub_testing import little_images
from jhub_testing.little_releases import make_key
from jhub_testing.registry import Registry

EPOCH_FREE = "RUN echo the same >/opt/file\n"
MOVING = """\
RUN random() { tr -dc 1-9 </proc/sys/kernel/random/uuid | head -c 6; } \\
    && random >/opt/random && chmod 60$(random | tr 1-9 04040404 | head -c 1) /opt/file \\
    && printf '\\nPackage: moving\\nStatus: install ok installed\\nVersion: %s\\n' "$(random)" \\
       >>/var/lib/dpkg/status \\
    && mkdir -p /opt/x/__pycache__ && random >/opt/x/__pycache__/x.cpython-311.pyc
"""


@dataclass
class Place:
    """A checkout with one image package on a base, and what was released of it.

    The packages' names are no other test's or session's: the engine remembers by them for which
    bases there are stand-ins.
    """

    root: Path
    client: DockerClient
    remote: Remote
    repository: Reference
    key: Key
    trust: Path
    scratch: Path
    prefix: str
    image: str

    def git(self, *arguments: str) -> None:
        identity = ["-c", "user.name=T", "-c", "user.email=t@example.org"]
        command = ["git", "-C", str(self.root), *identity, *arguments]
        subprocess.run(command, check=True, capture_output=True)

    def commit(self, dockerfile: str) -> str:
        (self.root / "packages" / self.image / "Dockerfile").write_text(f"FROM base\n{dockerfile}")
        self.git("add", ".")
        self.git("commit", "--quiet", "--allow-empty", "-m", "A change")
        return history.head(self.root)

    def tags(self) -> set[str]:
        """The tags of this checkout's images; others use the engine too."""
        found = {tag for image in self.client.api.images() for tag in image.get("RepoTags") or ()}
        return {tag for tag in found if tag.startswith(self.prefix)}

    def release(self, dockerfile: str) -> Reference:
        """Build, push and sign, as a release does."""
        commit = self.commit(dockerfile)
        epoch = history.commit_time(self.root, commit)
        layout = Layout(self.scratch / commit)
        made = artifact.make(
            self.root, self.image, version="1.2.0", commit=commit, epoch=epoch,
            layout=layout,
        )  # fmt: skip
        image = self.remote.push(layout, made.index, self.repository)
        sign(self.remote, image, make_records(layout, made.index, made.source), self.key)
        self.remote.tag(image, "1.2.0")
        return self.repository.tagged("1.2.0")

    def rebuild(self, reference: Reference, **options: bool) -> rebuild.Outcome:
        image, was = rebuild.find(self.remote, reference, self.trust)
        return rebuild.rebuild(self.root, self.remote, image, was, **options)


def package(root: Path, name: str, base: str, own: str, repository: str) -> None:
    folder = root / "packages" / name
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM base\n")
    (folder / ".dockerignore").write_text("*\n!Dockerfile\n")
    (folder / "pyproject.toml").write_text(
        f'[project]\nname = "{name}"\nversion = "1.2.0"\ndescription = "A test image."\n'
        f'[tool.jhub-docker]\nbase = "{base}"\nimage = "{repository}"\nenvironment = ""\n{own}\n'
    )


@pytest.fixture
def place(tmp_path: Path, key: tuple[Key, Path]) -> Iterator[Place]:
    root, client = tmp_path / "checkout", engine.client()
    image = f"little-{secrets.token_hex(4)}"
    prefix = f"jhub-test/{image}"
    # Nobody answers there, so a stand-in takes the place of the public base.
    public = '[tool.jhub-docker.public]\nbookworm = "127.0.0.1:9/none:1"'
    package(root, f"base-{image}", "debian", f"publish = false\n{public}", f"{prefix}-base")
    package(root, image, f"base-{image}", "", f"{prefix}-own")
    (root / ".gitignore").write_text(".dev/\n")
    (tmp_path / "registry").mkdir()
    with Registry(tmp_path / "registry") as registry:
        made = Place(
            root, client, Remote(Access(), pauses=(0.2, 0.5, 1)),
            Reference.parse(f"{registry.address}/team/{image}-own"), *key, tmp_path, prefix, image,
        )  # fmt: skip
        made.git("init", "--quiet", "-b", "main")
        yield made
    for tag in made.tags():
        with contextlib.suppress(ImageNotFound):
            client.api.remove_image(tag, force=True)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> tuple[Key, Path]:
    return make_key(tmp_path_factory.mktemp("key") / "key")


def test_a_release_becomes_the_same_again_on_an_empty_cache(place: Place) -> None:
    reference = place.release(EPOCH_FREE)
    before = place.tags()
    place.commit("RUN echo later >/opt/file\n")  # the checkout went on
    found = place.rebuild(reference, no_cache=True)
    assert found.same
    assert found.differences == ()
    assert [one.digest for one in place.remote.platforms(reference)] == [found.after]
    assert place.tags() == before, "nothing of it stays, nothing else is touched"
    assert list((place.root / rebuild.FOLDER / place.image).iterdir()) == []
    assert place.rebuild(reference).same


def test_what_differs_is_named_file_by_file(place: Place) -> None:
    found = place.rebuild(place.release(EPOCH_FREE + MOVING), no_cache=True)
    assert not found.same
    moved, *lines = found.differences
    assert moved.startswith("deb/debian/moving in / is ")
    (layer,) = [number for number, line in enumerate(lines) if line.startswith("layer ")]
    assert ", by RUN /bin/sh -c random()" in lines[layer]
    for path in ("opt/random", "opt/x/__pycache__/x.cpython-311.pyc", "var/lib/dpkg/status"):
        assert f"  {path}: content" in lines[layer:]


def test_the_same_image_twice_from_head(place: Place) -> None:
    place.commit(EPOCH_FREE)
    assert rebuild.twice(place.root, place.image).same
    place.commit(EPOCH_FREE + MOVING)
    found = rebuild.twice(place.root, place.image)
    assert found.differences[-1].startswith("  var/lib/dpkg/status: ")


def test_what_cannot_be_built_here_is_told_before_anything_is_built(place: Place) -> None:
    image, was = rebuild.find(place.remote, place.release(EPOCH_FREE), place.trust)
    before = place.tags()
    claims: tuple[tuple[dict[str, str], type[Exception], str], ...] = (
        ({"commit": "c0ffee" + "0" * 34}, ActionError, "which this checkout does not have"),
        ({"lane": "trixie"}, UsageError, "set JHUB_DOCKER_LANE=trixie"),
        (
            {"base": "public", "base_name": "127.0.0.1:9/none:1"},
            ActionError,
            r"127\.0\.0\.1:9/none:1 .* cannot be had here",
        ),
    )
    for claimed, error, said in claims:
        other = replace(was, **claimed)  # type: ignore[arg-type]
        with pytest.raises(error, match=said):
            rebuild.rebuild(place.root, place.remote, image, other, no_cache=True)
    assert place.tags() == before


def test_a_public_base_is_pulled_as_it_was(place: Place, tmp_path: Path) -> None:
    """By its recorded digest, though its tag names another image by now."""
    base = replace(place.repository, repository=f"{place.prefix}/public", tag="1")
    first, second = (push_base(place, tmp_path / name, base) for name in ("first", "second"))
    place.remote.tag(first, "1")
    declaration = place.root / f"packages/base-{place.image}/pyproject.toml"
    declaration.write_text(declaration.read_text().replace("127.0.0.1:9/none:1", str(base)))
    reference = place.release("ENV A=1\n")
    _, was = rebuild.find(place.remote, reference, place.trust)
    assert was.base_digest == first.digest
    for tag in (*place.tags(), str(base)):
        place.client.api.remove_image(tag, force=True)
    place.remote.tag(second, "1")
    try:
        assert place.rebuild(reference, no_cache=True).same
    finally:
        place.client.api.remove_image(str(base), force=True)


def push_base(place: Place, folder: Path, base: Reference) -> Reference:
    """Push a little image with one file that nothing else has."""
    layout = Layout(folder)
    manifest = little_images.manifest(layout, [{"opt/base": folder.name.encode()}])
    return place.remote.push(layout, little_images.index(layout, [manifest]), base)


def test_a_record_signed_by_somebody_else_is_not_built(place: Place, tmp_path: Path) -> None:
    reference = place.release(EPOCH_FREE)
    _, stranger = make_key(tmp_path / "stranger")
    with pytest.raises(ActionError, match="cannot be trusted; failed: signatures, attestations"):
        replace(place, trust=stranger).rebuild(reference)
    with pytest.raises(UsageError, match="is not in the registry"):
        place.rebuild(place.repository.tagged("9.9.9"))
