"""Which images leave what the base alone decides to the base."""

from typing import Any

import pytest

from jhub_testing.contract.once import configured_alike, leaves_alone

BASE = {"usr/bin/sudo", "usr/local/bin/uv", "usr/local/bin/python3.11", "usr/lib/x", "etc"}
VENV = {"opt/venv/bin/python3.11", "opt/venv/bin/jupyter", "opt/venv/lib/python3.11"}


@pytest.mark.parametrize(
    ("more", "alone"),
    [
        (set(), True),
        ({"opt/examples", "usr/local/bin/image-extensions"}, True),
        ({"usr/local/share/jhub-docker"}, True),
        ({"opt/code-server/bin/sudo"}, True),
        ({"etc"}, False),
        ({"usr/lib/x"}, False),
        ({"opt/jhub-docker/lib"}, False),
        ({"opt/venv/bin/sudo"}, False),
        ({"usr/local/bin/uv"}, False),
        ({"usr/local/bin/python3.11"}, False),
        ({"usr/local/bin/.wh.uv"}, False),
        ({"opt/.wh.jhub-docker"}, False),
        ({""}, False),
    ],
)
def test_what_is_added_touches_nothing_of_the_base(more: set[str], alone: bool) -> None:
    assert leaves_alone(VENV | more, BASE) is alone


@pytest.mark.parametrize(
    ("change", "alike"),
    [
        ({}, True),
        ({"Env": ["PATH=/a", "JUPYTERHUB_DEFAULT_URL=/lab"]}, True),
        ({"Env": ["PATH=/b:/a"]}, False),
        ({"Env": ["PATH=/a", "LD_PRELOAD=x"]}, False),
        ({"User": "root"}, False),
        ({"Healthcheck": {"Test": ["NONE"]}}, False),
        ({"Labels": {"a": "b"}}, True),
    ],
)
def test_what_starts_as_its_base_is_alike(change: dict[str, Any], alike: bool) -> None:
    base = {"User": "nebula", "Entrypoint": ["tini"], "Env": ["PATH=/a"]}
    assert configured_alike(base | change, base) is alike
