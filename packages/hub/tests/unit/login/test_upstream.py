"""What accounts rely on without a promise is there in the versions that are installed."""

import inspect
from functools import reduce
from importlib import import_module
from importlib.metadata import version
from typing import Any

import pytest

from hub_config.login.upstream import ASSIGNED, PRIVATE, VERSIONS


def found(name: str) -> Any:
    module, _, path = name.partition(":")
    return reduce(getattr, path.split("."), import_module(module))


@pytest.mark.parametrize("name", PRIVATE)
def test_each_name_is_there(name: str) -> None:
    found(name)


@pytest.mark.parametrize(("function", "attribute"), ASSIGNED.items())
def test_each_attribute_is_set(function: str, attribute: str) -> None:
    assert f"self.{attribute} =" in inspect.getsource(found(function))


def test_the_names_were_read_in_what_is_installed() -> None:
    assert {name: version(name) for name in VERSIONS} == VERSIONS
