"""Whatever a request's options are, they mean one profile on offer or nothing at all."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hub_config.groups import GroupRules
from hub_config.offer.cards import Person, choose, form_options, judge
from hub_config.offer.profiles import Profile
from hub_config.offer.room import GB, Host, room
from hub_config.settings import Settings
from hub_config.told import Refusal

KEYS = ("uv-lab-small", "uv-lab-large")
OFFER = tuple(
    Profile(
        key=key,
        size=key.rpartition("-")[2],
        image="local/uv-lab:latest",
        image_title="JupyterLab",
        description="",
        port=8888,
        default_url="/lab",
        memory=2 * GB,
    )
    for key in KEYS
)
TEXT = st.text() | st.sampled_from([*KEYS, "UV-LAB-SMALL", " uv-lab-small", "uv-lab-small\0"])
KEY = st.text() | st.sampled_from(
    ["profile", "image", "cmd", "environment", "volumes", "extra_host_config", "__class__"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(KEY, inner),
    max_leaves=20,
)

NEARLY = st.builds(
    lambda extra, key: {**extra, "profile": key},
    st.dictionaries(KEY, JSON, max_size=2),
    st.sampled_from(KEYS) | TEXT,
)
"""Options that could pass, with or without something beside them that must not."""


@given(JSON | NEARLY)
@example({"profile": "uv-lab-small"})
@example({"profile": ["uv-lab-small"]})
@example({"profile": "uv-lab-small", "image": "busybox"})
@example({"profile": "uv-lab-small" * 100_000})
@example({"\ud800": "\udfff"})
def test_options_of_the_api_mean_one_profile_or_nothing(options: Any) -> None:
    known = [{"profile": key} for key in KEYS]
    if options in known:
        assert {"profile": choose(options, OFFER).key} == options
        return
    with pytest.raises(Refusal) as caught:
        choose(options, OFFER)
    assert caught.value.status_code == 400
    assert len(caught.value.jupyterhub_message.encode()) < 500


def sized(title: str, *sizes: str) -> list[Profile]:
    return [replace(OFFER[0], image_title=title, size=size) for size in sizes]


@pytest.mark.parametrize(
    ("offer", "words"),
    [
        (sized("JupyterLab", "small"), "JupyterLab, small"),
        (sized("JupyterLab", "small", "large"), "JupyterLab, small or large"),
        (
            [*sized("JupyterLab", "s", "m", "l"), *sized("marimo", "s", "m", "l")],
            "JupyterLab and marimo, each s, m or l",
        ),
        ([*sized("A", "s"), *sized("B", "s"), *sized("C", "s")], "A, B and C, each s"),
        (
            [*sized("JupyterLab", "s", "m"), *sized("marimo", "s")],
            "JupyterLab, s or m; marimo, s",
        ),
    ],
)
def test_what_there_is_is_told_in_words_people_know(offer: list[Profile], words: str) -> None:
    with pytest.raises(Refusal) as caught:
        choose({"profile": "nope"}, offer)
    told = caught.value.jupyterhub_message
    assert told == f"There is no such profile. There are {words}."
    assert offer[0].key not in told


FIELD = st.lists(TEXT) | st.lists(st.binary() | st.dictionaries(st.text(), st.binary()), min_size=1)


@given(
    st.dictionaries(KEY, FIELD)
    | st.builds(
        lambda extra, key: {**extra, "profile": [key]},
        st.dictionaries(KEY, FIELD, max_size=2),
        st.sampled_from(KEYS),
    )
)
@example({"_xsrf": ["x"], "profile": ["uv-lab-small"]})
@example({"profile": ["uv-lab-small"], "profile_file": [{"body": b"x"}]})
@example({"profile": ["uv-lab-small", "uv-lab-large"]})
def test_fields_of_a_form_mean_one_profile_or_nothing(fields: Mapping[str, list[Any]]) -> None:
    try:
        options = form_options(fields)
    except Refusal:
        return
    json.dumps(options)  # JupyterHub saves them before they are judged.
    try:
        chosen = choose(options, OFFER)
    except Refusal:
        return
    assert {key: value for key, value in fields.items() if key != "_xsrf"} == {
        "profile": [chosen.key]
    }


@given(JSON)
def test_nothing_is_chosen_when_nothing_is_on_offer(options: Any) -> None:
    with pytest.raises(Refusal) as caught:
        choose(options, ())
    assert caught.value.status_code == 503


@given(st.sets(st.sampled_from(["analysts", "authors", "staff", ""])), st.sampled_from(OFFER))
def test_what_names_a_group_is_for_its_members(groups: set[str], profile: Profile) -> None:
    rules = {"analysts": GroupRules(profiles=frozenset({"uv-lab-large"}))}
    left = room(Host(64 * GB, 64 * GB, 2, 10**12), Settings(), [])
    person = Person(groups=frozenset(groups))
    may = profile.key == "uv-lab-small" or "analysts" in groups
    assert (judge(profile, person, rules, left) is None) == may
