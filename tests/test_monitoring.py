"""Services of public images, their stand-ins, and what people used: as the tool tells of them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jhub_docker.build import images, marks
from jhub_docker.build.plan import BuiltImage
from jhub_docker.catalog import load
from jhub_docker.engine import quick
from jhub_docker.platform import building, compose, public_images, usage
from jhub_docker.platform.compose import Platform
from jhub_docker.process import Ended

ROOT = Path(__file__).parents[1]
PUBLIC = "docker.io/prom/prometheus"
PLATFORM = Platform(ROOT, "demo", 80, "", ("hub", "proxy"), {}, {}, {}, {})
WATCHED = replace(
    PLATFORM,
    services=("hub", "proxy", "alertmanager", "prometheus"),
    images={"prometheus": "local/prometheus:1", "alertmanager": "docker.io/prom/alertmanager:v0"},
    ports={
        "alertmanager": (("9093/tcp", "127.0.0.1", "9093"),),
        "prometheus": (("9090/tcp", "127.0.0.1", "9191"),),
    },
)


REPOSITORY = load(ROOT / "packages")["prometheus"].repository


def built(number: int, *tags: str) -> BuiltImage:
    """The higher the number, the later."""
    build_id = f"{number}" * 64
    return BuiltImage(f"sha-{number}", "prometheus", build_id, {}, tags=tags, created=number)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Says what the engine has: the public image or not, and stand-ins."""

    def has(*made: BuiltImage, public: bool = False) -> None:
        monkeypatch.setattr(quick, "image", lambda name: {} if public and PUBLIC in name else None)
        monkeypatch.setattr(images, "here", tuple)
        monkeypatch.setattr(images, "built", lambda _here: {str(n): b for n, b in enumerate(made)})

    return has


def test_a_platform_is_built_of_what_its_profiles_need(monkeypatch: pytest.MonkeyPatch) -> None:
    published = {spec.name for spec in load(ROOT / "packages").published}
    monkeypatch.setattr(compose, "read", lambda _root: PLATFORM)
    assert set(building.packages(ROOT)) == published
    monkeypatch.setattr(compose, "read", lambda _root: WATCHED)
    assert set(building.packages(ROOT)) == {*published, "prometheus", "alertmanager"}
    monkeypatch.setenv("JHUB_PROMETHEUS_IMAGE", "mirror.example.org/prometheus:3")
    assert set(building.packages(ROOT)) == {*published, "alertmanager"}, "Compose pulls that"
    entered = replace(PLATFORM, services=(*PLATFORM.services, "tls"))
    monkeypatch.setattr(compose, "read", lambda _root: entered)
    assert set(building.packages(ROOT)) == {*published, "caddy"}, "what speaks TLS for a domain"


def test_the_public_image_comes_first_then_the_newest_stand_in(engine: Callable[..., None]) -> None:
    engine()
    assert public_images.image(ROOT, "prometheus").startswith(PUBLIC), "Compose pulls it"
    own = f"{REPOSITORY}:{marks.checkout_tag(ROOT)}"
    engine(built(1, own), built(3, f"{REPOSITORY}:checkout-another"))
    assert public_images.image(ROOT, "prometheus") == f"{REPOSITORY}:111111111111", "the own one"
    engine(built(1), built(3, "mine:1"), built(2))
    assert public_images.image(ROOT, "prometheus") == f"{REPOSITORY}:333333333333"
    running = {"Image": "sha-3", "Config": {"Image": "p:as-it-was-called"}}
    assert public_images.image(ROOT, "prometheus", running) == "p:as-it-was-called"


def test_what_runs_and_where_it_answers_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def answer(_self: Platform, *arguments: str) -> Ended:
        asked.append(arguments)
        return Ended(0)

    monkeypatch.setattr(Platform, "compose", answer)
    assert public_images.announce(PLATFORM) == []
    alertmanager, prometheus = public_images.announce(WATCHED)
    stand_in = "local/prometheus:1, the stand-in of packages/prometheus"
    assert prometheus == f"Prometheus is at http://127.0.0.1:9191 ({stand_in})."
    assert alertmanager.endswith("127.0.0.1:9093 (docker.io/prom/alertmanager:v0).")
    assert ("kill", "--signal", "HUP", "prometheus") in asked, "new rules are not read"


TOTAL = {"name": "ada", "servers": 2, "hours": 1.5, "cpu_hours": 0.25, "gb_hours": 3.0}


@pytest.mark.parametrize(
    ("people", "groups", "lines"),
    [
        ([], [], ["Nobody had a server in 2026-11."]),
        (
            [TOTAL],
            [TOTAL | {"name": "team"}],
            [
                "2026-11 (UTC)",
                "",
                "person  servers  hours  CPU hours  GB-hours",
                "ada           2   1.50       0.25      3.00",
                "",
                "group  servers  hours  CPU hours  GB-hours",
                "team         2   1.50       0.25      3.00",
            ],
        ),
    ],
)
def test_what_was_used_is_a_table(
    people: list[dict[str, Any]], groups: list[dict[str, Any]], lines: list[str]
) -> None:
    told = {"month": "2026-11", "people": people, "groups": groups}
    assert usage.text(told).splitlines() == lines
