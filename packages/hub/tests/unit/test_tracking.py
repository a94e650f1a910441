"""MLflow's spaces: whose they are, and what the layer before them lets through."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web as fake
from jupyterhub import orm
from sqlalchemy import select
from sqlalchemy.orm import Session
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from traitlets.config import Config

from hub_config.beside import services
from hub_config.first_start import Places, make_secrets
from hub_config.settings import Settings
from hub_config.tracking import door, layer, spaces
from hub_config.tracking.spaces import SpaceRow
from hub_config.variables import OF_THE_HUB


def test_a_space_is_of_a_person_and_not_of_a_name(db: Session) -> None:
    ann, team = orm.User(name="ann"), orm.Group(name="the team")
    db.add_all([ann, team])
    team.users.append(ann)
    db.commit()
    first = spaces.all_of(db, ann)
    assert first.keys() == {"me", "group/the team"}
    assert first["me"].startswith("ann-")
    ann.name = "anna"
    db.commit()
    assert spaces.all_of(db, ann) == first, "who is called otherwise has another space"
    db.delete(ann)
    db.delete(team)
    db.commit()
    assert list(db.scalars(select(SpaceRow))) == []
    again = orm.User(name="ann")
    db.add(again)
    db.commit()
    assert spaces.of(db, again) != first["me"], "a newcomer has what somebody else tracked"


async def test_a_space_is_removed_when_a_home_would_be(
    db: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, bob = orm.User(name="ann"), orm.User(name="bob")
    db.add_all([ann, bob])
    db.commit()
    its, _ = spaces.of(db, ann), spaces.of(db, bob)
    db.delete(ann)
    db.commit()
    heard: list[str] = []

    async def at_the_door(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append((await reader.readline()).decode())
        writer.write(b"not yet\n" if len(heard) == 1 else b"ok\n")
        writer.close()

    monkeypatch.setattr(door, "SOCKETS", tmp_path)
    await spaces.remove_due(db, timedelta(0))  # where MLflow does not run
    async with await asyncio.start_unix_server(at_the_door, tmp_path / "door"):
        await spaces.remove_due(db, timedelta(days=30))
        assert heard == []
        for _ in range(3):
            await spaces.remove_due(db, timedelta(0))
    assert heard == [f"-{its}\n"] * 2, "asked until it is gone, and no more"


@pytest.mark.parametrize("profiles", ["", "backup", "mlflow,backup"])
def test_servers_are_told_of_it_where_it_is(
    profiles: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPOSE_PROFILES", profiles)
    places = Places(*(tmp_path,) * 4)
    make_secrets(places)
    c = Config()
    services(c, Settings(), places)
    there = "mlflow" in [one["name"] for one in c.JupyterHub.services]
    everybody = [one for one in c.JupyterHub.load_roles if one["name"] == "user"]
    assert set(c.Spawner.environment) <= OF_THE_HUB, "the filter would refuse every start"
    assert ("MLFLOW_TRACKING_TOKEN" in c.Spawner.environment) == there
    assert there == bool(everybody) == ("server_token_scopes" in c.Spawner) == ("mlf" in profiles)


def test_the_token_is_the_servers_own() -> None:
    told = spaces.variables("/x/")
    assert told["MLFLOW_TRACKING_URI"] == "http://hub:8082/x/services/mlflow/me"

    class Spawner:
        api_token = "of this server"

    assert told["MLFLOW_TRACKING_TOKEN"](Spawner()) == "of this server"


class Known(layer.Spaces):
    """What the hub says, without a hub."""

    async def of(self, name: str) -> dict[str, str]:
        return {"me": f"{name}-0123456789ab"}


@asynccontextmanager
async def answering(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[str, list[Any]]]:
    """The layer's address, before a space of ann's that keeps what it is asked."""
    asked: list[Any] = []

    async def mlflow(request: fake.Request) -> fake.Response:
        asked.append((request.method, request.raw_path, dict(request.headers)))
        asked.append(await request.read())
        headers = {"X-Own": "1", "Set-Cookie": "jupyterhub-session-id=mine; Path=/"}
        return fake.Response(body=b"<script>", content_type="text/html", headers=headers)

    app = fake.Application(client_max_size=2**30)
    app.router.add_route("*", "/{rest:.*}", mlflow)
    runner = fake.AppRunner(app)
    await runner.setup()
    await fake.UnixSite(runner, str(folder / "ann-0123456789ab")).start()
    monkeypatch.setattr(door, "SOCKETS", folder)

    def who(handler: Any) -> Any:
        name = handler.request.headers.get("Authorization", "").removeprefix("Bearer ")
        return {"name": name, "kind": "user"} if name else None

    monkeypatch.setattr(layer.Authenticated, "get_current_user", who)
    monkeypatch.setenv("JUPYTERHUB_CLIENT_ID", "service-mlflow")
    listening, port = bind_unused_port()
    server = HTTPServer(layer.application("/services/mlflow/", Known("", "")), max_body_size=2**40)
    server.add_sockets([listening])
    yield f"http://127.0.0.1:{port}/services/mlflow/", asked
    server.stop()
    await runner.cleanup()


async def test_a_request_goes_to_ones_own_space_without_what_is_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = b"x" * 5_000_000
    headers = {"Authorization": "Bearer ann", "Cookie": "a=b", "Origin": "http://x", "X-Their": "2"}
    async with answering(tmp_path, monkeypatch) as (url, asked), aiohttp.ClientSession() as session:
        place = f"{url}me/api/2.0/mlflow-artifacts/artifacts/1/a%20b?c=d%2Fe"
        async with session.put(place, data=large, headers=headers) as answer:
            assert (answer.status, await answer.read()) == (200, b"<script>")
            assert answer.headers["Content-Security-Policy"] == "sandbox"
            assert answer.headers["X-Own"] == "1"
            assert "Set-Cookie" not in answer.headers, "a space decides who one is to the hub"
        (method, path, given), body = asked
        assert (method, path) == ("PUT", place.partition("mlflow/me")[2].replace("%2F", "/"))
        assert body == large
        assert not {"Authorization", "Cookie", "Origin"} & given.keys()
        assert (given["Host"], given["X-Their"]) == ("mlflow", "2")

        for path in ("group/team/", "ann-0123456789ab/", "me/../ann-0123456789ab/x"):
            async with session.get(f"{url}{path}", headers=headers) as answer:
                assert answer.status == 404, path
                closes = answer.headers.get("Connection") == "close"
                assert closes == ("group" in path), "the proxy would ask again where nobody listens"
        person = {**headers, "Accept": "text/html,*/*;q=0.8", "Accept-Language": "de"}
        for path, said in (
            ("group/%3Ci%3E/", "keinen Bereich group/&lt;i&gt;, der Ihrer ist."),
            ("x", "keine solche Seite."),
        ):
            async with session.get(f"{url}{path}", headers=person) as answer:
                page = await answer.text()
                assert (answer.status, answer.content_type) == (404, "text/html")
                assert f"MLflow hat {said}" in page
                assert '<a href="/services/mlflow/">Ihre Bereiche</a>' in page
        async with session.post(f"{url}me/api/x", data=b"{}") as answer:
            assert (answer.status, answer.headers["Connection"]) == (403, "close")
            assert json.loads(await answer.read())["error_code"] == "FORBIDDEN"
        assert len(asked) == 2, "something else came through"

        async with session.get(f"{url}me/x", headers={"Authorization": "Bearer eve"}) as answer:
            assert answer.status == 503, "there is nobody at the door"
        async with session.get(url, headers=headers, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (302, "/services/mlflow/me/")


async def test_only_an_artefact_may_be_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layer, "LARGEST_ELSE", 1000)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * 500

    put, post = "api/2.0/mlflow-artifacts/artifacts/1/model", "api/2.0/mlflow/runs/log-batch"
    async with answering(tmp_path, monkeypatch) as (url, asked):
        session = aiohttp.ClientSession(headers={"Authorization": "Bearer ann"})
        async with session, session.put(f"{url}me/{put}", data=pieces()) as answer:
            assert answer.status == 200
        for method, path in (("POST", post), ("POST", put), ("PUT", "x/" + put)):
            asked.clear()
            async with aiohttp.request(
                method, f"{url}me/{path}", data=b"x" * 1500, headers=session.headers
            ) as answer:
                assert answer.status == 413, path
            with suppress(aiohttp.ClientError):  # the connection is closed, with or without a word
                async with aiohttp.request(
                    method, f"{url}me/{path}", data=pieces(), headers=session.headers
                ) as answer:
                    assert answer.status >= 400, path
            assert b"x" * 1500 not in asked, "MLflow had all of it in memory"


async def test_no_code_of_a_log_in_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    async with (
        answering(tmp_path, monkeypatch) as (url, _),
        aiohttp.request("GET", f"{url}oauth_callback?code=s3cret&state=hidden") as answer,
    ):
        assert answer.status >= 400
    (line,) = [one.getMessage() for one in caplog.records if one.name == "tornado.access"]
    assert "oauth_callback" in line
    assert not [word for word in ("s3cret", "hidden") if word in line]


async def test_a_space_is_made_by_who_is_at_the_door(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[bytes] = []

    async def at_the_door(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readline())
        writer.write(b"ok\n" if b"ann" in heard[-1] else b"no name of a space\n")
        writer.close()

    monkeypatch.setattr(door, "SOCKETS", tmp_path)
    async with await asyncio.start_unix_server(at_the_door, tmp_path / "door"):
        await Known("", "").require("ann-0123456789ab")
        with pytest.raises(door.AwayError, match="no name"):
            await Known("", "").require("x")
    assert heard == [b"ann-0123456789ab\n", b"x\n"]
