"""Notebooks that are published: kept, replaced, withdrawn, and copied without overwriting."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from jupyterhub import orm, roles
from jupyterhub.scopes import check_scope_filter, parse_scopes
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub_config import disk
from hub_config.jobs.pages import lacks_file
from hub_config.published import links, own_server, pages, shelf
from hub_config.published.shelf import PublishedRow, ShelfError

NOTEBOOK = b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'


def person(db: Session, name: str) -> orm.User:
    made = orm.User(name=name)
    db.add(made)
    db.commit()
    return made


def put(db: Session, folder: Path, owner: orm.User, path: str, text: bytes = b"{}") -> PublishedRow:
    return shelf.put(db, folder, owner.id, path, text, b"<p>" + text)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*"))


def test_publishing_again_replaces_and_withdrawing_removes(db: Session, tmp_path: Path) -> None:
    ann, bob = person(db, "ann"), person(db, "bob")
    first = put(db, tmp_path, ann, "a/x.ipynb", b"1")
    assert put(db, tmp_path, ann, "a/x.ipynb", b"2").id == first.id
    other = put(db, tmp_path, bob, "a/x.ipynb", b"3")
    assert (tmp_path / first.id / shelf.NOTEBOOK).read_bytes() == b"2"
    assert (tmp_path / first.id / shelf.VIEW).read_bytes() == b"<p>2"
    assert files(tmp_path) == sorted([first.id, other.id])
    shelf.withdraw(db, tmp_path, first)
    assert files(tmp_path) == [other.id]
    with pytest.raises(ShelfError, match="not published"):
        shelf.find(db, "0" * 16)


def test_what_somebody_published_goes_with_them(db: Session, tmp_path: Path) -> None:
    ann = person(db, "ann")
    put(db, tmp_path, ann, "x.ipynb")
    number = ann.id
    db.delete(ann)
    db.commit()
    assert person(db, "bob").id == number, "SQLite gives the number again"
    assert shelf.everything(db) == []


def test_nobody_fills_the_disk_with_notebooks(
    db: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "MOST", 1)
    ann = person(db, "ann")
    put(db, tmp_path, ann, "x.ipynb")
    with pytest.raises(ShelfError, match="withdraw one first"):
        put(db, tmp_path, ann, "y.ipynb")


@pytest.mark.parametrize(
    ("path", "found"),
    [("x.ipynb", "x.ipynb"), ("~/a/x.py", "a/x.py"), (" /a/x.ipynb ", "a/x.ipynb")],
)
def test_a_path_is_taken_as_people_write_it(path: str, found: str) -> None:
    assert own_server.checked(path) == found


@pytest.mark.parametrize(
    "path", ["", "x.txt", "../bob/x.ipynb", ".ssh/id_rsa", "a/../../x.ipynb", "a\0b.ipynb"]
)
def test_only_notebooks_of_ones_home_are_published(path: str) -> None:
    with pytest.raises(ShelfError, match="path of a notebook"):
        own_server.checked(path)


def test_a_view_is_of_no_site_and_fetches_nothing() -> None:
    policy = pages.sandbox("https://elsewhere/")
    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))
    assert rules["sandbox"] == "allow-scripts", "with allow-same-origin cookies would reach it"
    assert rules["default-src"] == "'none'"
    assert rules["frame-ancestors"] == "'self'"
    assert "connect-src" not in rules
    assert "form-action" not in rules, "a sandbox without allow-forms sends none"


def test_a_view_asks_no_other_host_but_for_formulas_and_marimo() -> None:
    cdn = b'<script src="https://cdnjs.cloudflare.com/ajax/libs/'
    requires = cdn + b'require.js/2.1.10/require.min.js"></script>'
    typesets = cdn + b'mathjax/2.7.7/latest.js"> </script>'
    view = b"<head>" + requires + b"</head>" + typesets + b"<p>6 * 7</p>"
    plain = pages.elsewhere("x.ipynb", rb'{"source": "print(6 * 7, \"\\n\")\n"}')
    assert pages.without_others(view, plain) == b"<head></head><p>6 * 7</p>"
    assert "://" not in pages.sandbox(plain)
    for formula in (rb"$a$", rb"\\begin{align}", rb"\\(a"):
        host = pages.elsewhere("x.ipynb", b'{"source": "%b"}' % formula)
        assert pages.without_others(view, host) == b"<head></head>" + typesets + b"<p>6 * 7</p>"
        assert "marimo" not in pages.sandbox(host)
    assert "mathjax" not in pages.sandbox(pages.elsewhere("x.py", b"$a$"))


@asynccontextmanager
async def server() -> AsyncIterator[tuple[TestServer, dict[str, Any], list[str]]]:
    """What the hub asks of Jupyter Server (jupyter_server, services/contents and nbconvert)."""
    home: dict[str, Any] = {"work/x.ipynb": NOTEBOOK, "taken.ipynb": NOTEBOOK, "x.py": b"app"}
    tokens: list[str] = []

    async def contents(request: web.Request) -> web.Response:
        tokens.append(request.headers["Authorization"].removeprefix("token "))
        path = request.match_info["path"]
        if request.method == "PUT":
            assert path not in home, "a file was overwritten"
            if path == "away.ipynb":
                raise web.HTTPTemporaryRedirect(str(request.url.with_name("elsewhere.ipynb")))
            model = await request.json()
            assert (model["type"], model["format"]) == ("file", "text")
            home[path] = model["content"].encode()
            return web.json_response({}, status=201)
        if path not in home:
            return web.json_response({}, status=404)
        return web.Response(body=home[path])

    async def view(request: web.Request) -> web.Response:
        return web.Response(body=b"<h1>" + request.match_info["path"].encode() + b"</h1>")

    app = web.Application()
    app.router.add_route("*", "/user/ann/api/contents/{path:.+}", contents)
    app.router.add_get("/user/ann/files/{path:.+}", contents)
    app.router.add_get("/user/ann/nbconvert/html/{path:.+}", view)
    app.router.add_get("/user/ann/jhub-published/{path:.+}", view)
    async with TestServer(app) as running:
        yield running, home, tokens


async def test_files_go_through_ones_own_server_with_a_token_that_is_gone_afterwards(
    db: Session,
) -> None:
    for role in roles.get_default_roles():
        roles.create_role(db, role, commit=True)
    db.add(orm.OAuthClient(identifier="jupyterhub"))
    record = person(db, "ann")
    roles.assign_default_roles(db, entity=record)
    async with server() as (running, home, tokens):
        url = str(running.make_url("/user/ann/"))
        lab = SimpleNamespace(server=SimpleNamespace(url=url))
        ann = SimpleNamespace(name="ann", db=db, new_api_token=record.new_api_token)
        notebook, page = await own_server.read(ann, lab, "work/x.ipynb")
        assert notebook == NOTEBOOK
        assert page == b"<h1>work/x.ipynb</h1>"
        assert await own_server.write(ann, lab, "taken.ipynb", notebook) == "taken-1.ipynb"
        assert await own_server.write(ann, lab, "new.ipynb", notebook) == "new.ipynb"
        assert await own_server.read(ann, lab, "x.py") == (b"app", b"<h1>x.py</h1>")
        assert await own_server.write(ann, lab, "x.py", b"app") == "x-1.py"
        assert await own_server.write(ann, lab, "numpy.py", b"app") == "numpy-1.py"
        assert home["taken-1.ipynb"] == NOTEBOOK
        with pytest.raises(ShelfError, match=r"no notebook away\.ipynb"):
            await own_server.read(ann, lab, "away.ipynb")
        with pytest.raises(ShelfError, match="did not take the file"):
            await own_server.write(ann, lab, "away.ipynb", notebook)
        assert "elsewhere.ipynb" not in home, "a server leads the hub where it wants"
        asking = {"current_user": ann, "get_scope_filter": lambda _: lambda *_: True}
        ann.spawners = {"": SimpleNamespace(ready=True, orm_spawner=None, **vars(lab))}
        for file, lacks in (("work/x.ipynb", False), ("work/y.ipynb", True), (".x/y.py", False)):
            assert await lacks_file(SimpleNamespace(**asking), file) == lacks, file
        ann.spawners[""].ready = False
        assert not await lacks_file(SimpleNamespace(**asking), "work/y.ipynb"), "nobody can tell"
        assert tokens
        assert list(db.scalars(select(orm.APIToken))) == []


def test_what_somebody_logged_in_to_publishes_nothing_of_theirs(db: Session) -> None:
    """An application has a token of each visitor's, for itself."""
    ann = person(db, "ann")
    spawners = {
        name: SimpleNamespace(ready=True, orm_spawner=orm.Spawner(name=name, user=ann))
        for name in ("", "published-x", "two")
    }
    db.add_all(one.orm_spawner for one in spawners.values())
    user = SimpleNamespace(spawners=spawners)

    def found(whom: str) -> Any:
        parsed = parse_scopes({f"access:servers!{whom}"})["access:servers"]
        return own_server.running(user, partial(check_scope_filter, parsed))

    for whom in ("user=ann", "server=ann/two", "server=ann/published-x"):
        assert found(whom) is spawners[""], "a run may publish what it made"
    spawners[""].ready = False
    assert found("user=ann") is spawners["two"], "an application has no files to be asked for"
    for whom in ("server=bob/published-app", "user=bob"):
        with pytest.raises(ShelfError, match="Start a server"):
            found(whom)


