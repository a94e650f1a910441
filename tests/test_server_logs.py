"""Whose logs are meant by a name."""

from collections.abc import Mapping
from typing import Any

import pytest

from jhub_docker.catalog.identity import LABEL
from jhub_docker.platform import server_logs as logs


def container(person: str, server: str = "") -> Mapping[str, Any]:
    name = f"jupyter-{person}{server and '-'}{server}"
    return {"Names": [f"/{name}"], "Labels": {f"{LABEL}.user": person, f"{LABEL}.server": server}}


THERE = [container("ann", "desk"), container("ann"), container("bob"), container("ann-x")]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("ann", ["ann", "ann/desk"]),
        ("ann/desk", ["ann/desk"]),
        ("ann/", ["ann"]),
        ("jupyter-ann-desk", ["ann/desk"]),
        ("bob/desk", []),
        ("an", []),
    ],
)
def test_servers_are_found_by_their_person_and_name(wanted: str, found: list[str]) -> None:
    assert [logs.server(one) for one in logs.servers_of(THERE, wanted)] == found
