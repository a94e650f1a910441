"""The rules of the filter before the engine: what the hub needs passes, in its one form."""

import json

import pytest

from engine_filter.calls import Answer, MissingError, Record, Refused
from engine_filter.policy import from_settings
from hub_config.offer.profiles import PROFILES_LABEL
from hub_config.settings import Settings

from .filter_world import ANN, OURS, WORLD, Engine, ask, create, forwarded, hostile

SHARED = "jupyterhub-shared-data"


def test_shared_folders_go_to_their_places_only() -> None:
    home = f"{WORLD.home}:/home/nebula:rw"
    for place in ("/srv/shared/data:ro", "/srv/shared/data:rw", "/srv/new-shared-folder:rw"):
        binds = [home, f"{SHARED}:{place}"]
        assert create(Binds=binds)["HostConfig"]["Binds"] == binds
    for place in ("/srv/shared/other:ro", "/srv/shared:ro", "/etc:ro"):
        with pytest.raises(Refused, match="may only be at"):
            create(Binds=[home, f"{SHARED}:{place}"])


def test_shared_folders_are_made_with_the_platforms_labels() -> None:
    labels = OURS | {"io.jhub-docker.folder": "data"}
    forwarded("POST", "/volumes/create", {"Name": SHARED, "Labels": labels})
    for wrong in ({}, OURS, ANN, labels | {"x": "y"}, OURS | {"io.jhub-docker.folder": "other"}):
        with pytest.raises(Refused, match="platform and folder alone"):
            forwarded("POST", "/volumes/create", {"Name": SHARED, "Labels": wrong})


def test_a_creation_as_the_hub_makes_it_passes_without_empty_fields() -> None:
    passed = create(MaskedPaths=[], ReadonlyPaths=[], Privileged=False)
    made = hostile.creation(WORLD)
    assert passed["HostConfig"] == {k: v for k, v in made["HostConfig"].items() if v}
    assert set(passed) == {name for name, value in made.items() if value}


def test_an_image_may_be_named_by_its_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    pinned = f"registry.example/team/uv-lab@sha256:{'0' * 64}"
    policy = from_settings(Settings(pull_from="registry.example/team/"))
    body = hostile.creation(WORLD) | {"Image": pinned}
    target = f"/v1.45/containers/create?name={WORLD.name}"
    with pytest.raises(MissingError):  # not here: never another image in its place
        forwarded("POST", target, body, policy)
    images = Engine().things[f"images/{WORLD.image}"]
    find = Engine.one

    async def one(self: Engine, kind: str, name: str) -> Record:
        return images if name == pinned else await find(self, kind, name)

    monkeypatch.setattr(Engine, "one", one)
    passed = forwarded("POST", target, body, policy).body
    assert passed is not None
    assert passed["Image"] == pinned
    with pytest.raises(Refused, match="has not the tag latest"):
        forwarded("POST", target, body)


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/_ping"),
        ("HEAD", "/_ping"),
        ("GET", "/version"),
        ("GET", "/v1.45/info"),
        ("POST", "/v1.45/containers/jupyter-ann/start"),
        ("POST", "/v1.45/containers/jupyter-ann/stop?t=10"),
        ("DELETE", "/v1.45/containers/jupyter-ann?v=True&link=False&force=True"),
        ("GET", "/v1.45/containers/jupyter-ann/logs?stdout=1&stderr=1&follow=0&tail=20"),
        ("DELETE", f"/v1.45/volumes/{WORLD.home}"),
    ],
)
def test_calls_of_the_hub_pass(method: str, target: str) -> None:
    assert forwarded(method, target).body is None


def test_networks_are_made_and_joined_as_the_hub_does() -> None:
    made = forwarded("POST", "/v1.45/networks/create", hostile.network(WORLD)).body
    assert made is not None
    assert made["IPAM"]["Config"][0]["Subnet"] == "10.213.9.0/28"
    target = f"/v1.45/networks/{WORLD.server_network}"
    joined = forwarded("POST", f"{target}/connect", hostile.connection(WORLD))
    assert joined.path == f"/networks/{'d' * 64}/connect"
    assert joined.body == hostile.connection(WORLD) | {"Container": "b" * 64}
    # By its id it is known from now on, so its record, which lists all networks, is not asked for.
    again = hostile.connection(WORLD) | {"Container": "b" * 64}
    assert forwarded("POST", f"{target}/connect", again) == joined
    for unknown in ("c" * 64, "jupyter-ann"):
        with pytest.raises((Refused, MissingError)):
            forwarded("POST", f"{target}/connect", again | {"Container": unknown})
    left = forwarded("POST", f"{target}/disconnect", {"Container": WORLD.hub, "Force": True})
    assert left.body == {"Container": "b" * 64, "Force": True}
    assert forwarded("DELETE", target).path == f"/networks/{'d' * 64}"


