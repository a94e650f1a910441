"""Public bases from a real registry: pulled, pinned, built on, moved, gone, and out of reach.

Two little images stand for those that the packages of this repository name.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from jhub_docker.build import builds, planning, public
from jhub_docker.build.plan import Step
from jhub_docker.catalog import load
from jhub_docker.errors import ActionError
from jhub_docker.registry.access import Access
from jhub_docker.registry.remote import Remote
from jhub_docker.release import flow, status
from jhub_docker.release.outlook import Request
from jhub_testing.little_checkouts import Checkout
from jhub_testing.public_bases import PublicBase, forget
from jhub_testing.registry import Registry
from jhub_testing.resources import Engine

NOWHERE = "unix:///nonexistent/docker.sock"


@dataclass
class World:
    """A checkout: `thing` stands on `pub-os`, `page` on `pub-node`, both bases in a registry.

    The packages' names end with the session's, or another one's stand-ins would be remembered.
    """

    checkout: Checkout
    engine: Engine
    registry: Registry
    os: PublicBase
    node: PublicBase
    ours: str
    ending: str

    def short(self, text: str) -> str:
        """A text without the endings of packages' names."""
        return text.replace(self.ending, "")

    def build(self, base: str = "auto", platform: str = "") -> dict[str, str]:
        """The outcomes by image."""
        results = builds.build(self.checkout.root, (), [platform] if platform else [], base=base)
        assert not [one.reason for one in results if one.outcome == "failed"]
        return {self.short(one.image): one.outcome for one in results}

    def plan(self, base: str = "auto") -> dict[str, Step]:
        """What a build would do, by package, for the engine's own platform."""
        (made,) = planning.for_platforms(self.checkout.root, base=base)
        return {
            self.short(step.spec.name): replace(step, reason=self.short(step.reason))
            for step in made.shown
        }

    def status(self) -> status.Status:
        """Whether the thing has to be released."""
        now = status.read(self.checkout.root / "packages")
        return status.of(self.checkout.root, f"thing{self.ending}", now)

    def prove(self) -> None:
        """Let the tests of the thing have passed as it is now."""
        now = status.read(self.checkout.root / "packages")
        build_ids = {name: step.build_id for name, step in now.by_name.items()}
        self.checkout.prove(build_ids)

    def pin(self) -> dict[str, str]:
        """Pin and commit; the digests by package."""
        found = public.pin(load(self.checkout.root / "packages"))
        self.checkout.commit("Pin the bases")
        return {self.short(one.package): one.digest for one in found}

    def forget(self) -> None:
        """Take all that a test made or pulled out of the engine."""
        forget(self.engine.client, self.ours, self.registry.direct)


