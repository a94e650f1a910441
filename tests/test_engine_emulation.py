"""What is to be done so that a machine emulates another processor; doing it is tests/engine's."""

from dataclasses import replace

import pytest

from jhub_docker.engine import emulation
from jhub_docker.engine.emulation import Machine
from jhub_docker.errors import ActionError, UsageError

BARE = Machine(root=True, apt=True, defined=False, mounted=False, registered=False)


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        (BARE, ("install", "mount", "register")),
        (replace(BARE, mounted=True), ("install", "register")),
        (replace(BARE, defined=True, apt=False), ("mount", "register")),
        (replace(BARE, mounted=True, registered=True, root=False), ()),
    ],
)
def test_only_what_is_missing_is_done(machine: Machine, expected: tuple[str, ...]) -> None:
    assert emulation.steps(machine) == expected


@pytest.mark.parametrize("machine", [replace(BARE, root=False), replace(BARE, apt=False)])
def test_where_it_cannot_be_done_says_what_to_do(machine: Machine) -> None:
    with pytest.raises(ActionError, match="as root install qemu-user-static"):
        emulation.steps(machine)


def test_a_platform_that_no_image_is_made_for_is_refused() -> None:
    with pytest.raises(UsageError, match="--platform is 'linux/s390x'; expected one of linux/amd"):
        emulation.name("linux/s390x")
