"""What people are told where JupyterHub alone says less; deletions that wait for slow servers."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub.apihandlers.users import UserAPIHandler
from jupyterhub.handlers.base import BaseHandler, PrefixRedirectHandler
from jupyterhub.handlers.pages import SpawnHandler
from jupyterhub.user import User
from tornado.web import HTTPError

from hub_config import tracing
from hub_config.audit import events
from hub_config.spawning import servers, strayed
from hub_config.watch import requests


@pytest.fixture
def wrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    """The handlers as they are in the hub; what is below them is as a test puts it."""
    names = ("_check_named_server_request", "spawn_single_user", "stop_single_user")
    kept = {name: getattr(BaseHandler, name) for name in names}
    for name in names:
        monkeypatch.setattr(BaseHandler, name, kept[name])
    monkeypatch.setattr(UserAPIHandler, "delete", UserAPIHandler.delete)
    for name in ("_post", "_wrap_spawn_single_user"):
        monkeypatch.setattr(SpawnHandler, name, getattr(SpawnHandler, name))
    for name in ("get", "post", "put", "patch", "delete", "check_xsrf_cookie"):
        monkeypatch.setattr(PrefixRedirectHandler, name, getattr(PrefixRedirectHandler, name))


async def test_who_asked_for_a_start_that_was_cancelled_is_told_so(
    wrapped: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JupyterHub lets the cancellation of the start's own task through to whoever waits for it."""

    async def spawn(handler: Any, *_: Any) -> None:
        await asyncio.shield(handler.starting)

    monkeypatch.setattr(BaseHandler, "spawn_single_user", spawn)
    servers.explain()

    handler = SimpleNamespace(starting=asyncio.ensure_future(asyncio.Event().wait()))
    asked = asyncio.ensure_future(BaseHandler.spawn_single_user(handler, None))
    await asyncio.sleep(0)
    handler.starting.cancel()
    with pytest.raises(HTTPError, match="cancelled") as caught:
        await asked
    assert caught.value.status_code == 409


