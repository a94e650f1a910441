"""Images that are pulled: who waits, for how long, and what they are told meanwhile."""

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from docker.errors import ImageNotFound

from hub_config.offer.compatibility import sift
from hub_config.offer.images import ImageStore, hub_version, wants_pull
from hub_config.offer.profiles import JUPYTERHUB_LABEL, PROFILES_LABEL, Profile, on_offer
from hub_config.offer.pulls import PullError, PullProgress, Pulls
from hub_config.settings import Settings
from hub_config.settings.tables import DeclaredImage, PullPolicy
from hub_config.told import StartFailure

REFERENCE = "registry.example/team/uv-lab:1.2"
DIGEST = f"sha256:{'0123456789abcdef' * 4}"
PINNED = f"{REFERENCE}@{DIGEST}"
DECLARED = DeclaredImage(
    reference=REFERENCE,
    name="uv-lab",
    title="JupyterLab",
    default_url="/lab",
    jupyterhub=hub_version,
    profiles={"small": {"mem_limit": "2G", "cpu_limit": 2}},
)


def moving(layer: str, status: str, current: int, total: int) -> dict[str, Any]:
    detail = {"current": current, "total": total}
    return {"id": layer, "status": status, "progressDetail": detail}


# As an engine 26.1 said them, shortened.
MESSAGES = [
    {"status": "Pulling from team/uv-lab", "id": "1.2"},
    {"status": "Pulling fs layer", "progressDetail": {}, "id": "aaa"},
    {"status": "Pulling fs layer", "progressDetail": {}, "id": "bbb"},
    {"status": "Already exists", "progressDetail": {}, "id": "ccc"},
    moving("aaa", "Downloading", 10_000_000, 40_000_000),
    moving("bbb", "Downloading", 1_000_000, 2_000_000),
    {"status": "Download complete", "progressDetail": {}, "id": "bbb"},
    moving("aaa", "Downloading", 40_000_000, 40_000_000),
    moving("aaa", "Extracting", 20_000_000, 40_000_000),
    {"status": "Pull complete", "progressDetail": {}, "id": "aaa"},
    {"status": "Pull complete", "progressDetail": {}, "id": "bbb"},
    {"status": "Digest: sha256:0123"},
    {"status": "Status: Downloaded newer image for registry.example/team/uv-lab:1.2"},
]


def test_layers_and_bytes_are_counted_and_the_part_never_falls() -> None:
    progress, parts, sentences = PullProgress(), [], []
    for message in MESSAGES:
        progress.take(message)
        parts.append(progress.part)
        sentences.append(progress.sentence)
    assert sentences[5] == "Getting the image: 1 of 3 layers, 11 of 42 MB"
    assert sentences[-1] == "Getting the image: 3 of 3 layers, 42 of 42 MB"
    after_the_list = parts[4:]
    assert after_the_list == sorted(after_the_list)
    assert parts[-1] == 1.0


def test_a_layer_that_is_heard_of_while_they_are_counted_breaks_nothing() -> None:
    """The engine's messages come on a thread; whoever waits is told on the loop."""
    progress = PullProgress()

    class Layer:
        bytes_here = bytes_all = 0

        @property
        def part(self) -> float:
            progress.take({"status": "Waiting", "id": f"layer {len(progress._layers)}"})
            return 1.0

    progress._layers = {"first": Layer()}  # type: ignore[dict-item]
    assert progress.part == 1.0
    assert progress.sentence == "Getting the image: 1 of 2 layers"


def test_the_engines_error_ends_it() -> None:
    with pytest.raises(PullError, match="manifest unknown"):
        PullProgress().take({"error": "manifest unknown", "errorDetail": {}})


