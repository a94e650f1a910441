"""What a further server may be called."""

import pytest

from hub_config.spawning.servers import ROUTES, name_complaint


@pytest.mark.parametrize("name", ["work", "api-2", "my-lab", "a"])
def test_an_own_name_is_fine(name: str) -> None:
    assert name_complaint(name) == ""


@pytest.mark.parametrize("name", ["api", "lab", *sorted(ROUTES)])
def test_a_path_of_every_server_is_refused_with_a_proposal(name: str) -> None:
    assert f"{name}-2" in name_complaint(name)
    assert name_complaint(f"{name}-2") == ""


@pytest.mark.parametrize("name", ["", "A", "a b", "-a", "a" * 31])
def test_what_cannot_be_a_name_gets_the_rule(name: str) -> None:
    assert "small letters a-z" in name_complaint(name)


def test_a_path_that_only_some_image_has_is_refused_too() -> None:
    assert name_complaint("atlas") == ""
    assert "call it atlas-2" in name_complaint("atlas", {"atlas"})
    assert name_complaint("atlas-2", {"atlas"}) == ""
