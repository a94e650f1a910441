"""A release from the first check to the registries, with little images, and all that can go wrong.

Engine, registry, oras, cosign and git are real; the image is a few files on a base of one, so that
a release takes seconds. `integration/release` does it with the images that people run.
"""

import io
import os
import re
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from docker import DockerClient
from docker.errors import ImageNotFound

from jhub_docker.build import builders, builds
from jhub_docker.catalog import PLATFORMS, ledger, load
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.oci.layout import Layout
from jhub_docker.registry.access import Access
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import Remote
from jhub_docker.release import candidate, commits, flow, gates, status
from jhub_docker.release.candidate import Candidate
from jhub_docker.release.outlook import Request
from jhub_docker.release.publish import Signer
from jhub_docker.release.record.verify import verify
from jhub_testing import little_releases
from jhub_testing.gate import Request as Asked
from jhub_testing.little_checkouts import Checkout
from jhub_testing.little_releases import make_key
from jhub_testing.registry import Registry
from jhub_testing.resources import Engine

NOXFILE = """
import os, subprocess
from pathlib import Path
import nox

nox.options.default_venv_backend = "none"

@nox.session
@nox.parametrize("image", ["thing"], ids=["thing"])
def image_tests(session, image):
    tag = os.environ["JHUB_TEST_TAG"]
    labels = '{{index .Config.Labels "io.jhub-docker.release"}}'
    command = ["docker", "image", "inspect", "--format", labels, f"{REPOSITORY}:{tag}"]
    version = subprocess.check_output(command, text=True).strip()
    with Path(LOG).open("a") as log:
        log.write(f"{version} as {tag}\\n")
    if Path(FAULT).exists():
        session.error("the tests find a fault")
"""


@dataclass
class World:
    """A checkout with the image `thing` and its sibling `other`, and what a release needs."""

    checkout: Checkout
    engine: Engine
    registry: Registry
    signer: Signer
    repository: str
    fault: Path
    log: Path

    @property
    def root(self) -> Path:
        return self.checkout.root

    @property
    def client(self) -> DockerClient:
        return self.engine.client

    @property
    def remote(self) -> Remote:
        return Remote(Access(), pauses=(0.1, 0.1))

    @property
    def tests(self) -> list[str]:
        return self.log.read_text().splitlines()

    def prove(self) -> None:
        """Let the tests of the thing have passed as it is now."""
        now = status.read(self.root / "packages")
        self.checkout.prove({name: step.build_id for name, step in now.by_name.items()})

    def change(self, text: str) -> None:
        """Another content of the thing, committed and tested."""
        (self.root / "packages/thing/start").write_text(f"#!/say\n{text}\n")
        log = self.root / "packages/thing/CHANGELOG.md"
        told = f"[Unreleased]\n\n### Fixed\n- {text}.\n"
        log.write_text(log.read_text().replace("[Unreleased]\n", told))
        self.checkout.commit(text)
        self.prove()

    def request(self, *registries: str, **options: Any) -> Request:
        usual = {"signer": self.signer, "assume_yes": True, "accept_unreached": True}
        given = {**usual, "platforms": (builders.own_platform(),), **options}
        return Request(self.root, self.remote, "thing", registries=registries, **given)

    def release(self, *registries: str, **options: Any) -> Candidate | None:
        return flow.release(self.request(*registries, **options))

    def tags(self, registry: Registry | None = None) -> dict[str, str]:
        """The tags that name something in the registry, with their digests."""
        place = Reference.parse(f"{(registry or self.registry).address}/team/{self.short}")
        found = {}
        for tag in self.remote.tags(place):
            if not tag.startswith("sha256-"):
                resolved = self.remote.resolve(place.tagged(tag))
                assert resolved
                found[tag] = resolved.digest
        return found

    @property
    def short(self) -> str:
        return self.repository.rpartition("/")[2]

    @property
    def team(self) -> str:
        return f"{self.registry.address}/team"


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    """The maintainer's key pair."""
    return Signer(*make_key(tmp_path_factory.mktemp("key") / "key"))