def test_a_server_gets_its_own_network_and_no_others() -> None:
    body = hostile.creation(WORLD)
    body["Labels"]["io.jhub-docker.server"] = "second"
    with pytest.raises(Refused, match="made for another server"):
        forwarded("POST", f"/v1.45/containers/create?name={WORLD.name}-second", body)


def test_a_container_is_meant_by_its_id_from_then_on() -> None:
    assert forwarded("POST", "/v1.45/containers/jupyter-ann/start").path == (
        f"/containers/{'a' * 64}/start"
    )


@pytest.mark.parametrize("query", ["?stream=False&one-shot=True", "?stream=1", ""])
def test_what_a_server_takes_is_told_once_whatever_is_asked(query: str) -> None:
    passed = forwarded("GET", f"/v1.45/containers/jupyter-ann/stats{query}")
    assert passed.path == f"/containers/{'a' * 64}/stats"
    assert passed.query == {"stream": "false", "one-shot": "true"}
    assert not passed.endless


def test_looking_at_an_own_container_and_an_offered_image() -> None:
    for target in ("/v1.45/containers/jupyter-ann/json", f"/v1.45/images/{WORLD.image}/json"):
        assert isinstance(ask("GET", target).decision, Answer)


def test_what_is_not_there_is_missing_not_refused() -> None:
    with pytest.raises(MissingError):
        ask("GET", "/v1.45/containers/jupyter-nobody/json")


@pytest.mark.parametrize("kind", ["containers/json", "volumes"])
def test_lists_show_this_platform_only(kind: str) -> None:
    query = "filters=%7B%22label%22%3A+%5B%22io.jhub-docker.user%3Dann%22%5D%7D"
    filters = json.loads(forwarded("GET", f"/v1.45/{kind}?{query}").query["filters"])
    own = "io.jhub-docker.platform=jhub-docker"
    assert filters == {"label": ["io.jhub-docker.user=ann", own]}


def test_images_are_listed_when_they_have_profiles() -> None:
    query = forwarded("GET", "/v1.45/images/json?only_ids=0&all=0").query
    assert json.loads(query["filters"]) == {"label": [PROFILES_LABEL]}


def test_the_configured_bundle_may_be_mounted_at_its_place_and_read_only() -> None:
    policy = from_settings(Settings(ca_bundle="/etc/ours.pem"))
    home, bind = f"{WORLD.home}:/home/nebula:rw", "/etc/ours.pem:/etc/jhub-docker/ca-bundle.crt:ro"
    assert create(policy, Binds=[home, bind])["HostConfig"]["Binds"] == [home, bind]
    with pytest.raises(Refused, match="may not be mounted"):
        create(policy, Binds=[home, bind.removesuffix("ro") + "rw"])


def test_an_image_is_pulled_from_where_the_operator_says_and_nowhere_else() -> None:
    policy = from_settings(Settings(pull_from="registry.example/team/"))
    pull = "/v1.45/images/create?tag={}&fromImage={}"
    digest = f"sha256:{'0123456789abcdef' * 4}"
    for tag in ("1.2", digest):
        target = pull.format(tag, "registry.example%2Fteam%2Flab")
        passed = forwarded("POST", target, policy=policy)
        assert passed.query == {"fromImage": "registry.example/team/lab", "tag": tag}
        assert passed.headers == ("X-Registry-Auth",)
        assert passed.endless
    for tag, repository in (
        ("1.2", "registry.example/other/lab"),
        ("1.2", "registry.example/team/../other/lab"),
        ("1.2", "registry.example/team/"),
        ("1.2", "docker.io/registry.example/team/lab"),
        ("", "registry.example/team/lab"),
        ("sha256:0", "registry.example/team/lab"),
        (f"{digest}0", "registry.example/team/lab"),
    ):
        with pytest.raises(Refused):
            ask("POST", pull.format(tag, repository), policy=policy)
    with pytest.raises(Refused, match="none to pull from"):
        ask("POST", pull.format("1.2", "registry.example/team/lab"))
