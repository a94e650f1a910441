"""The probes' judgement of a page: known ones by their marks, others by where and what they are."""

from types import SimpleNamespace
from typing import Any

import pytest

from jhub_testing import probes
from jhub_testing.client import Client

BASE = "http://127.0.0.1:8000/user/ada/"
HTML = "<!doctype html><html>a page</html>"


def answering(at: str, text: str, status: int = 200) -> Client:
    """A server that answers every request with this, at an address below the platform's."""

    class Answering(Client):
        def get(self, path: str, **options: Any) -> Any:
            return SimpleNamespace(url=f"http://127.0.0.1:8000{at}", status_code=status, text=text)

    return Answering(BASE)


@pytest.mark.parametrize("at", ["/user/ada/tree", "/user/ada/tree/", "/user/ada/tree/a?b=c"])
def test_a_page_that_nobody_knows_is_html_where_it_was_asked_for(at: str) -> None:
    assert probes.page(answering(at, HTML), "/tree") == HTML


@pytest.mark.parametrize(
    ("at", "text", "status"),
    [
        ("/hub/login?next=/user/ada/tree", HTML, 200),
        ("/user/ada/trees", HTML, 200),
        ("/user/ada/tree", "{}", 200),
        ("/user/ada/tree", HTML, 503),
    ],
    ids=["a log-in page", "another page", "no page", "an error"],
)
def test_what_is_not_that_page_is_refused(at: str, text: str, status: int) -> None:
    with pytest.raises(AssertionError, match="/tree: http"):
        probes.page(answering(at, text, status), "/tree")


def test_a_known_page_is_recognised_by_what_is_in_it() -> None:
    with pytest.raises(AssertionError, match="has no 'id="):
        probes.page(answering("/user/ada/lab", HTML), "/lab")
