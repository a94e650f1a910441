"""The spawners, with a recorded engine in place of Docker: real classes, no containers."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from jupyterhub import orm
from sqlalchemy.orm import Session
from traitlets.config import Config

from hub_config.groups import GroupRules
from hub_config.offer import images
from hub_config.offer.profiles import JUPYTERHUB_LABEL, PROFILES_LABEL
from hub_config.runtime.records import subnet_of
from hub_config.settings import Settings
from hub_config.spawning import server_spawner
from hub_config.spawning.container_spawner import UserContainerSpawner
from hub_config.spawning.parts import ServerEndedError, wait_until_answers
from hub_config.spawning.profile_spawner import PlatformSpawner
from hub_config.told import Refusal, Stage, StartFailure

from .fake_engine import FakeEngine, engine_says, fake_runtime

OFFER = {
    "name": "uv-lab",
    "default_url": "/lab",
    "profiles": {"small": {"cpu_guarantee": 1, "cpu_limit": 2, "mem_limit": "2G"}},
}
LABELS = {PROFILES_LABEL: json.dumps(OFFER), JUPYTERHUB_LABEL: images.hub_version}
IMAGES = [{"RepoTags": ["local/uv-lab:latest"], "Labels": LABELS}]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    engine = FakeEngine()
    engine.image_list = IMAGES
    monkeypatch.setattr(UserContainerSpawner, "_runtime", fake_runtime(engine))
    monkeypatch.setattr(PlatformSpawner, "_counter", None)
    return engine


@pytest.fixture
def spawner(
    applied: Config, engine: FakeEngine, db: Session, monkeypatch: pytest.MonkeyPatch
) -> PlatformSpawner:
    applied.PlatformSpawner.operator = Settings(memory_reserve_gb=0, min_free_disk_gb=0)
    monkeypatch.setattr("hub_config.offer.room.memory_available", lambda _: 2**40)
    orm_spawner = SimpleNamespace(
        name="work", server=None, user_options={}, display_name="", last_activity=None, state={}
    )
    person = orm.User(name="a-b")
    db.add(person)
    db.commit()
    user = SimpleNamespace(
        name="a-b",
        url="/user/a-b/",
        id=person.id,
        db=db,
        orm_user=None,
        groups=[],
        admin=False,
        orm_spawners={"work": orm_spawner},
    )
    hub = SimpleNamespace(public_host="", api_url="http://hub:8081/hub/api", base_url="/hub/")
    return PlatformSpawner(config=applied, user=user, orm_spawner=orm_spawner, hub=hub)


def choose(spawner: PlatformSpawner, options: dict[str, Any]) -> Any:
    spawner.user_options = options
    asyncio.run(spawner.run_pre_spawn_hook())
    return spawner._chosen


def promised(spawner: PlatformSpawner) -> Any:
    return spawner.counter.promises.all().get(("a-b", "work"))


def test_a_known_profile_is_chosen(spawner: PlatformSpawner) -> None:
    assert choose(spawner, {"profile": "uv-lab-small"}).image == "local/uv-lab:latest"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"profile": ""},
        {"profile": "nope"},
        {"profile": None},
        {"profile": ["uv-lab-small"]},
        {"profile": {"a": 1}},
        {"profile": "uv-lab-small", "image": "evil"},
    ],
)
def test_anything_else_is_a_400_and_is_not_kept(
    spawner: PlatformSpawner, options: dict[str, Any]
) -> None:
    with pytest.raises(Refusal) as caught:
        choose(spawner, options)
    assert caught.value.status_code == 400
    assert spawner.orm_spawner.user_options == {}
    assert spawner.child_spawner is None


def test_who_never_chose_gets_the_default_profile_where_there_is_one(
    spawner: PlatformSpawner,
) -> None:
    """As when an admin starts everybody's servers; what somebody chose badly is still refused."""
    spawner.operator = Settings(default_profile="uv-lab-small", min_free_disk_gb=0)
    assert choose(spawner, {}).key == "uv-lab-small"
    with pytest.raises(Refusal):
        choose(spawner, {"profile": ""})


def test_start_refuses_by_itself_too(spawner: PlatformSpawner) -> None:
    spawner.user_options = {"profile": "nope"}
    with pytest.raises(Refusal):
        asyncio.run(spawner.start())
    assert spawner.child_spawner is None


