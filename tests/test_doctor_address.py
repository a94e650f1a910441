"""What the doctor learns from an address: whether it answers, how long its certificate is good."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import trustme

from jhub_docker.doctor import outside
from jhub_docker.doctor.outside import CLAIMED, Visit
from jhub_docker.platform import entrance, hearing

NOW = datetime.now(UTC)
Serve = Callable[..., str]


class Answer(BaseHTTPRequestHandler):
    """200 for what a hub has, 404 for the rest."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/hub/health" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing: what matters is what the asker says."""


@contextmanager
def server(authority: trustme.CA, days: float | None) -> Iterator[str]:
    """A server whose certificate ends in so many days; none of TLS for None."""
    with HTTPServer(("127.0.0.1", 0), Answer) as one:
        if days is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            end = NOW + timedelta(days=days)
            begin = min(NOW, end) - timedelta(days=90)
            authority.issue_cert("127.0.0.1", not_before=begin, not_after=end).configure_cert(
                context
            )
            one.socket = context.wrap_socket(one.socket, server_side=True)
        thread = threading.Thread(target=one.serve_forever)
        thread.start()
        yield f"http{'s' if days is not None else ''}://127.0.0.1:{one.server_port}"
        one.shutdown()
        thread.join()


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Makes servers of an authority that this machine trusts, or of a stranger's."""
    known, stranger = trustme.CA(), trustme.CA()
    known.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with ExitStack() as stack:

        def serve(days: float | None = None, *, trusted: bool = True) -> str:
            return stack.enter_context(server(known if trusted else stranger, days))

        yield serve


def test_an_address_that_answers_has_nothing_wrong(serve: Serve) -> None:
    url = entrance.health(serve())
    assert hearing.heard(url)[0] == ""
    assert outside.certificate(url, ssl.create_default_context()) == []


def test_what_is_no_hub_and_what_is_not_there_is_told(serve: Serve) -> None:
    url = entrance.health(f"{serve()}/elsewhere/")
    assert hearing.heard(url)[0] == "status 404"
    assert hearing.heard("http://127.0.0.1:1/hub/health")[0] == "connection refused"


@pytest.mark.parametrize(("days", "expected"), [(1, "error"), (10, "warning"), (60, None)])
def test_a_certificate_that_ends_soon_is_told(
    serve: Serve, days: int, expected: str | None
) -> None:
    url = entrance.health(serve(days + 0.5))
    assert hearing.heard(url)[0] == ""
    found = outside.certificate(url, ssl.create_default_context())
    assert [(one.code, one.severity) for one in found] == (
        [("JD025", expected)] if expected else []
    )


def test_a_certificate_that_is_refused_is_told_with_the_reason(serve: Serve) -> None:
    ended, strange = entrance.health(serve(-1)), entrance.health(serve(60, trusted=False))
    assert hearing.heard(ended)[0] == "its certificate is refused: certificate has expired"
    assert "unable to get local issuer certificate" in hearing.heard(strange)[0]
    assert outside.certificate(ended, ssl.create_default_context()) == []


URL = "https://hub.example.org/hub/health"


@pytest.mark.parametrize(
    ("plain", "forged", "expected"),
    [
        (Visit("", "1.2.3.4", ("1.2.3.4",)), "1.2.3.4", []),
        (Visit("", "2001:db8:1:2::/64", ("2001:db8:1:2::7",)), "2001:db8:1:2::/64", []),
        (Visit("", "1.2.3.4", ("::ffff:1.2.3.4",)), "1.2.3.4", []),
        (Visit("a websocket is answered with status 400"), "", [("JD026", "error")]),
        (Visit("", "1.2.3.4", ("1.2.3.4",)), CLAIMED, [("JD027", "error")]),
        (Visit("", "10.0.0.5", ("1.2.3.4", "10.0.0.5")), "10.0.0.5", [("JD027", "warning")]),
    ],
)
def test_whom_the_hub_takes_for_the_visitor_is_judged(
    plain: Visit, forged: str, expected: list[tuple[str, str]]
) -> None:
    found = outside.judged(URL, plain, Visit("", forged))
    assert [(one.code, one.severity) for one in found] == expected
    assert all(one.says.startswith("hub.example.org: ") for one in found)


def test_where_no_websocket_opens_the_reason_is_told(serve: Serve) -> None:
    url = entrance.health(serve())
    assert outside.visit(url, [], None).wrong == "a websocket is answered with status 404"
