"""What is judged before images are built, so that nobody waits for a build that cannot be used."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from jhub_docker.build import builds
from jhub_docker.build.plan import Plan
from jhub_docker.catalog.identity import LABEL
from jhub_docker.engine import quick
from jhub_docker.errors import UsageError
from jhub_docker.platform import building, chosen

ROOT = Path(__file__).parents[1]


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done, of an engine with a hub of the build id `old`, where `new` is wanted."""
    done: list[str] = []

    def check(*_: object) -> None:
        done.append("judged")

    def build(*_: object, ready: Any, **__: object) -> list[builds.Result]:
        hub, lab = (SimpleNamespace(name=one) for one in ("hub", "lab"))
        steps = [
            SimpleNamespace(spec=hub, build_id=wanted[0], build=wanted[0] == "new"),
            SimpleNamespace(spec=lab, build_id="lab", build=bool(wanted[1])),
        ]
        ready(Plan(cast("Any", None), cast("Any", steps), (), {}))
        done.append("built")
        return []

    wanted = ["old", ""]
    image = {"Config": {"Labels": {f"{LABEL}.build-id": "old"}}}
    monkeypatch.setattr(building, "packages", lambda _: ["hub"])
    monkeypatch.setattr(building, "check_settings", check)
    monkeypatch.setattr(builds, "build", build)
    monkeypatch.setattr(chosen, "read", lambda *_: SimpleNamespace(images={"hub": "hub:1"}))
    monkeypatch.setattr(quick, "image", lambda _: image)
    for wanted[0], wanted[1] in (("old", "lab"), ("old", ""), ("new", "")):
        building.build(ROOT, "auto")
    return done


def test_the_hub_that_is_wanted_judges_before_the_others_are_built(built: list[str]) -> None:
    """An older hub does not know what is allowed now; nobody waits where nothing is built."""
    assert built == ["judged", "built", "built", "built"]


def test_a_name_that_is_none_is_told_before_a_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JHUB_IDLE_TIMOUT", "60")
    with pytest.raises(UsageError, match="JHUB_IDLE_TIMOUT is no setting"):
        building.seen(ROOT)