def test_without_images_it_is_a_503(spawner: PlatformSpawner, engine: FakeEngine) -> None:
    engine.image_list = []
    with pytest.raises(Refusal) as caught:
        choose(spawner, {"profile": "uv-lab-small"})
    assert caught.value.status_code == 503


OLD = [{"RepoTags": ["local/uv-lab:latest"], "Labels": LABELS | {JUPYTERHUB_LABEL: "5.4.0"}}]


def test_an_image_of_another_jupyterhub_is_neither_offered_nor_started(
    spawner: PlatformSpawner, engine: FakeEngine, caplog: pytest.LogCaptureFixture
) -> None:
    new = {"RepoTags": ["local/new:latest"], "Labels": LABELS | {
        PROFILES_LABEL: json.dumps(OFFER | {"name": "new"})}}  # fmt: skip
    engine.image_list = [*OLD, new]
    form = asyncio.run(spawner.get_options_form())
    assert "new-small" in form
    assert "uv-lab-small" not in form
    with pytest.raises(Refusal, match=r"its image has JupyterHub 5\.4\.0") as caught:
        choose(spawner, {"profile": "uv-lab-small"})
    assert caught.value.status_code == 503
    assert promised(spawner) is None
    assert [record.message for record in caplog.records if "5.4.0" in record.message] == [
        "uv-lab, small (uv-lab-small) is not offered: image local/uv-lab:latest has JupyterHub "
        f"5.4.0, and this hub is {images.hub_version}; both need the same first number."
    ]


def test_admins_read_on_the_form_what_is_left_out(
    spawner: PlatformSpawner, engine: FakeEngine
) -> None:
    engine.image_list = OLD
    assert "5.4.0" not in asyncio.run(spawner.get_options_form())
    spawner.user.admin = True
    assert "(uv-lab-small) is not offered" in asyncio.run(spawner.get_options_form())
    assert not PlatformSpawner.images_left_out(SimpleNamespace(admin=False))
    (told,) = PlatformSpawner.images_left_out(spawner.user)
    assert "has JupyterHub 5.4.0" in told


