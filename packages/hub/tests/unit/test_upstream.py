"""The private names that the hub relies on are there, in the versions they were read in."""

import importlib
import inspect
from functools import reduce
from importlib.metadata import version

import pytest

from hub_config import upstream


@pytest.mark.parametrize("name", upstream.PRIVATE)
def test_a_private_name_that_the_hub_relies_on_is_there(name: str) -> None:
    module, _, path = name.partition(":")
    found = importlib.import_module(module)
    owner, _, attribute = path.rpartition(".")
    if owner == "User" and attribute == "spawners":
        # An attribute of objects, not of the class.
        assert "self.spawners = " in inspect.getsource(found.User.__init__)
        return
    holder = getattr(found, owner) if owner else found
    assert hasattr(holder, attribute), f"{name} is gone: {upstream.PRIVATE[name]}"


@pytest.mark.parametrize(("name", "attribute"), upstream.ASSIGNED.items())
def test_an_attribute_that_the_hub_relies_on_is_set(name: str, attribute: str) -> None:
    module, _, path = name.partition(":")
    function = reduce(getattr, path.split("."), importlib.import_module(module))
    assert f"self.{attribute} =" in inspect.getsource(function)


@pytest.mark.parametrize("package", upstream.VERSIONS)
def test_the_names_were_read_in_the_version_that_is_locked(package: str) -> None:
    assert version(package) == upstream.VERSIONS[package], (
        f"{package} is another version: look through hub_config/upstream.py, then write it "
        "down there"
    )
