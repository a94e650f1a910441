"""An image for two platforms, from its declaration to a verified release, on any machine.

What it is made from is a public base of both platforms in a registry of the test's own, and nothing
in its build runs, so that no emulation is needed. Real are engine, builder, registry and cosign.
"""

import contextlib
import platform as machine
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker import DockerClient
from docker.errors import ImageNotFound

from jhub_docker.build import builders, builds, marks, planning
from jhub_docker.build.builders import Way
from jhub_docker.catalog import PLATFORMS, identity, load
from jhub_docker.oci.content import read_files
from jhub_docker.oci.layout import Layout
from jhub_docker.registry.access import Access
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import Remote
from jhub_docker.release import artifact
from jhub_docker.release.artifact import Artifact
from jhub_docker.release.record.records import make_records, sign
from jhub_docker.release.record.verify import verify
from jhub_testing import little_images
from jhub_testing.little_images import debian
from jhub_testing.little_releases import make_key
from jhub_testing.registry import Registry
from jhub_testing.resources import Engine

COMMIT, EPOCH = "c0ffee" + "0" * 34, 1_790_000_000
OWN = {"x86_64": PLATFORMS[0]}.get(machine.machine(), PLATFORMS[1])
OTHER = next(one for one in PLATFORMS if one != OWN)
DECLARATION = """
[project]
name = "{name}"
version = "1.0.0"
description = "An image."
[tool.jhub-docker]
environment = ""
{own}
"""


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    folder = tmp_path / "registry"
    folder.mkdir()
    with Registry(folder) as running:
        yield running


@pytest.fixture
def packages(
    tmp_path: Path, registry: Registry, engine: Engine, client: DockerClient
) -> Iterator[Path]:
    """Two packages: a public base that is in the registry, and the image `little` on it."""
    base = Reference.parse(f"{registry.direct}/base")
    push_base(Remote(Access()), tmp_path / "base", base)
    repository = f"jhub-test/{engine.name('platforms')}"
    folder = tmp_path / "tree" / "packages"
    for name, dockerfile, own in (
        (
            "platforms-os",
            "FROM base\nRUN false\n",
            f'base = "debian"\npublic.bookworm = "{base}:1"',
        ),
        (
            "little",
            "FROM base\nCOPY words /opt/words\n",
            f'base = "platforms-os"\nimage = "{repository}"',
        ),
    ):
        (folder / name).mkdir(parents=True)
        (folder / name / "Dockerfile").write_text(dockerfile)
        (folder / name / "pyproject.toml").write_text(DECLARATION.format(name=name, own=own))
    (folder / "little" / "words").write_text("the same everywhere\n")
    yield folder
    for name in (repository, f"{base}"):
        for image in client.api.images(name=name):
            for tag in (*(image["RepoTags"] or ()), *(image["RepoDigests"] or ())):
                with contextlib.suppress(ImageNotFound):
                    client.api.remove_image(tag, force=True)


@pytest.fixture
def client(engine: Engine) -> DockerClient:
    return engine.client


def push_base(remote: Remote, folder: Path, base: Reference) -> None:
    """Push an index of both platforms, each with a file that says which one it is."""
    layout = Layout(folder)
    index = little_images.index(
        layout,
        [
            little_images.manifest(
                layout,
                ({**debian({"bash": "5.2-1"}), "etc/platform": platform.encode()},),
                platform=platform,
            )
            for platform in PLATFORMS
        ],
    )
    remote.tag(remote.push(layout, index, base), "1")


def make(client: DockerClient, packages: Path, layout: Layout) -> Artifact:
    return artifact.make(
        packages.parent,
        "little",
        version="1.0.0",
        commit=COMMIT,
        epoch=EPOCH,
        layout=layout,
        platforms=PLATFORMS,
    )


def test_a_release_for_two_platforms_is_pushed_and_verified(
    tmp_path: Path, packages: Path, registry: Registry, client: DockerClient
) -> None:
    layout = Layout(tmp_path / "layout")
    made = make(client, packages, layout)
    assert [entry.platform for entry in made.manifests] == [OWN, OTHER]
    for entry, manifest in layout.manifests(made.index):
        config = layout.read_json(manifest["config"]["digest"])
        assert f"{config['os']}/{config['architecture']}" == entry.platform
        files = read_files(layout, manifest, lambda path: path in ("etc/platform", "opt/words"))
        assert files["etc/platform"].decode() == entry.platform
        assert files["opt/words"] == b"the same everywhere\n"
    remote, (key, trust) = Remote(Access()), make_key(tmp_path / "keys")
    name = load(packages)["little"].repository.rpartition("/")[2]
    repository = Reference.parse(f"{registry.direct}/{name}")
    image = remote.push(layout, made.index, repository)
    sign(remote, image, make_records(layout, made.index, made.source), key)
    remote.tag(image, "1.0.0")
    report = verify(remote, image.tagged("1.0.0"), trust)
    assert not report.failed, "\n".join(report.lines())
    assert report.lines()[0].endswith(f"is {made.index.digest} for {', '.join(PLATFORMS)}")
    contents = next(check.message for check in report.checks if check.name == "contents")
    assert all(f"in {platform}" in contents for platform in PLATFORMS)
    again = make(client, packages, Layout(tmp_path / "again"))
    assert again.index == made.index


def test_an_image_for_another_platform_takes_no_tag_from_the_engines_own(
    packages: Path, client: DockerClient
) -> None:
    tree = packages.parent
    (own,) = builds.build(tree, ["little"])
    before = {tag: client.images.get(tag).id for tag in own.tags}
    base = client.images.list(filters={"reference": "*/base"})
    (other,) = builds.build(tree, ["little"], [OTHER])
    assert (other.platform, other.build_id) == (OTHER, own.build_id)
    suffix = identity.suffix(OTHER)
    assert {tag.rpartition(":")[2] for tag in other.tags} == {
        f"{name}{suffix}" for name in ("latest", marks.checkout_tag(tree), "1.0.0", own.build_id)
    }
    assert {tag: client.images.get(tag).id for tag in own.tags} == before
    for image in base:
        for tag in image.tags:
            assert client.images.get(tag).id == image.id, f"{tag} was moved to another platform"
    (unchanged,) = builds.build(tree, ["little"], [OTHER])
    assert unchanged.outcome == "unchanged"


def test_the_plan_says_how_each_platform_is_built(packages: Path, client: DockerClient) -> None:
    tree = packages.parent
    builds.build(tree, ["little"])
    builder = builders.Builder(OWN, frozenset([OWN]))
    catalog = load(packages)

    def way() -> Way:
        found = planning.look(catalog, catalog.select(["little"]))
        made = planning.make_plan(found, act=False, platform=OTHER)
        return planning.ways(made, OTHER, builder)["little"]

    assert way().how == "copied", f"nothing of it runs: {way()}"
    dockerfile = packages / "little" / "Dockerfile"
    dockerfile.write_text(f"{dockerfile.read_text()}RUN true\n")
    assert way().how == ""
    assert "which steps of little need" in way().why
