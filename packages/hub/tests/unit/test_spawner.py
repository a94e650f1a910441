"""The spawners, with a recorded engine in place of Docker: real classes, no containers."""

import asyncio
import json
import threading
from ipaddress import IPv4Network
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from docker.errors import APIError
from dockerspawner import DockerSpawner
from sqlalchemy.orm import Session
from traitlets.config import Config

from hub_config.groups import GroupRules
from hub_config.networks.pool import Subnet
from hub_config.networks.server_networks import Made, NetworkError
from hub_config.networks.spawner import NetworkedSpawner
from hub_config.spawning import container_spawner
from hub_config.spawning.admission.room import Policy
from hub_config.spawning.container.readiness import ServerEndedError, wait_until_answers
from hub_config.spawning.container_spawner import UserContainerSpawner
from hub_config.spawning.images import store as image_store
from hub_config.spawning.images.labels import JUPYTERHUB_LABEL, PROFILES_LABEL
from hub_config.spawning.offering_spawner import OfferingSpawner
from hub_config.spawning.profile_spawner import PlatformSpawner
from hub_config.spawning.refusal import Refusal, StartFailure
from hub_config.spawning.stages import Stage

OFFER = {
    "name": "uv-lab",
    "default_url": "/lab",
    "profiles": {"small": {"cpu_guarantee": 1, "cpu_limit": 2, "mem_limit": "2G"}},
}
LABELS = {PROFILES_LABEL: json.dumps(OFFER), JUPYTERHUB_LABEL: image_store.hub_version}
IMAGES = [{"RepoTags": ["local/uv-lab:latest"], "Labels": LABELS}]


class RecordedEngine:
    """Answers as the engine did, for questions that concern no container."""

    def __init__(self) -> None:
        self.images = IMAGES

    async def docker(self, method: str, *_: Any) -> Any:
        return {"images": self.images, "info": {"MemTotal": 64 * 2**30, "NCPU": 2}}[method]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> RecordedEngine:
    engine = RecordedEngine()
    monkeypatch.setattr(PlatformSpawner, "engine", engine)
    return engine


@pytest.fixture
def spawner(
    applied: Config, engine: RecordedEngine, db: Session, monkeypatch: pytest.MonkeyPatch
) -> PlatformSpawner:
    monkeypatch.setattr(OfferingSpawner, "_images", None)
    monkeypatch.setattr(OfferingSpawner, "_desk", None)
    applied.PlatformSpawner.policy = Policy(memory_overcommit=100, min_free_disk_gb=0)
    orm = SimpleNamespace(
        name="work", server=None, user_options={}, display_name="", last_activity=None
    )
    user = SimpleNamespace(
        name="a-b",
        url="/user/a-b/",
        id=1,
        db=db,
        orm_user=None,
        groups=[],
        admin=False,
        orm_spawners={"work": orm},
    )
    hub = SimpleNamespace(public_host="", api_url="http://hub:8081/hub/api", base_url="/hub/")
    return PlatformSpawner(config=applied, user=user, orm_spawner=orm, hub=hub)


def choose(spawner: PlatformSpawner, options: dict[str, Any]) -> Any:
    asyncio.run(spawner._run_apply_user_options(options))
    return spawner._chosen


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


def test_start_refuses_by_itself_too(spawner: PlatformSpawner) -> None:
    spawner.user_options = {"profile": "nope"}
    with pytest.raises(Refusal):
        asyncio.run(spawner.start())
    assert spawner.child_spawner is None


def test_without_images_it_is_a_503(spawner: PlatformSpawner, engine: RecordedEngine) -> None:
    engine.images = []
    with pytest.raises(Refusal) as caught:
        choose(spawner, {"profile": "uv-lab-small"})
    assert caught.value.status_code == 503


OLD = [{"RepoTags": ["local/uv-lab:latest"], "Labels": LABELS | {JUPYTERHUB_LABEL: "5.4.0"}}]


def test_an_image_of_another_jupyterhub_is_neither_offered_nor_started(
    spawner: PlatformSpawner, engine: RecordedEngine, caplog: pytest.LogCaptureFixture
) -> None:
    new = {"RepoTags": ["local/new:latest"], "Labels": LABELS | {
        PROFILES_LABEL: json.dumps(OFFER | {"name": "new"})}}  # fmt: skip
    engine.images = [*OLD, new]
    form = asyncio.run(spawner.get_options_form())
    assert "new-small" in form
    assert "uv-lab-small" not in form
    with pytest.raises(Refusal, match=r"its image has JupyterHub 5\.4\.0") as caught:
        choose(spawner, {"profile": "uv-lab-small"})
    assert caught.value.status_code == 503
    assert spawner.desk.ledger.get(spawner.key) is None
    assert [record.message for record in caplog.records if "5.4.0" in record.message] == [
        "uv-lab, small (uv-lab-small) is not offered: image local/uv-lab:latest has JupyterHub "
        f"5.4.0, and this hub is {image_store.hub_version}; both need the same first number."
    ]


