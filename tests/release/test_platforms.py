"""For which platforms a release is made, and that none is left out in silence."""

import pytest

from jhub_docker.build.builders import Way
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.release.outlook import choose

AMD, ARM = "linux/amd64", "linux/arm64"
BOTH = [Way("lab", AMD, "native"), Way("lab", ARM, "emulated")]
ONE = [
    Way("lab", AMD, "native"),
    Way("lab", ARM, "", "it emulates no arm64", "install qemu-user-static"),
]


def test_all_that_can_be_built_is_the_engines_own_first() -> None:
    choice = choose(BOTH, ARM)
    assert choice.made == (ARM, AMD)
    assert choice.left_out == {}
    assert choice.told == "lab is made for linux/arm64, linux/amd64"


def test_what_cannot_be_built_is_told_with_what_to_do() -> None:
    choice = choose(ONE, AMD)
    assert choice.made == (AMD,)
    assert choice.left_out == {ARM: "it emulates no arm64"}
    assert "NOT for linux/arm64, which it is declared for: it emulates no arm64" in choice.told
    assert choice.told.endswith("  -> install qemu-user-static")


def test_platforms_that_are_named_have_to_be_possible() -> None:
    choice = choose(BOTH, AMD, [AMD])
    assert (choice.made, choice.left_out) == ((AMD,), {ARM: "not asked for"})
    assert choice.told.endswith("NOT for linux/arm64, which it is declared for: not asked for")
    with pytest.raises(ActionError, match=r"lab cannot be built for linux/arm64: it emulates no"):
        choose(ONE, AMD, [ARM])
    with pytest.raises(UsageError, match=r"lab is declared for linux/amd64, not for linux/arm64"):
        choose(BOTH[:1], AMD, [ARM])


def test_a_release_for_nothing_is_none() -> None:
    with pytest.raises(ActionError, match="lab cannot be built for linux/arm64"):
        choose(ONE[1:], AMD)