async def test_two_who_want_one_image_share_a_pull_and_a_third_image_is_not_held_up() -> None:
    hold, begun = threading.Event(), []

    def slow() -> Iterator[dict[str, Any]]:
        begun.append("slow")
        hold.wait(120)
        yield MESSAGES[1]

    def quick() -> Iterator[dict[str, Any]]:
        begun.append("quick")
        yield MESSAGES[1]

    pulls = Pulls()
    waiting = [asyncio.create_task(pulls.get("slow:1", slow, lambda *_: None)) for _ in range(2)]
    await asyncio.sleep(0)
    await asyncio.wait_for(pulls.get("quick:1", quick, lambda *_: None), 60)
    assert not any(task.done() for task in waiting)
    hold.set()
    await asyncio.wait_for(asyncio.gather(*waiting), 60)
    assert sorted(begun) == ["quick", "slow"]


async def test_who_gives_up_does_not_end_the_pull_of_the_others() -> None:
    hold = threading.Event()

    def slow() -> Iterator[dict[str, Any]]:
        hold.wait(120)
        yield MESSAGES[1]

    pulls, told = Pulls(), []
    first = asyncio.create_task(pulls.get("slow:1", slow, lambda *_: None))
    second = asyncio.create_task(pulls.get("slow:1", slow, lambda text, _: told.append(text)))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    hold.set()
    await asyncio.wait_for(second, 60)
    assert told


async def test_what_a_stalled_registry_said_last_is_told() -> None:
    hold = threading.Event()

    def stalled() -> Iterator[dict[str, Any]]:
        yield from MESSAGES[:6]
        hold.wait(120)

    heard = asyncio.Event()

    def tell(sentence: str, _: float) -> None:
        if "11 of 42 MB" in sentence:
            heard.set()

    waiting = asyncio.create_task(Pulls().get("slow:1", stalled, tell))
    try:
        await asyncio.wait_for(heard.wait(), 60)
    finally:
        hold.set()
    await waiting


class Engine:
    """An engine with or without the image, that pulls as told."""

    def __init__(self, here: bool, messages: Any = ()) -> None:
        self.here, self.messages, self.pulled = here, messages, []
        self.client, self.away = self, False
        self.labels = {PROFILES_LABEL: json.dumps(DECLARED.label), JUPYTERHUB_LABEL: hub_version}

    async def docker(self, method: str, *_: Any) -> Any:
        assert method == "inspect_image"
        if self.away:
            raise requests.ConnectionError("no engine")
        if not self.here:
            raise ImageNotFound("no such image")
        return {"Config": {"Labels": self.labels}}

    def reload_config(self) -> None:
        """Credentials are docker-py's business."""

    def pull(self, repository: str, tag: str, **_: Any) -> Iterator[dict[str, Any]]:
        self.pulled.append((repository, tag))
        yield from self.messages
        self.here = True


def profile(declared: bool = True, reference: str = REFERENCE) -> Profile:
    image = DECLARED.model_copy(update={"reference": reference})
    (found,) = on_offer([], "latest", [image])
    assert found.declared
    return found if declared else Profile(**{**vars(found), "declared": False})


def ensure(engine: Engine, wanted: Profile, pull: PullPolicy = "missing") -> None:
    async def main() -> None:
        store = ImageStore(Settings(pull_policy=pull))
        await asyncio.wait_for(store.ensure(wanted, engine, lambda *_: None), 60)

    asyncio.run(main())


def test_a_missing_image_is_pulled_by_repository_and_tag() -> None:
    engine = Engine(False, MESSAGES)
    ensure(engine, profile())
    assert engine.pulled == [("registry.example/team/uv-lab", "1.2")]


def test_what_the_registry_says_is_the_persons_to_read() -> None:
    with pytest.raises(StartFailure, match="cannot be fetched: denied") as caught:
        ensure(Engine(False, [{"error": "denied <b>"}]), profile())
    assert "&lt;b&gt;" in caught.value.jupyterhub_html_message


def test_an_image_that_nobody_declared_is_never_pulled() -> None:
    engine = Engine(False)
    with pytest.raises(StartFailure, match="not on this machine"):
        ensure(engine, profile(declared=False), "always")
    assert engine.pulled == []


