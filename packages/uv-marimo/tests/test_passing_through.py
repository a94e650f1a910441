"""What passes through jupyter-server-proxy: large things, slow things, and what is not there.

The same extension (`jhub_proxy`) is in every image; that it is loaded there shows in the contract.
"""

from collections.abc import Iterator

import pytest
import requests

from jhub_testing import probes
from jhub_testing.behind_proxy import PORT, BehindProxy
from jhub_testing.marimo import MarimoSession
from jhub_testing.singleuser import SingleUserContainer
from jhub_testing.subject import Subject
from jhub_testing.waiting import PATIENCE, wait_until

MB = 2**20
LARGE = 200
"""MB; jupyter-server-proxy by itself ends at 100."""

FLAT = 30
"""MB that the server may need for passing LARGE on."""

PAGE = {"Accept": "text/html"}


@pytest.fixture
def server(subject: Subject) -> SingleUserContainer:
    return subject.server


@pytest.fixture
def application(server: SingleUserContainer) -> BehindProxy:
    return BehindProxy(server)


def pieces(count: int) -> Iterator[bytes]:
    """An upload whose length is not said."""
    for _ in range(count):
        yield bytes(MB)


@pytest.mark.parametrize("query", ["", "&length=yes"])
def test_a_large_download_needs_no_memory(application: BehindProxy, query: str) -> None:
    before = application.most_memory()
    with application.get(f"down?mb={LARGE}{query}", stream=True) as answer:
        assert answer.headers.get("Content-Length", "") == (str(LARGE * MB) if query else "")
        got = sum(len(piece) for piece in answer.iter_content(MB))
    assert got == LARGE * MB
    assert application.most_memory() - before < FLAT


def test_a_large_upload_needs_no_memory(application: BehindProxy) -> None:
    before = application.most_memory()
    client = application.server.client
    answer = client.put("proxy/9000/up", data=pieces(LARGE))
    assert (answer.status_code, answer.text) == (200, str(LARGE * MB))
    assert client.put("proxy/9000/up", data=bytes(MB)).text == str(MB)
    assert application.most_memory() - before < FLAT


def test_an_answer_comes_as_it_is_made(application: BehindProxy) -> None:
    """Whatever the page says it accepts; and the application hears when nobody wants more."""
    with application.get("stream", stream=True, headers={"Accept": "*/*"}) as answer:
        lines = answer.iter_lines()
        assert next(lines) == b"first"
        application.get("go")
        assert next(lines) == b"second"
    with application.get("stream", stream=True, headers=PAGE) as answer:
        assert next(answer.iter_lines()) == b"first"
    assert application.get("left").text == "gone"


def test_an_answer_that_was_cut_short_is_not_taken_for_a_whole_one(
    application: BehindProxy,
) -> None:
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        application.get("cut")


def test_large_websocket_messages(application: BehindProxy) -> None:
    assert application.echo(100 * MB) == 100 * MB


def test_why_a_socket_ends_and_what_a_file_is_called_are_passed_on(
    application: BehindProxy,
) -> None:
    assert application.ending() == "4001 elsewhere"
    name = application.get("named").headers["Content-Disposition"]
    assert name.encode("latin-1").decode() == 'attachment; filename="\u017c.csv"'


def test_a_port_nobody_listens_on_is_named(server: SingleUserContainer) -> None:
    page = server.client.get("proxy/9999/", headers=PAGE)
    assert page.status_code == 502
    assert "Nothing answers on port 9999" in page.text
    assert "No program of this server listens on port 9999" in page.text
    german = server.client.get("proxy/9999/", headers={**PAGE, "Accept-Language": "de-AT,en;q=0.5"})
    assert "Auf Port 9999 antwortet nichts" in german.text
    upload = server.client.put("proxy/9999/", data=pieces(3))
    assert upload.text.startswith("Nothing answers on port 9999"), upload.text


def test_what_is_not_there_is_said_in_the_readers_language(server: SingleUserContainer) -> None:
    for language, said in (("de", "Diese Seite gibt es nicht"), ("fr", "There is no such page")):
        page = server.client.get("nosuch", headers={**PAGE, "Accept-Language": language})
        assert (page.status_code, said in page.text) == (404, True), page.text
        assert f'<a href="{server.prefix}">' in page.text


def test_who_is_refused_is_told_that_the_connection_ends(server: SingleUserContainer) -> None:
    """Tornado ends it; the hub's proxy, not told, would ask somebody's next thing there."""
    for method, status in (("GET", 302), ("PUT", 403)):
        url = server.url("proxy/9999/")
        answer = requests.request(method, url, allow_redirects=False, timeout=PATIENCE)
        assert (answer.status_code, answer.headers["Connection"]) == (status, "close")


def test_who_waits_for_an_application_is_not_idle(
    application: BehindProxy, server: SingleUserContainer
) -> None:
    def why() -> str:
        return str(server.client.get("jhub-activity/status").json()["why"])

    assert server.client.post("jhub-activity/input").ok
    with application.waiting_for("never"):
        wait_until(lambda: why() == f"application: port {PORT}", "it to count as work")


def test_an_unnamed_notebook_is_kept_and_offered(server: SingleUserContainer) -> None:
    def kept() -> bool:
        code, text = server.attempt(["sh", "-c", "cat ~/recovered/unnamed-*.py"])
        return code == 0 and "6 * 7" in text

    with MarimoSession(server.client) as session:
        session.type("6 * 7")
        wait_until(kept, "the notebook to be kept")
    name = f"unnamed-{session.name}.py"
    script = f"{server.environment()['HOME']}/recovered/{name}"
    assert "6 * 7" in server.run(["marimo", "export", "md", script])
    assert server.client.get("jhub-activity/recovered").json()["names"] == [], "it is still open"
    server.run(["touch", "--date=2020-01-01", script])
    assert server.client.get("jhub-activity/recovered").json()["names"] == [name]


def test_an_editor_that_was_shut_down_starts_again_when_it_is_opened(
    server: SingleUserContainer,
) -> None:
    """By marimo's own button. A tab that is still open does not start it again."""
    with MarimoSession(server.client) as session:
        session.shut_down()
    client = server.client

    def has_ended() -> bool:
        return client.get("marimo/api/status").status_code == 503

    wait_until(has_ended, "marimo to end")
    client.session.headers.update(PAGE)
    probes.page(client, "/marimo/")
