"""Somebody needs more memory than the profile allows: they read why, and go on with one click."""

from urllib.parse import urljoin

import pytest
import requests
from bs4 import BeautifulSoup, Tag

from jhub_testing.kernel import Kernel
from jhub_testing.person import MakePerson, Person
from jhub_testing.waiting import ASK_AGAIN, wait_until

TOO_MUCH = "len(bytearray(b'x') * (4 * 2**30))"
"""Fills more than the 2 GB of a small profile."""

RATHER_THE_SERVER = """
import os
with open(f"/proc/{os.getppid()}/oom_score_adj", "w") as file:
    file.write("1000")
"""
"""Has the kernel of the operating system choose the server, not the notebook's kernel."""


@pytest.fixture(scope="module")
def person(make_person: MakePerson) -> Person:
    return make_person("greedy").choose("uv-lab-small")


def text(page: str) -> str:
    """The words of a page, white space as one sees it."""
    return " ".join(BeautifulSoup(page, "html.parser").get_text(" ").split())


def test_a_kernel_that_is_killed_is_told_at_home(person: Person) -> None:
    with Kernel(person.server) as kernel:
        kernel.send(TOO_MUCH)

        def told() -> bool:
            # Asking for the server makes the hub look at it; it also does so every few seconds.
            person.hub.get("user/greedy/", allow_redirects=False)
            home = text(person.hub.get("home").text)
            return "Out of memory" in home and "than the 2 GB of its profile" in home

        wait_until(told, "the home page to tell of the memory")
    assert person.server.get("api").ok, "the server itself should have gone on"


def test_a_server_that_is_killed_says_why_and_starts_again_with_one_click(person: Person) -> None:
    with Kernel(person.server) as kernel:
        kernel.execute(RATHER_THE_SERVER)
        kernel.send(TOO_MUCH)

        def told() -> bool:
            page = person.hub.get("user/greedy/", allow_redirects=False, timeout=ASK_AGAIN)
            return "Why it ended" in page.text

        wait_until(told, "the page that says why", ignoring=requests.RequestException)
    # Leaving asked the server that is gone once more, and so got new cookies.
    page = person.hub.get("user/greedy/").text
    assert "It needed more memory than the 2 GB of its profile" in text(page)
    assert "more memory than the 2 GB" in text(person.hub.get("home").text)
    button = BeautifulSoup(page, "html.parser").find("button", string="Start it again")
    assert isinstance(button, Tag)
    form = button.find_parent("form")
    assert isinstance(form, Tag)
    fields = {str(one["name"]): str(one["value"]) for one in form.find_all("input")}
    assert person.session.post(urljoin(person.url, str(form["action"])), data=fields).ok
    person.wait_until_served()
    assert "Why it ended" not in text(person.hub.get("home").text)