@pytest.fixture(scope="module")
def tiny(engine: Engine) -> str:
    """A base image of one file, as if it were a public one."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        release = b'ID=debian\nVERSION_ID="12"\n'
        member = tarfile.TarInfo("usr/lib/os-release")
        member.size = len(release)
        tar.addfile(member, io.BytesIO(release))
    name = engine.name("tiny")
    changes = [f'LABEL {key}="{value}"' for key, value in engine.labels.items()]
    engine.client.api.import_image_from_data(data.getvalue(), name, "1", changes=changes)
    return f"{name}:1"


@pytest.fixture
def world(
    tmp_path: Path, engine: Engine, tiny: str, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    monkeypatch.delenv("JHUB_DOCKER_LANE", raising=False)
    checkout = Checkout.make(tmp_path / "checkout")
    checkout.identify()
    repository = f"local/{engine.name('thing')}"
    log, fault = tmp_path / "tested", tmp_path / "fault"
    log.touch()
    own = f'publish = false\nenvironment = ""\npublic.bookworm = "{tiny}"'
    checkout.package("tiny", own=own)
    budget = "budget = { size = 1, compressed = 1, layers = 2 }"
    for name, image in (("thing", repository), ("other", f"{repository}-other")):
        folder = checkout.package(
            name, "tiny", own=f'image = "{image}"\nenvironment = ""\n{budget}'
        )
        (folder / "Dockerfile").write_text("FROM base\nCOPY start /usr/bin/start\n")
        (folder / "start").write_text("#!/say\nhello\n")
    said = f"REPOSITORY, LOG, FAULT = {repository!r}, {str(log)!r}, {str(fault)!r}\n"
    (checkout.root / "noxfile.py").write_text(said + NOXFILE)
    (checkout.root / "pyproject.toml").write_text('[project]\nname = "little"\n')
    (checkout.root / ".gitignore").write_text(".dev/\n.nox/\n__pycache__/\n")
    checkout.commit("Begin")
    folder = tmp_path / "registry"
    folder.mkdir()
    with Registry(folder) as registry:
        world = World(checkout, engine, registry, signer, repository, fault, log)
        builds.build(checkout.root, ["thing", "other"])
        world.prove()
        yield world
    for image in engine.client.api.images():
        for tag in image.get("RepoTags") or ():
            if tag.startswith(repository):
                engine.client.api.remove_image(tag, force=True)


def state(world: World) -> dict[str, Any]:
    """What a release of the thing must leave as it is."""
    return {
        "files": world.checkout.git("ls-tree", "-r", "HEAD", "--", "packages/other", "noxfile.py"),
        "images": {
            tag: image["Id"]
            for image in world.client.api.images()
            for tag in image.get("RepoTags") or ()
            if world.engine.session in tag
        },
        "status": world.checkout.git("status", "--porcelain"),
        "worktrees": world.checkout.git("worktree", "list").count("\n"),
    }


def interrupted(_: object) -> None:
    raise KeyboardInterrupt


def together(world: World) -> str:
    """What stands against a release of the sibling, of what both showed in integration."""
    now = status.read(world.root / "packages")
    build_ids = {name: step.build_id for name, step in now.by_name.items()}
    return "".join(gates.tests(world.root, load(world.root / "packages"), build_ids))


def test_a_release_is_commits_a_tag_a_ledger_and_an_image_anyone_can_verify(world: World) -> None:
    before = state(world)
    start = world.checkout.git("rev-parse", "HEAD")
    made = world.release(world.team)
    assert made
    assert world.checkout.git("log", "--format=%s", f"{start}..HEAD").splitlines() == [
        "Record thing 0.1.0",
        "Release thing 0.1.0",
    ]
    assert world.checkout.git("rev-parse", "thing-v0.1.0^{commit}") == made.recorded
    changed = world.checkout.git("diff", "--name-only", start, "HEAD").splitlines()
    assert changed == ["packages/thing/CHANGELOG.md", "packages/thing/releases.json"]
    entry = ledger.read(world.root / "packages/thing")["0.1.0"]
    assert (entry.digest, entry.commit) == (made.digest, made.commit)
    assert world.tags() == dict.fromkeys(["0.1.0", "0.1", "0", "latest"], made.digest)
    image = Reference.parse(f"{world.team}/{world.short}").tagged("0.1.0")
    report = verify(
        world.remote,
        image,
        world.signer.trust,
        ledgers=lambda package: ledger.read(world.root / "packages" / package),
    )
    assert {check.name: check.passed for check in report.checks if not check.passed} == {}
    assert world.tests == ["0.1.0 as candidate-0.1.0"]
    after = state(world)
    # The release's own build keeps its build id as a tag, so that the next one finds it.
    own = {tag for tag in after["images"] if tag not in before["images"]}
    assert len(own) <= 1
    assert after | {"images": {t: i for t, i in after["images"].items() if t not in own}} == before
    assert world.release(world.team) is not None, "its registry is asked again"
    assert world.release() is None
    assert len(world.tests) == 1


def test_platforms_it_cannot_be_made_for_are_told_recorded_and_not_when_named(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    own = f"linux/{world.client.version()['Arch']}"
    (other,) = set(PLATFORMS) - {own}
    with pytest.raises(
        ActionError, match=f"thing cannot be built for {other}: tiny: .* this engine"
    ):
        world.release(platforms=PLATFORMS)
    assert world.release(platforms=())
    assert f"NOT for {other}, which it is declared for: tiny: " in capsys.readouterr().err
    entry = ledger.read(world.root / "packages/thing")["0.1.0"]
    assert set(entry.platforms) == {own}
    assert "in this engine only" in entry.left_out[other]


def test_a_release_for_both_platforms_is_one_index_of_both(world: World, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "base")
    files = {"usr/lib/os-release": b'ID=debian\nVERSION_ID="12"\n'}
    base = Reference.parse(f"{world.registry.direct}/base")
    index = little_releases.build(layout, (files,), PLATFORMS, labels={})
    world.remote.tag(world.remote.push(layout, index, base), "1")
    world.checkout.package(
        "tiny", own=f'publish = false\nenvironment = ""\npublic.bookworm = "{base}:1"'
    )
    world.client.images.pull(f"{base}:1")
    world.change("for both")
    made = world.release(world.team, platforms=PLATFORMS)
    assert made
    entry = ledger.read(world.root / "packages/thing")["0.1.0"]
    assert (set(entry.platforms), entry.left_out) == (set(PLATFORMS), {})
    image = Reference.parse(f"{world.team}/{world.short}").tagged("0.1.0")
    _, found = world.remote.manifest(image)
    assert {one["platform"]["architecture"] for one in found["manifests"]} == {"amd64", "arm64"}
    report = verify(world.remote, image, world.signer.trust)
    assert not report.failed, "\n".join(report.lines())
    assert report.lines()[0].endswith(f" for {', '.join(PLATFORMS)}")
    for one in world.client.api.images(name=f"{base}"):
        for name in (*(one["RepoTags"] or ()), *(one["RepoDigests"] or ())):
            with suppress(ImageNotFound):
                world.client.api.remove_image(name, force=True)


def test_a_fix_of_an_old_version_moves_only_its_own_tags(world: World) -> None:
    first = world.release(world.team)
    world.change("more")
    real = commits.land
    with pytest.MonkeyPatch.context() as killed:
        killed.setattr(commits, "land", lambda *given: interrupted(real(*given)))
        with pytest.raises(KeyboardInterrupt):
            world.release(world.team, bump="minor")
    assert together(world) == "", "what integration showed holds for the release and its siblings"
    second = world.release(world.team)
    world.checkout.git("switch", "-q", "-c", "fix", "thing-v0.1.0")
    world.change("mended")
    fix = world.release(world.team)
    assert first
    assert second
    assert fix
    assert (second.version, fix.version) == ("0.2.0", "0.1.1")
    tags = world.checkout.git("tag", "--list").split()
    assert tags == ["thing-v0.1.0", "thing-v0.1.1", "thing-v0.2.0"]
    assert world.tags() == {
        "0.1.0": first.digest,
        "0.1.1": fix.digest,
        "0.1": fix.digest,
        **dict.fromkeys(["0.2.0", "0.2", "0", "latest"], second.digest),
    }


def test_what_stands_against_a_release_is_said_before_anything_is_done(world: World) -> None:
    (world.root / "packages/thing/start").write_text("changed\n")
    with pytest.raises(ActionError) as told:
        world.release(world.team)
    said = str(told.value)
    assert "not committed: packages/thing/start" in said
    assert "the integration tests have not passed with thing as they are now" in said
    assert "./dev nox -s integration" in said
    assert world.tags() == {}
    assert not (world.root / ".dev/release/thing").exists()


def test_a_key_that_nobody_could_verify_with_is_refused_before_anything_is_done(
    world: World, tmp_path: Path
) -> None:
    strange = Signer(world.signer.key, make_key(tmp_path / "strange")[1])
    with pytest.raises(UsageError, match="does not belong to the signing key"):
        world.release(world.team, signer=strange)
    mistyped = Signer(replace(world.signer.key, password="mistyped"), world.signer.trust)
    with pytest.raises(UsageError, match="is COSIGN_PASSWORD its password"):
        world.release(world.team, signer=mistyped)
    assert not (world.root / ".dev/release").exists()


def test_a_shallow_clone_is_refused_before_anything_is_done(world: World, tmp_path: Path) -> None:
    assert world.release(world.team)
    shallow = tmp_path / "shallow"
    world.checkout.git("clone", "-q", "--depth", "1", world.root.as_uri(), str(shallow))
    with pytest.raises(UsageError, match="this clone is shallow"):
        flow.release(replace(world.request(world.team), root=shallow))
    assert Checkout(shallow).git("tag") == "thing-v0.1.0", "the one it came with"
    assert not (shallow / ".dev").exists()


def test_a_dry_run_says_it_and_leaves_everything(world: World) -> None:
    before = state(world)
    request = replace(world.request(world.team), signer=None)
    said = flow.plan(request)
    assert said == "thing 0.1.0 can be released"
    assert state(world) == before
    assert world.tags() == {}
    assert not (world.root / ".dev/release").exists()


def test_a_version_that_somebody_pushed_is_never_overwritten(world: World) -> None:
    strange = world.engine.client.images.get(f"{world.repository}:latest")
    name = f"{world.team}/{world.short}"
    strange.tag(name, "0.1.0")
    world.client.images.push(name, "0.1.0")
    world.client.images.remove(f"{name}:0.1.0")
    held = world.tags()
    with pytest.raises(ActionError, match="is published already"):
        world.release(world.team)
    assert world.tags() == held
    assert world.tests == []


def test_it_goes_on_after_tests_that_failed(world: World) -> None:
    """Nothing has left the work tree by then; what was built is not built again."""
    start = world.checkout.git("rev-parse", "HEAD")
    world.fault.touch()
    with pytest.raises(ActionError, match="tests failed"):
        world.release(world.team)
    assert world.checkout.git("rev-parse", "HEAD") == start
    assert world.checkout.git("tag") == ""
    assert world.tags() == {}
    (kept,) = candidate.unfinished(world.root, "thing")
    world.fault.unlink()
    made = world.release(world.team)
    assert made
    assert (made.commit, made.digest) == (kept[1].commit, kept[1].digest)
    assert world.tags() == dict.fromkeys(["0.1.0", "0.1", "0", "latest"], made.digest)


def test_a_branch_that_moved_meanwhile_is_released_anew(world: World) -> None:
    world.fault.touch()
    with pytest.raises(ActionError, match="tests failed"):
        world.release()
    (kept,) = candidate.unfinished(world.root, "thing")
    world.change("mended")
    world.fault.unlink()
    made = world.release()
    assert made
    assert made.commit != kept[1].commit
    assert "mended" in (world.root / "packages/thing/CHANGELOG.md").read_text()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        pytest.param("/blobs/uploads/", "pushing", id="layer"),
        pytest.param("/manifests/0.1.0$", "tagging", id="tag"),
    ],
)
def test_a_registry_that_fails_half_way_shows_nothing_and_is_gone_on_with(
    world: World, address: str, said: str
) -> None:
    def strikes(asked: Asked) -> bool:
        return asked.method in ("PUT", "PATCH", "POST") and bool(re.search(address, asked.target))

    world.registry.gate.fail(strikes, "cut", times=1000)
    with pytest.raises(ActionError, match=said):
        world.release(world.team)
    world.registry.gate.mend()
    assert world.tags() == {}
    kept = ledger.read(world.root / "packages/thing")["0.1.0"]
    made = world.release(world.team)
    assert made
    assert made.digest == kept.digest
    assert world.tags() == dict.fromkeys(["0.1.0", "0.1", "0", "latest"], made.digest)
    assert len(world.tests) == 1


def test_no_registry_shows_it_while_another_does_not_have_it(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "second"
    folder.mkdir()
    with Registry(folder) as second:
        second.gate.fail(lambda asked: asked.method == "PUT", "cut", times=1000)
        both = world.team, f"{second.address}/team"
        with pytest.raises(ActionError):
            world.release(*both)
        assert world.tags() == {}
        second.gate.mend()
        made = world.release(*both)
        assert made
        assert world.tags() == world.tags(second)
        assert world.tags()["0.1.0"] == made.digest


def test_a_released_image_goes_to_another_registry_as_it_is(world: World, tmp_path: Path) -> None:
    made = world.release(world.team)
    folder = tmp_path / "second"
    folder.mkdir()
    with Registry(folder) as second:
        again = world.release(f"{second.address}/team")
        assert made
        assert again
        assert world.tags(second) == world.tags()
    assert world.checkout.git("log", "--format=%s").count("Record thing") == 1


def test_an_image_that_is_too_large_is_not_released(world: World) -> None:
    (world.root / "packages/thing/start").write_bytes(os.urandom(1_200_000))
    world.checkout.commit("Grow")
    world.prove()
    with pytest.raises(ActionError) as told:
        world.release(world.team)
    assert "compressed: 1 MB, allowed 1 MB and 5 %" in str(told.value)
    assert world.tags() == {}
    assert world.tests == []


def test_what_nobody_asked_a_database_about_is_not_released_unless_that_is_accepted(
    world: World,
) -> None:
    (world.root / "packages/thing/web.json").write_text('{"name": "web", "version": "1.0.0"}')
    ignored = world.root / "packages/thing/.dockerignore"
    ignored.write_text(ignored.read_text() + "!web.json\n")
    dockerfile = world.root / "packages/thing/Dockerfile"
    dockerfile.write_text(
        dockerfile.read_text() + "COPY web.json /opt/node_modules/web/package.json\n"
    )
    world.checkout.commit("Add a part")
    world.prove()
    with pytest.raises(ActionError, match=r"parts? from .* could not be checked"):
        world.release(accept_unreached=False)
    made = world.release()
    assert made
    assert "NOT checked" in world.checkout.git("log", "-1", "--format=%b", made.recorded)


def test_a_part_of_other_images_is_not_released_by_itself(world: World) -> None:
    with pytest.raises(UsageError, match="release what is built from it: "):
        flow.release(replace(world.request(), image="tiny"))