@pytest.mark.parametrize(
    ("settings", "offered"),
    [
        (Settings(pull_policy="missing"), True),
        (Settings(pull_policy="never"), False),
        (Settings(pull_policy="never", runtime="kubernetes"), True),
    ],
)
def test_what_is_not_here_and_never_pulled_is_not_offered(
    settings: Settings, offered: bool
) -> None:
    found = sift([profile()], hub_version, settings)
    assert bool(found.profiles) is offered
    told = [one.for_admin for one in found.left_out]
    assert [REFERENCE in one and "is not on this machine" in one for one in told] == [True] * (
        not offered
    )


@pytest.mark.parametrize(
    ("policy", "wanted", "here", "pulls"),
    [
        ("never", profile(), False, False),
        ("missing", profile(), False, True),
        ("missing", profile(), True, False),
        ("always", profile(), True, True),
        ("always", profile(declared=False), True, False),
        ("always", profile(reference=PINNED), False, True),
        ("always", profile(reference=PINNED), True, False),
    ],
)
def test_when_it_is_pulled(policy: PullPolicy, wanted: Profile, here: bool, pulls: bool) -> None:
    assert wants_pull(policy, wanted, here) == pulls


def test_a_digest_is_what_is_pulled_and_started() -> None:
    engine, wanted = Engine(False, MESSAGES), profile(reference=PINNED)
    assert wanted.image == f"registry.example/team/uv-lab@{DIGEST}"
    ensure(engine, wanted)
    assert engine.pulled == [("registry.example/team/uv-lab", DIGEST)]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({JUPYTERHUB_LABEL: "5.4.0"}, "its image .* has JupyterHub 5.4.0, and this hub is"),
        ({JUPYTERHUB_LABEL: ""}, "does not say which JupyterHub"),
        ({PROFILES_LABEL: "{}"}, "does not offer uv-lab-small with that memory"),
        (
            {PROFILES_LABEL: json.dumps(DECLARED.label).replace('"2G"', '"4G"')},
            "does not offer uv-lab-small with that memory",
        ),
    ],
)
def test_what_arrives_has_to_be_what_was_offered(changes: dict[str, str], told: str) -> None:
    engine = Engine(False, MESSAGES)
    engine.labels |= changes
    with pytest.raises(StartFailure, match=told):
        ensure(engine, profile())


def test_an_engine_that_goes_away_before_the_start_is_told_in_words() -> None:
    engine = Engine(True)
    engine.away = True
    with pytest.raises(StartFailure, match="cannot reach the Docker Engine") as caught:
        ensure(engine, profile())
    assert caught.value.status_code == 503


def test_a_declared_image_is_on_offer_before_it_is_here() -> None:
    (found,) = on_offer([], "latest", [DECLARED])
    assert (found.key, found.memory, found.here) == ("uv-lab-small", 2 * 2**30, False)
    assert (found.jupyterhub, found.origin) == (hub_version, "tag 1.2")
    (found,) = on_offer([{"RepoTags": [REFERENCE]}], "latest", [DECLARED])
    assert found.here
    assert found.jupyterhub == "", "once it is here, its own label counts"


def test_a_pinned_image_shows_its_release_and_digest() -> None:
    pinned = DECLARED.model_copy(update={"reference": PINNED})
    (found,) = on_offer([], "latest", [pinned])
    assert (found.here, found.origin) == (False, "1.2, sha256:0123456789ab")
    labels = {"io.jhub-docker.release": "1.2.0", JUPYTERHUB_LABEL: "6.0.0"}
    here = {"RepoTags": [], "RepoDigests": [found.image], "Labels": labels}
    (found,) = on_offer([here], "latest", [pinned])
    assert (found.here, found.jupyterhub) == (True, "6.0.0")
    assert found.origin == "release 1.2.0, sha256:0123456789ab"
    moved = {"RepoTags": [REFERENCE], "RepoDigests": [], "Labels": labels}
    (found,) = on_offer([moved], "latest", [pinned])
    assert not found.here, "another image with the tag is not the one with the digest"
