"""Builds that take from a registry what it has by its build id, and leave there what they made."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from jhub_docker.build import builds, cache
from jhub_docker.build.builds import Result
from jhub_docker.errors import ActionError
from jhub_testing.little_checkouts import Checkout
from jhub_testing.public_bases import PublicBase, forget
from jhub_testing.registry import Registry
from jhub_testing.resources import Engine


@dataclass
class World:
    """`thing` stands on `middle`, which is no one's to run, and that on a public base.

    The packages' names end with the session's, so that no other one has images of these builds.
    """

    checkout: Checkout
    engine: Engine
    registry: Registry
    ours: str
    ending: str

    @property
    def team(self) -> str:
        return f"{self.registry.direct}/team"

    def build(self, source: str = "", target: str = "", *, force: bool = False) -> list[Result]:
        kept = cache.asked(source, target)
        root = self.checkout.root
        names = [f"thing{self.ending}"]
        return builds.build(root, names, force=force, kept=kept)

    def outcomes(
        self, source: str = "", target: str = "", *, force: bool = False
    ) -> dict[str, str]:
        return {
            one.image.replace(self.ending, ""): one.outcome
            for one in self.build(source, target, force=force)
        }

    def forget(self) -> None:
        """A machine on which nothing was built yet, but for its base."""
        forget(self.engine.client, self.ours, self.team)

    def names(self) -> set[str]:
        """What the engine has of the registry beside the base."""
        return {
            name
            for image in self.engine.client.api.images()
            for name in image.get("RepoTags") or ()
            if name.startswith(self.team)
        }


@pytest.fixture
def world(tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.delenv("JHUB_DOCKER_LANE", raising=False)
    checkout, ours = Checkout.make(tmp_path / "checkout"), engine.name("cached")
    ending = f"-{engine.session}"
    (tmp_path / "registry").mkdir()
    with Registry(tmp_path / "registry") as registry:
        base = PublicBase(registry, "public/os", "1", tmp_path / "os")
        base.publish("first")
        own = f'public.bookworm = "{base.reference}"\npublish = false\nimage = "{ours}-os"'
        checkout.package(f"os{ending}", own=own)
        for name, base_name in (("middle", "os"), ("thing", "middle")):
            hidden = "publish = false" if name == "middle" else ""
            own = f'image = "{ours}-{name}"\nenvironment = ""\n{hidden}'
            folder = checkout.package(f"{name}{ending}", f"{base_name}{ending}", own=own)
            (folder / "Dockerfile").write_text(f"FROM base\nCOPY start /usr/bin/{name}\n")
            (folder / "start").write_text("#!/say\nhello\n")
        (checkout.root / ".gitignore").write_text(".dev/\n")
        checkout.commit("Begin")
        yield World(checkout, engine, registry, ours, ending)
        forget(engine.client, ours, registry.direct)


def test_a_fresh_machine_pulls_what_another_one_built(world: World) -> None:
    assert world.outcomes(target=world.team) == {"middle": "built", "thing": "built"}
    built = world.build()[0]
    world.forget()
    pulled = world.build(source=world.team)[0]
    assert (pulled.outcome, pulled.build_id) == ("pulled", built.build_id)
    assert pulled.tags == built.tags, "as if it was built here"
    assert world.outcomes(source=world.team) == {"thing": "unchanged"}
    assert world.names() == set(), "the cache's own names are none of the engine's"
    labels = [image.get("Labels") or {} for image in world.engine.client.api.images()]
    packages = [one.get("io.jhub-docker.package") for one in labels]
    assert f"middle{world.ending}" not in packages, "nothing needed it"


def test_what_changed_is_built_on_what_the_registry_has(world: World) -> None:
    world.build(target=world.team)
    world.forget()
    (world.checkout.root / f"packages/thing{world.ending}/start").write_text("#!/say\nmore\n")
    first = world.build(source=world.team, target=world.team)
    assert {one.image.replace(world.ending, ""): one.outcome for one in first} == {"thing": "built"}
    world.forget()
    assert world.outcomes(source=world.team) == {"thing": "pulled"}
    world.forget()
    assert world.outcomes(source=world.team, force=True)["thing"] == "built"


def test_an_image_under_another_ones_name_is_not_used(world: World) -> None:
    thing = world.build(target=world.team)[-1]
    client = world.engine.client
    place = f"{world.team}/thing{world.ending}:{thing.build_id}"
    client.api.tag(f"{world.ours}-middle:{_tag(world, 'middle')}", place)
    client.images.push(place)
    world.forget()
    assert world.outcomes(source=world.team) == {"thing": "built"}
    assert world.names() == set()


def test_a_cache_out_of_reach_stops_no_build(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.outcomes()  # has the base
    forget(world.engine.client, world.ours)
    nowhere = "127.0.0.1:1/team"
    assert world.outcomes(source=nowhere) == {"middle": "built", "thing": "built"}
    assert capsys.readouterr().err.count(f"{nowhere} cannot be asked") == 1
    with pytest.raises(
        ActionError, match=rf"thing\S* is built, but {nowhere}/thing\S* .*be pushed"
    ):
        world.build(target=nowhere)
    assert world.names() == set()


def _tag(world: World, name: str) -> str:
    (image,) = world.engine.client.api.images(name=f"{world.ours}-{name}")
    return str(image["RepoTags"][0].rpartition(":")[2])
