"""A choice that is none starts nothing: 400 for the caller and no container."""

from typing import Any

import pytest

from jhub_docker.testing.person import MakePerson
from jhub_docker.testing.platforms import Platform

CHOICES: list[dict[str, Any]] = [
    {},
    {"profile": "nope"},
    {"profile": ""},
    {"profile": ["uv-lab-small"]},
    {"profile": "uv-lab-small", "image": "busybox"},
]


@pytest.fixture(scope="module")
def chooser(make_person: MakePerson) -> Any:
    return make_person("chooser")


@pytest.mark.parametrize("options", CHOICES, ids=str)
def test_api_answers_400(options: dict[str, Any], chooser: Any, platform: Platform) -> None:
    answer = chooser.start_by_api(options)
    assert answer.status_code == 400, answer.text
    assert not platform.servers("chooser")


def test_form_says_what_there_is(chooser: Any, platform: Platform) -> None:
    answer = chooser.fill("spawn", "profile", profile="nope")
    assert "no such profile" in answer.text
    assert not platform.servers("chooser")
