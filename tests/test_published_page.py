"""The page of a marimo notebook (jhub_published): who may have it made, which runs the notebook."""

import asyncio
import importlib
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

# By its name: it imports what is in images alone.
jhub_published: Any = importlib.import_module("jhub_published")


@pytest.fixture
def handler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What answers `jhub-published/`, of a server with this home; Jupyter is pretended."""

    class HTTPError(Exception):
        pass

    modules: dict[str, dict[str, Any]] = {
        "tornado": {"web": SimpleNamespace(authenticated=lambda of: of, HTTPError=HTTPError)},
        "jupyter_server": {},
        "jupyter_server.base": {},
        "jupyter_server.base.handlers": {"JupyterHandler": object},
    }
    for name, content in modules.items():
        module = ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
    added: list[Any] = []
    server = SimpleNamespace(
        root_dir=str(tmp_path),
        web_app=SimpleNamespace(
            settings={"base_url": "/user/ann/"}, add_handlers=lambda _, found: added.extend(found)
        ),
    )
    jhub_published._load_jupyter_server_extension(server)
    return added[0][1]


def asked(handler: Any, **headers: str) -> list[Any]:
    """What is sent to who asks for the page of `shared/all/x.py` with these headers."""
    sent: list[Any] = []
    one = handler()
    one.request = SimpleNamespace(headers=headers)
    one.set_header = lambda *_: None
    one.finish = sent.append
    asyncio.run(one.get("shared/all/x.py"))
    return sent


def test_a_link_runs_nothing_that_others_have_put_into_a_shared_folder(
    handler: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shared/all").mkdir(parents=True)
    (tmp_path / "shared/all/x.py").touch()
    ran: list[Path] = []

    async def made(file: Path) -> bytes:
        ran.append(file)
        return b"page"

    monkeypatch.setattr(jhub_published, "made", made)
    with pytest.raises(Exception, match="403"):
        asked(handler, Cookie="of who follows the link")
    assert not ran, "one click, and it ran in the server of who clicked"
    assert asked(handler, Authorization="token of-the-hub") == [b"page"]
