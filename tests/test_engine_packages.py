"""Which packages make an engine, and what apt is told about them."""

import pytest

from jhub_docker.errors import ActionError
from jhub_docker.host import packages

BOOKWORM = {"ID": "debian", "VERSION_CODENAME": "bookworm", "PRETTY_NAME": "Debian 12"}
TRIXIE = {"ID": "debian", "VERSION_CODENAME": "trixie"}
UBUNTU = {"ID": "ubuntu", "ID_LIKE": "debian", "VERSION_CODENAME": "noble"}
DOCKER = ("docker.io", "iptables", "docker-cli", "docker-buildx", "docker-compose")


def test_os_release_strips_quotes_and_comments() -> None:
    text = '# made by\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n\n'
    assert packages.os_release(text) == {
        "PRETTY_NAME": "Debian GNU/Linux 12 (bookworm)",
        "ID": "debian",
    }


def test_bookworm_takes_all_docker_packages_from_trixie() -> None:
    made = packages.plan(BOOKWORM, packages.PARTS)
    assert made == packages.PackagePlan(DOCKER, suite="trixie", beside="bookworm")


def test_bookworm_with_its_own_engine_gets_that_replaced_too() -> None:
    made = packages.plan(BOOKWORM, ["buildx"], installed=["docker.io"])
    assert made.packages == ("docker.io", "iptables", "docker-cli", "docker-buildx")


def test_trixie_uses_its_own_packages() -> None:
    assert packages.plan(TRIXIE, packages.PARTS) == packages.PackagePlan(DOCKER)


def test_only_what_is_missing_is_installed() -> None:
    assert packages.plan(TRIXIE, ["compose"]).packages == ("docker-compose",)


def test_ubuntu_names_compose_differently_and_has_no_client_package() -> None:
    made = packages.plan(UBUNTU, packages.PARTS)
    assert made.packages == ("docker.io", "iptables", "docker-buildx", "docker-compose-v2")
    assert made.suite is None


def test_a_derivative_of_ubuntu_counts_as_ubuntu() -> None:
    mint = {"ID": "linuxmint", "ID_LIKE": "ubuntu debian"}
    assert "docker-compose-v2" in packages.plan(mint, ["compose"]).packages


@pytest.mark.parametrize(
    ("release", "installed", "said"),
    [
        ({"ID": "fedora", "PRETTY_NAME": "Fedora 42"}, (), "not Fedora 42"),
        ({}, (), "not this system"),
        ({"ID": "debian", "VERSION_CODENAME": "bullseye"}, (), "too old"),
        (BOOKWORM, ("docker-ce-cli",), "docker-buildx-plugin"),
    ],
)
def test_what_cannot_be_installed_is_said(
    release: dict[str, str], installed: tuple[str, ...], said: str
) -> None:
    with pytest.raises(ActionError, match=said):
        packages.plan(release, packages.PARTS, installed)


def test_pins_let_only_docker_in_and_keep_runc_out() -> None:
    nothing, docker = packages.preferences(packages.plan(BOOKWORM, packages.PARTS)).split("\n\n")
    assert nothing.splitlines() == ["Package: *", "Pin: release n=trixie", "Pin-Priority: -1"]
    assert docker.splitlines()[0] == ("Package: docker.io docker-cli docker-buildx docker-compose")
    assert "Pin-Priority: 990" in docker
