"""A choice that is none starts nothing: 400 for the caller and no container."""

from typing import Any

import pytest
from bs4 import BeautifulSoup

from jhub_testing.person import MakePerson
from jhub_testing.platforms import Platform
from jhub_testing.waiting import PATIENCE

CHOICES: list[Any] = [
    {},
    {"profile": "nope"},
    {"profile": ""},
    {"profile": ["uv-lab-small"]},
    {"profile": "uv-lab-small", "image": "busybox"},
    {"profile": "uv-lab-small", "cmd": ["sh"], "environment": {"PATH": "/x"}},
    {"profile": {"profile": "uv-lab-small"}},
    {"profile": "uv-lab-small" * 10_000},
    {"profile": "uv-lab-small\0"},
    {"profile": "\u0443v-lab-small"},
    {"\ud800": "\udfff", "profile": "uv-lab-small"},
    {"profile": 1e308, "mem_limit": "1T"},
    {"display_name": "x", "user_options": {"image": "busybox"}},
    {"user_options": {"profile": ["uv-lab-small", "uv-lab-small"]}},
    [[[["uv-lab-small"]]]],
    "uv-lab-small",
]


@pytest.fixture(scope="module")
def chooser(make_person: MakePerson) -> Any:
    return make_person("chooser")


@pytest.mark.parametrize("options", CHOICES, ids=lambda options: ascii(options)[:60])
def test_api_answers_400(options: Any, chooser: Any, platform: Platform) -> None:
    answer = chooser.start_by_api(options)
    assert answer.status_code == 400, answer.text
    assert not platform.servers("chooser")


def test_form_says_what_there_is(chooser: Any, platform: Platform) -> None:
    answer = chooser.fill("spawn", "profile", profile="nope")
    assert "no such profile" in answer.text
    assert not platform.servers("chooser")


FORMS: list[dict[str, Any]] = [
    {"data": {"profile": ["uv-lab-small", "uv-lab-large"]}},
    {"data": {"profile": "uv-lab-small", "image": "busybox"}},
    {"data": {"profile": "uv-lab-small"}, "files": {"notebook": b"\x80 no text"}},
    {"data": {"opt-profile": "uv-lab-small"}},
    {"data": {"user_options": '{"profile": "uv-lab-small"}'}},
    {"data": {}},
]


@pytest.mark.parametrize("fields", FORMS, ids=lambda fields: ascii(fields)[:60])
def test_a_form_that_is_not_ours_starts_nothing(
    fields: dict[str, Any], chooser: Any, platform: Platform
) -> None:
    chooser.hub.get("spawn")
    answer = chooser.hub.post("spawn", **fields)
    assert answer.status_code == 400, answer.text[-300:]
    assert chooser.is_logged_in(), "the hub does not answer any more"
    assert not platform.servers("chooser")


def test_without_the_forms_token_nothing_is_started(chooser: Any, platform: Platform) -> None:
    url = chooser.hub.url("spawn")
    answer = chooser.session.post(url, data={"profile": "uv-lab-small"}, timeout=PATIENCE)
    assert answer.status_code == 403
    assert not platform.servers("chooser")


@pytest.mark.parametrize("name", ["profile", "opt-profile"])
def test_a_link_selects_a_profile_and_starts_nothing(
    name: str, chooser: Any, platform: Platform
) -> None:
    answer = chooser.hub.get(f"spawn?{name}=uv-marimo-small")
    assert answer.status_code == 200
    assert "press the button" in answer.text
    page = BeautifulSoup(answer.text, "html.parser")
    (chosen,) = page.select("input[name=profile][checked]")
    assert chosen["value"] == "uv-marimo-small"
    assert not platform.servers("chooser")