def test_admins_read_on_the_form_what_is_left_out(
    spawner: PlatformSpawner, engine: RecordedEngine
) -> None:
    engine.images = OLD
    assert "5.4.0" not in asyncio.run(spawner.get_options_form())
    spawner.user.admin = True
    assert "(uv-lab-small) is not offered" in asyncio.run(spawner.get_options_form())
    assert not PlatformSpawner.images_left_out(SimpleNamespace(admin=False))
    (told,) = PlatformSpawner.images_left_out(spawner.user)
    assert "has JupyterHub 5.4.0" in told


def test_the_child_keeps_its_own_port_and_limits(spawner: PlatformSpawner) -> None:
    chosen = choose(spawner, {"profile": "uv-lab-small"})
    child = spawner.construct_child()
    child.use_profile(chosen)
    assert (child.ip, child.port, child.default_url) == ("0.0.0.0", 8888, "/lab")  # noqa: S104
    assert (child.mem_limit, child.cpu_limit) == (2 * 2**30, 2)
    assert child.object_name == "jupyter-a_2db-work"
    assert child.volumes == {"jupyterhub-user-a_2db": "/home/nebula"}
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
    state = {"profile": "gone", "child_state": {"object_id": "0123", "object_name": "old-name"}}
    spawner.load_state(state)
    assert spawner.child_spawner.object_name == "old-name"
    assert spawner.get_state().items() >= state.items()


def test_a_restarted_hub_keeps_its_promises(spawner: PlatformSpawner) -> None:
    choose(spawner, {"profile": "uv-lab-small"})
    spawner.construct_child().object_id = "0123"
    state = spawner.get_state()
    spawner.clear_state()
    assert spawner.desk.ledger.get(spawner.key) is None
    spawner.load_state(json.loads(json.dumps(state)))
    promise = spawner.desk.ledger.get(spawner.key)
    assert promise is not None
    assert (promise.memory, promise.cpus, promise.starting) == (2 * 2**30, 1, False)


def test_a_start_that_is_refused_for_want_of_room_promises_nothing(
    spawner: PlatformSpawner,
) -> None:
    spawner.policy = Policy(memory_reserve_gb=1000)
    with pytest.raises(Refusal, match="needs 2 GB of memory, and this machine has 0 GB") as caught:
        choose(spawner, {"profile": "uv-lab-small"})
    assert caught.value.status_code == 503
    assert spawner.desk.ledger.get(spawner.key) is None


def test_a_profile_of_a_group_is_a_403_for_others(spawner: PlatformSpawner) -> None:
    spawner.group_rules = {"analysts": GroupRules(profiles=frozenset({"uv-lab-small"}))}
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
    assert spawner.desk.ledger.get(spawner.key) is None


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
def child(spawner: PlatformSpawner) -> UserContainerSpawner:
    async def nothing() -> None:
        """The networks are tested with an engine."""

    child = spawner.construct_child()
    child.object_id = "0123"
    child.release_network = nothing
    return child


def test_an_engine_in_trouble_is_not_a_server_that_is_gone(
    child: UserContainerSpawner, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def trouble(*_: Any, **__: Any) -> None:
        raise APIError("", response=SimpleNamespace(status_code=500, url="", reason=""))

    monkeypatch.setattr(child, "docker", trouble)
    assert asyncio.run(child.poll()) is None
    assert child.object_id == "0123"


def engine_says(status: int, text: str) -> APIError:
    response = SimpleNamespace(status_code=status, url="http://engine", reason="")
    return APIError("", response=response, explanation=text)


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
    child: UserContainerSpawner,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    failing: str,
    error: Exception,
    words: str,
    status: int,
) -> None:
    released = []

    async def network() -> None:
        """Made."""

    async def release() -> None:
        released.append(child.network_name)

    async def docker(method: str, *_: Any, **__: Any) -> Any:
        if method == failing:
            raise error

    async def start_container() -> Any:
        await docker("create_container")

    monkeypatch.setattr(child, "ensure_network", network)
    monkeypatch.setattr(child, "release_network", release)
    monkeypatch.setattr(child, "docker", docker)
    monkeypatch.setattr(DockerSpawner, "start", lambda _: start_container())
    monkeypatch.setattr(child, "shared_folders", no_folders)
    child.log.addHandler(caplog.handler)
    with pytest.raises(StartFailure, match=words) as caught:
        asyncio.run(child.start())
    assert caught.value.status_code == status
    assert str(error) in caplog.text
    assert str(error) not in caught.value.jupyterhub_message
    assert released
    assert not child.object_id