async def test_a_person_publishes_one_at_a_time(
    db: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each on its way takes the hub's memory for as long as a server likes."""
    ann, arrived = person(db, "ann"), asyncio.Event()

    async def read(*_: object) -> tuple[bytes, bytes]:
        await arrived.wait()
        return NOTEBOOK, b"<p></p>"

    monkeypatch.setattr(own_server, "read", read)
    monkeypatch.setattr(disk, "complaint", lambda _: "")
    handler: Any = SimpleNamespace(db=db, folder=tmp_path, current_user=ann, server=lambda: None)
    handler.alone = partial(pages.ShelfHandler.alone, handler)
    first = asyncio.ensure_future(pages.ShelfHandler.publish(handler, "x.ipynb"))
    await asyncio.sleep(0)
    with pytest.raises(ShelfError, match="on its way"):
        await pages.ShelfHandler.publish(handler, "y.ipynb")
    arrived.set()
    assert (await first).path == "x.ipynb"
    assert (await pages.ShelfHandler.publish(handler, "y.ipynb")).path == "y.ipynb"


async def test_a_link_from_jupyterlab_leads_to_what_its_person_shows(
    db: Session, tmp_path: Path
) -> None:
    ann, bob = person(db, "ann"), person(db, "bob")
    row = put(db, tmp_path, ann, "work/x y.ipynb")
    lab = SimpleNamespace(ready=True, orm_spawner=orm.Spawner(name="", user=ann))
    app = SimpleNamespace(ready=True, orm_spawner=orm.Spawner(name="published-a", user=ann))
    db.add_all([lab.orm_spawner, app.orm_spawner])
    wrapped = SimpleNamespace(
        id=ann.id,
        spawners={"": lab, "published-a": app},
        server_url=lambda name: f"/user/ann/{name}",
    )

    async def asks(
        who: orm.User, owner: str, place: str, *scopes: str, publishing: bool = True
    ) -> Any:
        found: dict[str, Any] = {}
        parsed = parse_scopes({*scopes, "access:servers!user=bob"})["access:servers"]

        async def show(_: str, **told: Any) -> None:
            found.update(told)

        handler: Any = SimpleNamespace(
            db=db,
            current_user=who,
            publishing=publishing,
            hub=SimpleNamespace(base_url="/hub/"),
            find_user={"ann": wrapped}.get,
            redirect=lambda url: found.update(to=url),
            show=show,
            get_scope_filter=lambda _: partial(check_scope_filter, parsed),
            request=SimpleNamespace(method="GET"),
        )
        handler.open_to_me = partial(links.LinkHandler.open_to_me, handler)
        handler.lead_to = partial(links.LinkHandler.lead_to, handler)
        await links.LinkHandler.get(handler, owner, place)
        return found.get("to") or found

    there = "lab/tree/work/x y.ipynb"
    assert await asks(bob, "ann", there) == f"/hub/published/{row.id}"
    own = "/hub/user-redirect/lab/tree/work/x%20y.ipynb"
    assert await asks(ann, "ann", there) == own, "one's own link opens one's own file"
    group = "lab/tree/shared/team/z.csv"
    assert await asks(bob, "ann", group) == f"/hub/user-redirect/{group}", "all have that folder"
    other = "lab/tree/work/y.ipynb"
    told = await asks(bob, "ann", other)
    assert (told["path"], told["servers"]) == ("work/y.ipynb", [])
    assert told["own"] == f"/hub/user-redirect/{other}"
    assert await asks(bob, "nobody", other) == told | {"owner": "nobody"}, "it tells who exists"
    off = await asks(bob, "ann", there, publishing=False)
    assert off["own"] == own, "it tells that something was published"
    told = await asks(bob, "ann", other, "access:servers!server=ann/")
    assert told["servers"] == [f"/user/ann/{other}"]


@pytest.mark.parametrize(
    ("page", "path", "opens"),
    [
        ("/lab", "a b.ipynb", "lab/tree/a%20b.ipynb"),
        ("/lab", "x.py", "marimo/?file=x.py"),
        ("/marimo", "x.py", "marimo/?file=x.py"),
        ("/marimo", "x.ipynb", "/marimo"),
        ("/vscode/", "x.py", "/vscode/"),
    ],
)
def test_a_copy_opens_in_what_can_show_it(page: str, path: str, opens: str) -> None:
    """The spawner that the hub knows has no page: its child has, by the profile."""
    spawner = SimpleNamespace(default_url="", child_spawner=SimpleNamespace(default_url=page))
    assert pages.opened(SimpleNamespace(spawners={"": spawner}), "", path) == opens
