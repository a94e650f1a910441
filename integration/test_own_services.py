"""Web applications a person puts behind their server, done as docs/your-own-service.md says."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from docker.models.containers import Container

from jhub_docker.host import machine
from jhub_testing.archives import archive
from jhub_testing.browser import Window
from jhub_testing.client import Client
from jhub_testing.person import MakePerson, Person
from jhub_testing.platforms import Platform
from jhub_testing.sockets import received
from jhub_testing.waiting import PATIENCE, wait_until

PAGE = Path(__file__).parents[1] / "docs" / "your-own-service.md"
RERUN = b"\x5a\x00"
"""Streamlit's BackMsg with an empty rerun_script (streamlit/proto, BackMsg.proto, field 11)."""


def shell_blocks() -> list[str]:
    """The page's commands, in order."""
    return re.findall(r"```sh\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


def files() -> dict[str, str]:
    """The files the page tells to write, by their paths."""
    found = re.findall(r"`(~/\S+)`:\n\n```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    return dict(found)


def container_of(platform: Platform, person: Person) -> Container:
    (container,) = platform.servers(person.name)
    return container


def type_in(container: Container, script: str, **environment: str) -> None:
    """Run what a person would type into a terminal."""
    code, output = container.exec_run(["bash", "-ec", script], environment=environment)
    assert code == 0, output.decode()


def trust(container: Container) -> str:
    """Hand over what this machine trusts; returns its path there."""
    bundle = Path(machine.ca_bundle() or "/etc/ssl/certs/ca-certificates.crt").read_bytes()
    container.put_archive("/home/nebula", archive({"trusted.crt": bundle}))
    return "/home/nebula/trusted.crt"


def streamlit_says(client: Client) -> bytes:
    """What Streamlit's socket tells a browser that opens the page."""
    socket = client.websocket("hello/_stcore/stream", timeout=PATIENCE)
    socket.send_binary(RERUN)
    said = b""
    while b"Seven times" not in said or b"42" not in said:
        part = received(socket, f"answer of Streamlit after {said[-300:]!r}")
        said += part if isinstance(part, bytes) else part.encode()
    socket.close()
    return said


@pytest.fixture(scope="module")
def owner(make_person: MakePerson, platform: Platform) -> Person:
    """Someone who followed the page."""
    owner = make_person("maker").choose("uv-marimo-small")
    container = container_of(platform, owner)
    type_in(container, shell_blocks()[1], SSL_CERT_FILE=trust(container))
    for path, text in files().items():
        type_in(
            container, f'mkdir -p {path.rpartition("/")[0]}; printf %s "$TEXT" >{path}', TEXT=text
        )
    owner.stop()
    owner.choose("uv-marimo-small")
    port = shell_blocks()[0].replace("8500 --directory ~/site", "8500 --directory ~/site &")
    container_of(platform, owner).exec_run(["bash", "-c", port], detach=True)
    return owner


def test_a_port(owner: Person) -> None:
    def answers() -> bool:
        answer = owner.server.get("proxy/8500/")
        return answer.ok and "It works." in answer.text

    wait_until(answers, "the page on the port")
    page = {"Referer": owner.server.url("proxy/8500/")}
    led = owner.session.get(f"{owner.url}/index.html", headers=page, timeout=PATIENCE)
    assert led.url == owner.server.url("proxy/8500/index.html"), led.url
    assert "It works." in led.text


AT_THE_ROOT = """
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route, WebSocketRoute

PAGE = '''<!doctype html><html><head><title>Socket</title></head><body><script>
const said = [];
for (const url of ["/ws", `ws://${location.host}/ws?a=b`, new URL("ws", location.href)]) {
  const socket = new WebSocket(url);
  socket.onmessage = ({ data }) => {
    said.push(data);
    if (said.length === 3) document.body.append(said.sort().join(" "), ` ${WebSocket.OPEN}`);
  };
}
</script></body></html>'''

async def answer(socket):
    await socket.accept()
    await socket.send_text(f"heard({socket.url.path}?{socket.url.query})")
    await socket.close()

app = Starlette(routes=[Route("/", lambda _: HTMLResponse(PAGE)), WebSocketRoute("/ws", answer)])
"""


def test_a_websocket_at_the_root_is_the_applications(
    owner: Person, platform: Platform, open_window: Callable[[], Window]
) -> None:
    container = container_of(platform, owner)
    container.put_archive("/home/nebula", archive({"rooted.py": AT_THE_ROOT.encode()}))
    container.exec_run("/opt/venv/bin/python -m uvicorn rooted:app --port 8600", detach=True)
    wait_until(lambda: owner.server.get("proxy/8600/").ok, "the application")
    window = open_window()
    window.sign_in(owner.name, owner.password)
    window.page.wait_for_url(f"**/user/{owner.name}/**")
    window.open(f"/user/{owner.name}/proxy/8600/")
    heard = "heard(/ws?) heard(/ws?) heard(/ws?a=b) 1"
    window.see(window.page.get_by_text(heard), "websockets-at-the-root")
    window.close()


def test_an_application_with_a_websocket(owner: Person) -> None:
    assert "<title>Streamlit</title>" in owner.server.get("hello/").text
    assert b"Seven times" in streamlit_says(owner.server)


def test_nobody_else_gets_in(owner: Person, make_person: MakePerson) -> None:
    other = make_person("neighbour")
    for path in ("proxy/8500/", "hello/"):
        url = owner.server.url(path)
        assert "/hub/login" in requests.get(url, timeout=PATIENCE).url
        answer = other.session.get(url, timeout=PATIENCE)
        assert answer.status_code == 403, f"{answer.url}: {answer.status_code}"