async def no_folders(_: str) -> dict[str, Any]:
    return {}


class Networks:
    """Networks whose hub and proxy come later, or never."""

    def __init__(self, refusal: str = "") -> None:
        self.refusal = refusal
        self.done: list[str] = []
        self.may_join = threading.Event()

    def make(self, _: Any, name: str, *__: str) -> Made:
        self.done.append("made")
        return Made(name, Subnet(IPv4Network("10.213.0.0/28")), ())

    def join(self, *_: Any) -> None:
        assert self.may_join.wait(10)
        if self.refusal:
            raise NetworkError(self.refusal)
        self.done.append("joined")

    def release(self, *_: Any) -> None:
        self.done.append("released")


@pytest.mark.parametrize("failing", ["", "the network cannot be joined", "create_container"])
def test_hub_and_proxy_join_the_network_while_the_container_is_made(
    spawner: PlatformSpawner, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    networks = Networks(failing if "joined" in failing else "")
    client = SimpleNamespace(
        create_endpoint_config=lambda **given: given,
        create_networking_config=lambda given: given,
    )
    child = spawner.construct_child()

    async def docker(*_: Any, **__: Any) -> None:
        """Nothing to do."""

    async def start_container() -> tuple[str, int]:
        networks.done.append("started")
        networks.may_join.set()
        if failing == "create_container":
            raise engine_says(500, "odd")
        return "10.213.0.4", 8888

    async def answers(*_: Any) -> None:
        networks.done.append("answers")

    monkeypatch.setattr(NetworkedSpawner, "_shared_networks", networks)
    monkeypatch.setattr(DockerSpawner, "client", client)
    monkeypatch.setattr(DockerSpawner, "server", SimpleNamespace(base_url="/user/a-b/work/"))
    monkeypatch.setattr(child, "docker", docker)
    monkeypatch.setattr(DockerSpawner, "start", lambda _: start_container())
    monkeypatch.setattr(child, "shared_folders", no_folders)
    monkeypatch.setattr(container_spawner, "wait_until_answers", answers)
    if not failing:
        assert asyncio.run(child.start()) == "http://10.213.0.4:8888"
        assert networks.done == ["made", "started", "joined", "answers"]
        return
    with pytest.raises(StartFailure):
        asyncio.run(child.start())
    # Nothing is removed while something is still being attached to it.
    joined = [] if networks.refusal else ["joined"]
    assert networks.done == ["made", "started", *joined, "released"]


def test_a_container_that_ended_is_described_and_removed(
    child: UserContainerSpawner, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    async def docker(method: str, *_: Any, **__: Any) -> Any:
        calls.append(method)
        state = {"Running": False, "ExitCode": 137, "OOMKilled": True}
        record = {"Id": "0123", "State": state, "HostConfig": {"Memory": 2**31}}
        return {"inspect_container": record, "logs": b"last words"}.get(method)

    monkeypatch.setattr(child, "docker", docker)
    how = asyncio.run(child.poll())
    assert "more memory than the 2 GB of its profile" in str(how)
    assert "last words" in str(how)
    assert calls[-1] == "remove_container"


def test_the_reason_outlives_the_server_and_the_hub(spawner: PlatformSpawner) -> None:
    spawner.construct_child().ending = "It ended by itself."
    spawner.clear_state()
    state = spawner.get_state()
    assert state == {"last_end": "It ended by itself."}
    spawner.last_end = ""
    spawner.load_state(state)
    assert spawner.last_end == "It ended by itself."


def test_waiting_ends_at_once_when_the_container_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub_config.spawning.container.readiness.LOOK_AT_CONTAINER", 0.01)

    async def ended() -> str:
        return "exit code 1"

    with pytest.raises(ServerEndedError, match="exit code 1"):
        asyncio.run(wait_until_answers("http://127.0.0.1:9/api", 60, ended))


def test_waiting_has_a_deadline() -> None:
    async def runs() -> None:
        return None

    with pytest.raises(TimeoutError, match="did not answer"):
        asyncio.run(wait_until_answers("http://127.0.0.1:9/api", 0.1, runs))


def test_waiting_returns_when_the_server_answers() -> None:
    async def main() -> None:
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
        await wait_until_answers(f"http://127.0.0.1:{port}/api", 10, runs)
        server.close()
        assert not answers

    asyncio.run(main())