@pytest.fixture
def world(tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.delenv("JHUB_DOCKER_LANE", raising=False)
    checkout, ours = Checkout.make(tmp_path / "checkout"), engine.name("bases")
    checkout.identify()
    ending = f"-{engine.session}"
    (tmp_path / "registry").mkdir()
    with Registry(tmp_path / "registry", deletes=True) as registry:
        bases = {
            "pub-os": PublicBase(registry, "team/os", "3.11-bookworm", tmp_path / "os"),
            "pub-node": PublicBase(registry, "hub/node", "6.1", tmp_path / "node"),
        }
        for name, base in bases.items():
            base.publish("first")
            own = f'public.bookworm = "{base.reference}"  # its only place'
            own += f'\npublish = false\nenvironment = ""\nimage = "{ours}-{name}"'
            checkout.package(f"{name}{ending}", own=own)
        for name, base_name in (("thing", "pub-os"), ("page", "pub-node")):
            own = f'image = "{ours}-{name}"\nenvironment = ""\n'
            own += "budget = { size = 1, compressed = 1, layers = 2 }"
            folder = checkout.package(f"{name}{ending}", f"{base_name}{ending}", own=own)
            (folder / "Dockerfile").write_text("FROM base\nCOPY start /usr/bin/start\n")
            (folder / "start").write_text("#!/say\nhello\n")
        (checkout.root / "pyproject.toml").write_text('[project]\nname = "little"\n')
        (checkout.root / ".gitignore").write_text(".dev/\n")
        checkout.commit("Begin")
        made = World(checkout, engine, registry, bases["pub-os"], bases["pub-node"], ours, ending)
        yield made
        made.forget()


def test_what_nobody_pulled_is_not_known_and_what_moved_is_seen_when_asked_for(
    world: World,
) -> None:
    before = world.plan()
    assert set(before) == {"thing", "page"}
    assert {step.build_id for step in before.values()} == {""}
    assert before["thing"].reason == f"not known until {world.os.reference} is pulled"
    assert world.status().unknown == (world.os.reference,)

    asked = world.plan("pull")
    assert set(asked) == {"thing", "page"}, "its registry said it"
    assert world.build("pull") == {"thing": "built", "page": "built"}
    now = world.plan()
    assert {name: step.build_id for name, step in now.items()} == {
        name: step.build_id for name, step in asked.items()
    }
    assert world.build() == {"thing": "unchanged", "page": "unchanged"}

    world.os.publish("second")
    assert {step.reason for step in world.plan().values()} == {"unchanged"}
    moved = world.plan("pull")
    assert moved["thing"].reason == "changed: parent pub-os"
    assert moved["page"].reason == "unchanged"
    assert world.build("pull") == {"thing": "built", "page": "unchanged"}
    assert world.plan()["thing"].build_id == moved["thing"].build_id
    assert world.build() == {"thing": "unchanged", "page": "unchanged"}


def test_a_pin_decides_wherever_it_is_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pinned = world.pin()
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("DOCKER_HOST", NOWHERE)
        told, planned = world.status(), world.plan()["thing"]
    assert (told.unknown, told.proposal is None) == ((), False)
    assert (planned.build_id, planned.reason) == (
        told.build_id,
        "no engine answers that could have it",
    )
    folder = world.checkout.root / f"packages/pub-os{world.ending}"
    text = (folder / "pyproject.toml").read_text()
    assert f'"{world.os.reference}@{pinned["pub-os"]}"  # its only place' in text

    world.os.publish("second")
    assert world.build() == {"thing": "built", "page": "built"}
    assert world.plan("pull")["thing"].reason == "unchanged"
    assert world.plan()["thing"].build_id == told.build_id
    labels = world.engine.client.images.get(f"{world.ours}-thing").labels
    assert labels["org.opencontainers.image.base.name"] == world.os.reference
    assert labels["org.opencontainers.image.base.digest"] == pinned["pub-os"]
    assert labels["io.jhub-docker.base"] == "public"

    again = world.pin()
    assert (again["pub-os"] != pinned["pub-os"], again["pub-node"]) == (True, pinned["pub-node"])
    assert world.plan()["thing"].reason == "changed: parent pub-os"
    assert world.build() == {"thing": "built", "page": "unchanged"}


@pytest.mark.parametrize("base", ["auto", "pull"])
def test_a_pin_that_its_registry_has_no_longer_is_said(world: World, base: str) -> None:
    pinned = world.pin()
    world.os.publish("second")
    world.os.delete(pinned["pub-os"])
    said = rf"pub-os\S*: its registry has no .*@{pinned['pub-os']} .*`./dev invoke bases --pin`"
    with pytest.raises(ActionError, match=said):
        world.build(base)
    world.pin()
    assert world.build(base) == {"thing": "built", "page": "built"}


def test_a_registry_out_of_reach_is_an_error_or_means_stand_ins(world: World) -> None:
    world.registry.stop()
    with pytest.raises(
        ActionError, match=r"pub-\S+: .* cannot be pulled .*refused.*--base standin"
    ):
        world.build("pull")
    assert world.plan("pull")["thing"].unknown == (world.os.reference,)
    text = (world.checkout.root / f"packages/pub-os{world.ending}/pyproject.toml").read_text()
    with pytest.raises(ActionError, match=r"cannot be asked for .* .*refused"):
        world.pin()
    assert (
        world.checkout.root / f"packages/pub-os{world.ending}/pyproject.toml"
    ).read_text() == text

    assert world.build() == {
        "pub-os": "built", "pub-node": "built", "thing": "built", "page": "built"
    }  # fmt: skip
    assert world.build() == {"thing": "unchanged", "page": "unchanged"}, "they are remembered"
    assert world.plan()["thing"].labels["io.jhub-docker.base"] == "stand-in"


def test_an_index_is_known_by_its_own_digest_for_every_platform(world: World) -> None:
    index = world.os.publish("one", arm64="another")
    world.build("pull")
    step = world.plan()["thing"]
    assert step.labels["org.opencontainers.image.base.digest"] == index
    outcomes = world.build(platform="linux/arm64")
    assert outcomes == {"thing": "built", "page": "built"}, "they only copy"
    image = world.engine.client.images.get(f"{world.ours}-thing:latest-arm64")
    assert image.attrs["Architecture"] == "arm64"
    assert image.labels["io.jhub-docker.build-id"] == step.build_id

    later = world.os.publish("one", arm64="newer")
    assert world.build("pull")["thing"] == "built"
    for _ in range(2):  # the engine's own image stayed the same, and has had two digests
        assert world.plan()["thing"].labels["org.opencontainers.image.base.digest"] == later


def test_a_release_knows_its_base_or_says_that_it_does_not(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = Request(
        world.checkout.root,
        Remote(Access(), pauses=()),
        f"thing{world.ending}",
        platforms=("linux/amd64",),
    )
    with pytest.raises(ActionError, match=rf"not known until {world.os.reference} is pulled"):
        flow.plan(request)
    world.pin()
    world.build()
    found = world.status()
    thing = f"thing{world.ending}"
    world.prove()
    said = flow.plan(request)
    assert world.short(said) == "thing 0.1.0 can be released"

    world.checkout.release(thing, "0.1.0", found.build_id)
    world.os.publish("second")
    world.forget()
    monkeypatch.setenv("DOCKER_HOST", NOWHERE)
    assert (world.status().proposal, world.status().unknown) == (None, ())
    world.pin()
    later = world.status()
    assert later.causes == {thing: [f"parent pub-os{world.ending}"]}