async def test_a_stop_is_by_its_cause_and_else_by_who_asked(
    wrapped: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every minute a request of the platform's own is the occasion for what has another cause."""
    causes = []

    async def stop(*_: Any) -> None:
        causes.append(tracing.cause.get())

    monkeypatch.setattr(User, "stop", User.stop)
    monkeypatch.setattr(BaseHandler, "stop_single_user", stop)
    requests._stops()
    asker: Any = SimpleNamespace(_jupyterhub_user=SimpleNamespace(name="ann", kind="user"))
    await BaseHandler.stop_single_user(asker, None)
    tracing.cause.set("scheduled run")
    await BaseHandler.stop_single_user(asker, None)
    assert causes == ["ann", "scheduled run"]


class Spawns:
    """The form of a start, of which JupyterHub says what `answers` does."""

    def __init__(self, answers: Any, **spawner: Any) -> None:
        state = {"ready": False, "pending": None} | spawner
        self.user = SimpleNamespace(spawners={"": SimpleNamespace(**state)})
        self.answers, self.led = answers, ""

    def find_user(self, name: str) -> Any:
        return self.user if name == "ann" else None

    def _get_pending_url(self, _user: Any, server_name: str) -> str:
        return f"/hub/spawn-pending/ann/{server_name}"

    def redirect(self, url: str) -> None:
        self.led = url


@pytest.mark.parametrize("state", [{"pending": "spawn"}, {"ready": True}])
async def test_a_form_that_comes_twice_leads_to_the_start_that_is_under_way(
    wrapped: None, monkeypatch: pytest.MonkeyPatch, state: dict[str, Any]
) -> None:
    async def post(handler: Spawns, *_: Any, **__: Any) -> None:
        raise handler.answers

    monkeypatch.setattr(SpawnHandler, "_post", post)
    servers.explain()

    async def sent(handler: Spawns, name: str = "ann") -> str:
        await SpawnHandler._post(handler, user_name=name, server_name="", display_name="")
        return handler.led

    assert await sent(Spawns(HTTPError(400), **state)) == "/hub/spawn-pending/ann/"
    refusals = [
        (Spawns(HTTPError(400)), "ann"),
        (Spawns(HTTPError(400), pending="stop"), "ann"),
        (Spawns(HTTPError(400), **state), "eve"),
        (Spawns(HTTPError(403), **state), "ann"),
    ]
    for refused, name in refusals:
        with pytest.raises(HTTPError):
            await sent(refused, name)
    late = Spawns(None, **state)
    (spawner,) = late.user.spawners.values()
    await SpawnHandler._wrap_spawn_single_user(late, late.user, "", "", spawner, "/there", {})
    assert late.led == "/there", "the first was begun while the second's form was read"


async def test_a_request_that_is_itself_cancelled_is_no_answer(
    wrapped: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def spawn(*_: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(BaseHandler, "spawn_single_user", spawn)
    servers.explain()

    asked = asyncio.ensure_future(BaseHandler.spawn_single_user(SimpleNamespace(), None))
    await asyncio.sleep(0)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked


async def test_a_stop_waits_for_the_start_it_cancelled_and_a_second_one_for_the_first(
    wrapped: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JupyterHub waits a second, then raises for a start that is not over; also for two stops."""
    over, stopped = asyncio.Event(), []

    async def start() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await over.wait()  # a busy machine

    async def stop(_: Any, user: Any, name: str) -> Any:
        spawner = user.spawners[name]
        assert spawner._spawn_future.done(), "JupyterHub raises: pending spawn"
        assert spawner._stop_future is None, "JupyterHub raises: pending stop"
        stopped.append(name)
        spawner._stop_future = asyncio.get_running_loop().create_future()
        return spawner._stop_future

    monkeypatch.setattr(BaseHandler, "stop_single_user", stop)
    servers.explain()
    starting = asyncio.ensure_future(start())
    spawner = SimpleNamespace(_spawn_future=starting, _stop_future=None)
    user = SimpleNamespace(spawners={"": spawner})
    await asyncio.sleep(0)
    starting.cancel()
    presses = [
        asyncio.ensure_future(BaseHandler.stop_single_user(SimpleNamespace(), user))
        for _ in range(2)
    ]
    await asyncio.sleep(0)
    assert not stopped
    over.set()
    first, second = await asyncio.wait_for(asyncio.gather(*presses), 60)
    assert first is second
    assert stopped == [""]


@pytest.mark.parametrize(
    ("name", "there", "refused"),
    [
        ("api", {}, True),
        ("api", {"api": None}, False),
        ("api-2", {}, False),
        ("A b", {}, True),
        ("atlas", {}, True),
        ("scheduled-a", {"scheduled-a": None}, True),
    ],
)
def test_a_name_is_refused_with_a_reason_unless_it_is_there_already(
    wrapped: None, monkeypatch: pytest.MonkeyPatch, name: str, there: Any, refused: bool
) -> None:
    async def check(*_: Any) -> None:
        """JupyterHub has nothing against it."""

    monkeypatch.setattr(BaseHandler, "_check_named_server_request", check)
    servers.explain()

    async def routes() -> set[str]:
        return {"atlas"}

    user = SimpleNamespace(orm_spawners=there, spawner=SimpleNamespace(routes_of_images=routes))
    asked = BaseHandler._check_named_server_request(SimpleNamespace(), user, name)
    if not refused:
        asyncio.run(asked)
        return
    with pytest.raises(HTTPError, match="cannot be a server's name") as caught:
        asyncio.run(asked)
    assert caught.value.status_code == 400


@pytest.mark.parametrize(("own", "limited"), [(["one"], False), (["one", "two"], True)])
def test_scheduled_runs_are_none_of_the_servers_somebody_may_have_a_few_of(
    wrapped: None, monkeypatch: pytest.MonkeyPatch, own: list[str], limited: bool
) -> None:
    asked = []

    async def check(*_: Any, check_limit: bool = True) -> None:
        asked.append(check_limit)

    async def limit() -> int:
        return 2

    async def routes() -> set[str]:
        return set()

    monkeypatch.setattr(BaseHandler, "_check_named_server_request", check)
    servers.explain()
    there = dict.fromkeys(["", *own, "scheduled-a", "scheduled-b"])
    user = SimpleNamespace(orm_spawners=there, spawner=SimpleNamespace(routes_of_images=routes))
    handler = SimpleNamespace(get_current_user_named_server_limit=limit)
    asyncio.run(BaseHandler._check_named_server_request(handler, user, "three"))
    assert asked == [limited]


class Slow:
    """A person with four servers that all take as long as the slowest."""

    def __init__(self) -> None:
        spawner = SimpleNamespace(active=True, _stop_future=None, _spawn_future=None)
        self.name, self.spawners = "ann", dict.fromkeys("abcd", spawner)
        self.stopping, self.stopped = 0, list[str]()
        self.all_stop = asyncio.Event()

    async def stop(self, name: str) -> None:
        self.stopping += 1
        if self.stopping == len(self.spawners):
            self.all_stop.set()
        await self.all_stop.wait()
        self.stopped.append(name)


class App:
    """Has JupyterHub's proxy."""

    def __init__(self) -> None:
        self.proxy = self

    async def delete_user(self, *_: Any) -> None:
        """Gone."""


async def test_four_slow_servers_are_stopped_side_by_side() -> None:
    user = Slow()
    await asyncio.wait_for(servers.stop_servers(user, App()), 60)
    assert sorted(user.stopped) == list("abcd")


@pytest.mark.parametrize(
    ("took", "result"), [("a moment", "ok"), ("long", "ok"), ("in vain", "failed (RuntimeError)")]
)
async def test_what_became_of_a_start_is_told_however_long_it_took(
    wrapped: None, monkeypatch: pytest.MonkeyPatch, took: str, result: str
) -> None:
    """JupyterHub keeps the future of one that goes on or failed, and no other."""
    spawner, told = SimpleNamespace(_spawn_future=None, stages=SimpleNamespace(times=[])), []

    async def spawn(*_: Any) -> None:
        if took != "a moment":
            spawner._spawn_future = asyncio.get_running_loop().create_future()

    monkeypatch.setattr(BaseHandler, "spawn_single_user", spawn)
    monkeypatch.setattr(events, "tell", lambda what, **said: told.append((what, said["result"])))
    requests._starts()
    handler = SimpleNamespace(visit=SimpleNamespace(address="", id="", who="ann"))
    ann = SimpleNamespace(name="ann", spawners={"": spawner})
    await BaseHandler.spawn_single_user(handler, ann)
    if took == "long":
        spawner._spawn_future.set_result(None)
    elif took == "in vain":
        spawner._spawn_future.set_exception(RuntimeError())
    await asyncio.sleep(0)
    assert told == [("server.started", result)]


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_what_is_sent_to_a_server_that_does_not_run_is_no_form_that_expired(
    wrapped: None, method: str
) -> None:
    servers.explain()
    answers: list[Any] = []
    asked = SimpleNamespace(
        base_url="/base/",
        request=_asked("/base/user/ann/api/contents/a.txt"),
        set_status=answers.append,
        finish=lambda body: answers.append(body["message"]),
    )
    PrefixRedirectHandler.check_xsrf_cookie(asked)
    getattr(PrefixRedirectHandler, method)(asked)
    assert answers == [424, strayed.TOO_LATE]
    asked.request = _asked("/base/login")
    with pytest.raises(HTTPError) as refused:
        getattr(PrefixRedirectHandler, method)(asked)
    assert refused.value.status_code == 405


def _asked(uri: str, page: str = "") -> Any:
    headers = {"Referer": f"https://hub.example.org{page}"} if page else {}
    return SimpleNamespace(path=uri, uri=uri, host="hub.example.org", headers=headers)


@pytest.mark.parametrize(
    ("uri", "page", "place"),
    [
        # FastAPI's page of documentation, Gradio's script, both at the root as they believe.
        (
            "/base/openapi.json",
            "/base/user/ann/proxy/8000/docs",
            "/base/user/ann/proxy/8000/openapi.json",
        ),
        ("/base/a?b=c", "/base/user/ann/desk/proxy/80/", "/base/user/ann/desk/proxy/80/a?b=c"),
        ("/base/", "/base/user/ann/vscode/proxy/8050/x", "/base/user/ann/vscode/proxy/8050/"),
        (
            "/base//example.com/",
            "/base/user/ann/proxy/80/",
            "/base/user/ann/proxy/80//example.com/",
        ),
        ("/base/user/ann/lab", "/base/user/ann/proxy/80/", ""),
        ("/base/services/mlflow/", "/base/user/ann/proxy/80/", ""),
        ("/base/login", "/base/user/ann/lab", ""),
        ("/base/login", "/base/hub/user/ann/proxy/80/", ""),
        ("/base/login", "", ""),
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_what_an_applications_page_asks_the_root_for_is_below_the_application(
    wrapped: None, monkeypatch: pytest.MonkeyPatch, uri: str, page: str, place: str, method: str
) -> None:
    monkeypatch.setattr(PrefixRedirectHandler, "get", lambda handler: handler.redirect("hub"))
    servers.explain()
    led: list[Any] = []
    asked = SimpleNamespace(
        base_url="/base/",
        request=_asked(uri, page),
        redirect=lambda to, status=302: led.append((to, status)),
        set_status=led.append,
        finish=lambda _: None,
    )
    try:
        getattr(PrefixRedirectHandler, method)(asked)
    except HTTPError as refused:
        led.append(refused.status_code)
    assert (led == [(place, 307)]) == bool(place), led


def test_a_page_of_another_host_leads_nowhere() -> None:
    page = "https://elsewhere.example.org/user/ann/proxy/80/"
    assert strayed.application("/x", page, "hub.example.org", "/") == ""