def test_what_an_image_lacks_is_on_the_form_and_its_paths_are_no_names(
    spawner: PlatformSpawner, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer = OFFER | {"default_url": "/maps/here", "routes": ["atlas"]}
    lacking = {"io.jhub-docker.warnings": "NOT INSTALLED: <one>\nno sound"}
    labels = LABELS | {PROFILES_LABEL: json.dumps(offer)} | lacking
    engine.image_list = [{"RepoTags": ["local/uv-lab:latest"], "Labels": labels}]
    form = asyncio.run(spawner.get_options_form())
    assert "<li>&lt;one&gt;</li><li>no sound</li>" in form
    assert asyncio.run(spawner.routes_of_images()) == {"maps", "atlas"}

    async def away(*_: Any) -> None:
        raise requests.ConnectionError

    monkeypatch.setattr(spawner.counter.images, "on_offer", away)
    assert asyncio.run(spawner.routes_of_images()) == {"maps", "atlas"}, "as it was last"


def test_the_child_keeps_its_own_port_and_limits(spawner: PlatformSpawner) -> None:
    chosen = choose(spawner, {"profile": "uv-lab-small"})
    child = spawner.construct_child()
    child.use_profile(chosen)
    assert (child.ip, child.port, child.default_url) == ("0.0.0.0", 8888, "/lab")  # noqa: S104
    assert (child.mem_limit, child.cpu_limit) == (2 * 2**30, 2)
    assert child.object_name == "jupyter-a_2db-work"
    assert child.extra_create_kwargs["labels"]["io.jhub-docker.user"] == "a-b"


def test_the_database_gets_names_and_no_secret(spawner: PlatformSpawner) -> None:
    child = spawner.construct_child()
    child.api_token = "secret-token"
    child.environment = {"PASSWORD": "secret-password"}
    child.object_id = "0123"
    state = json.dumps(spawner.get_state())
    assert "0123" in state
    assert "secret" not in state


def test_a_restarted_hub_finds_the_container_again(spawner: PlatformSpawner) -> None:
    child = {"object_id": "0123", "object_name": "old-name"}
    child |= {"address": "10.0.0.2", "port": 8888, "page": "/lab"}
    state = {"profile": "gone", "child_state": child}
    spawner.load_state(state)
    assert spawner.child_spawner.object_name == "old-name"
    assert spawner.child_spawner.default_url == "/lab"
    assert spawner.get_state().items() >= state.items()


def test_a_restarted_hub_keeps_its_promises(
    spawner: PlatformSpawner, engine: FakeEngine, running: None
) -> None:
    spawner.engine.known.clear()
    spawner.engine.seen = False
    asyncio.run(spawner.get_options_form())
    promise = promised(spawner)
    assert (promise.memory, promise.cpus, promise.starting) == (2 * 2**30, 1, False)


def test_a_start_that_is_refused_for_want_of_room_promises_nothing(
    spawner: PlatformSpawner,
) -> None:
    spawner.operator = Settings(memory_reserve_gb=1000)
    with pytest.raises(Refusal, match="needs 2 GB of memory, and this machine has 0 GB") as caught:
        choose(spawner, {"profile": "uv-lab-small"})
    assert caught.value.status_code == 503
    assert promised(spawner) is None


def test_a_profile_of_a_group_is_a_403_for_others(spawner: PlatformSpawner) -> None:
    rules = {"analysts": GroupRules(profiles=frozenset({"uv-lab-small"}))}
    spawner.operator = Settings(groups=rules, memory_reserve_gb=0, min_free_disk_gb=0)
    with pytest.raises(Refusal, match="for members of analysts") as caught:
        choose(spawner, {"profile": "uv-lab-small"})
    assert caught.value.status_code == 403
    spawner.user.groups = [SimpleNamespace(name="analysts")]
    assert choose(spawner, {"profile": "uv-lab-small"}).key == "uv-lab-small"


def test_options_that_were_saved_unjudged_do_not_break_the_form(spawner: PlatformSpawner) -> None:
    # PUT /users/{name}/servers/{server} saves any object as user_options.
    spawner.orm_spawner.user_options = {"profile": ["uv-lab-small"]}
    assert "checked" in asyncio.run(spawner.get_options_form())


def test_a_link_suggests_and_starts_nothing(spawner: PlatformSpawner) -> None:
    with pytest.raises(Refusal, match="press the button"):
        spawner.options_from_query({"profile": ["uv-lab-small"]})
    assert "checked" in asyncio.run(spawner.get_options_form())
    assert promised(spawner) is None


def test_progress_can_be_watched_before_there_is_a_container(spawner: PlatformSpawner) -> None:
    async def first() -> dict[str, Any]:
        events = spawner.progress()
        coming = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        spawner.stages.tell(Stage.IMAGE)
        return await coming

    assert asyncio.run(first())["message"]
    assert spawner.child_spawner is None


@pytest.fixture
def child(spawner: PlatformSpawner, monkeypatch: pytest.MonkeyPatch) -> UserContainerSpawner:
    """The child, about to start its profile; its server answers at once."""

    async def answers(*_: Any) -> None:
        """It does."""

    monkeypatch.setattr(server_spawner, "wait_until_answers", answers)
    monkeypatch.setattr(
        UserContainerSpawner, "server", SimpleNamespace(base_url="/user/a-b/work/"), raising=False
    )
    chosen = choose(spawner, {"profile": "uv-lab-small"})
    child = spawner.construct_child()
    child.use_profile(chosen)
    return child


@pytest.fixture
def running(engine: FakeEngine, spawner: PlatformSpawner, child: UserContainerSpawner) -> None:
    """The server runs."""
    url = asyncio.run(spawner.start())
    (network,) = engine.networks_.values()
    assert url == f"http://{subnet_of(network).server}:8888"


NAME = "jupyter-a_2db-work"


def nothing_is_left(engine: FakeEngine) -> bool:
    return NAME not in engine.containers_ and not engine.networks_


def test_a_server_is_a_container_a_network_and_a_home(engine: FakeEngine, running: None) -> None:
    labels = engine.containers_[NAME]["Config"]["Labels"]
    assert labels["io.jhub-docker.user"] == "a-b"
    assert labels["io.jhub-docker.database"]
    assert list(engine.networks_) == ["jupyterhub-net-a_2db-work"]
    assert engine.volumes_["jupyterhub-user-a_2db"]["Labels"]["io.jhub-docker.home"]
    # An engine that is away tells no names.
    (network,) = engine.networks_.values()
    told = engine.containers_[NAME]["Config"]["Env"]["JUPYTERHUB_API_URL"]
    assert told == f"http://{subnet_of(network).hub}:8081/hub/api"


def test_a_running_server_is_promised_what_its_container_is_limited_to(
    spawner: PlatformSpawner, running: None
) -> None:
    assert (promised(spawner).memory, promised(spawner).starting) == (2 * 2**30, False)
    asyncio.run(spawner.stop())
    assert promised(spawner) is None


def test_an_engine_in_trouble_is_not_a_server_that_is_gone(
    engine: FakeEngine, child: UserContainerSpawner, running: None
) -> None:
    def fail(_: str) -> None:
        raise engine_says(500)

    engine.at = fail
    assert asyncio.run(child.poll()) is None
    assert child.object_id


@pytest.mark.parametrize(
    ("error", "words", "status"),
    [
        (engine_says(403, "engine filter: no such mount"), "tell an administrator", 500),
        (engine_says(409, "name is in use"), "still there", 409),
        (engine_says(500, "mkdir: no space left on device"), "disk of this machine is full", 507),
        (engine_says(500, "odd"), "could not make", 500),
        (engine_says(502, "engine filter: away"), "cannot reach", 503),
        (requests.ConnectionError("refused"), "cannot reach", 503),
    ],
)
@pytest.mark.parametrize("failing", ["create_volume", "create_container"])
def test_an_engine_that_fails_a_start_is_told_in_words_and_leaves_nothing(
    engine: FakeEngine,
    child: UserContainerSpawner,
    caplog: pytest.LogCaptureFixture,
    failing: str,
    error: Exception,
    words: str,
    status: int,
) -> None:
    def fail(method: str) -> None:
        if method == failing:
            raise error

    async def start_as_jupyterhub_does() -> None:
        try:
            await child.start()
        finally:
            assert await child.poll() is None
            await child.stop()

    engine.at = fail
    child.log.addHandler(caplog.handler)
    with pytest.raises(StartFailure, match=words) as caught:
        asyncio.run(start_as_jupyterhub_does())
    assert caught.value.status_code == status
    assert str(error) in caplog.text
    assert str(error) not in caught.value.jupyterhub_message
    assert nothing_is_left(engine)


def test_hub_and_proxy_join_the_network_while_the_container_is_made(
    engine: FakeEngine, running: None
) -> None:
    assert set(engine.containers_["hub"]["NetworkSettings"]["Networks"]) == set(engine.networks_)
    assert set(engine.containers_["proxy"]["NetworkSettings"]["Networks"]) == set(engine.networks_)


def test_a_container_that_ended_is_described_and_removed(
    engine: FakeEngine, child: UserContainerSpawner, running: None
) -> None:
    state = {"Status": "exited", "Running": False, "ExitCode": 137, "OOMKilled": True}
    engine.containers_[NAME]["State"] = state
    how = asyncio.run(child.poll())
    assert "more memory than the 2 GB of its profile" in str(how)
    assert "last words" in str(how)
    assert nothing_is_left(engine)


def test_the_reason_outlives_the_server_and_the_hub(spawner: PlatformSpawner) -> None:
    spawner.construct_child().ending = "It ended by itself."
    spawner.clear_state()
    state = spawner.get_state()
    assert state == {"last_end": "It ended by itself."}
    spawner.last_end = ""
    spawner.load_state(state)
    assert spawner.last_end == "It ended by itself."


def test_waiting_ends_at_once_when_the_container_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub_config.spawning.parts.LOOK_AT_CONTAINER", 0.01)

    async def ended() -> str:
        return "exit code 1"

    with pytest.raises(ServerEndedError, match="exit code 1"):
        asyncio.run(wait_until_answers("http://127.0.0.1:9/api", 60, ended))


def test_waiting_has_a_deadline() -> None:
    async def runs() -> None:
        return None

    with pytest.raises(TimeoutError, match="did not answer"):
        asyncio.run(wait_until_answers("http://127.0.0.1:9/api", 0.1, runs))


async def test_waiting_returns_when_the_server_answers() -> None:
    answers = [b"HTTP/1.1 503 x\r\ncontent-length: 0\r\n\r\n", b"HTTP/1.1 200 x\r\n\r\n"]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answers.pop(0))
        await writer.drain()
        writer.close()

    async def runs() -> None:
        return None

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await wait_until_answers(f"http://127.0.0.1:{port}/api", 60, runs)
    server.close()
    assert not answers
