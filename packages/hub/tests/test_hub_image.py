"""The hub's image as it stands: what it runs, as whom, and what is not in it.

What hub_config decides is tested in `unit/`, a person's path through a running hub in
`integration/` at the top of the repository.
"""

import pytest
from docker.errors import ContainerError

from jhub_docker.catalog import Catalog
from jhub_docker.locks import uv_lock
from jhub_testing.subject import Subject


def run(subject: Subject, *command: str, **options: object) -> str:
    """Run a command of the image as its entry point does."""
    return subject.engine.run(subject.reference, list(command), entrypoint=None, **options)


def test_settings_are_checked_without_starting_anything(subject: Subject) -> None:
    assert "can be used" in run(subject, "check", network_mode="none")


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("JHUB_IDLE_TIMEOUT", "soon", "JHUB_IDLE_TIMEOUT is 'soon'"),
        ("JHUB_IDLE_TIMEOT", "60", "JHUB_IDLE_TIMEOUT"),
        ("JHUB_BASE_URL", "team", "begins and ends with a slash"),
    ],
)
def test_a_wrong_setting_is_named_before_anything_starts(
    subject: Subject, variable: str, value: str, told: str
) -> None:
    with pytest.raises(ContainerError) as failure:
        run(subject, "hub", environment={variable: value}, network_mode="none")
    assert failure.value.exit_status == 2
    assert told in failure.value.stderr.decode()


NEWER = """
import sqlite3, subprocess, sys
from pathlib import Path
with sqlite3.connect("/srv/jupyterhub/jupyterhub.sqlite") as database:
    database.execute("CREATE TABLE alembic_version (version_num)")
    database.execute("INSERT INTO alembic_version VALUES ('ffffffffffff')")
before = sorted(Path("/srv/jupyterhub").iterdir())
for command in ("hub", "check"):
    told = subprocess.run([sys.executable, "-m", "hub_config", command], capture_output=True)
    print(told.returncode, "revision ffffffffffff" in told.stderr.decode())
assert sorted(Path("/srv/jupyterhub").iterdir()) == before
"""


def test_a_database_of_a_newer_hub_is_left_alone(subject: Subject) -> None:
    """Otherwise each restart would leave another copy of it, until the disk is full."""
    told = run(subject, "python", "-c", NEWER, user="jupyterhub", network_mode="none")
    assert told.splitlines() == ["2 True"] * 2


@pytest.mark.parametrize(
    "command",
    [
        ["jupyterhub", "--version"],
    ],
    ids=lambda command: command[0],
)
def test_program_is_there(subject: Subject, command: list[str]) -> None:
    assert run(subject, *command, network_mode="none").strip()


def test_the_environment_is_the_locked_one(subject: Subject, catalog: Catalog) -> None:
    wanted = uv_lock.read(catalog["hub"].folder / uv_lock.NAME).pinned.versions
    code = (
        "import importlib.metadata as m;"
        "print(*(f'{d.name.lower()}={d.version}' for d in m.distributions()), sep='\\n')"
    )
    found = dict(line.split("=") for line in run(subject, "python", "-c", code).split())
    for name in ("jupyterhub", "dockerspawner", "wrapspawner", "jupyterhub-nativeauthenticator"):
        assert found[name] == wanted[name]


RULES = """
from hub_config.runtime import guard, plan
from hub_config.settings import Settings

settings = Settings(
    block_private_networks=True,
    allowed_destinations="10.1.2.3:5432, 10.9.0.0/24",
    blocked_destinations="198.51.100.7",
)
choice = guard.best_bridge_rules(settings)
for _ in range(2):
    guard.nft("-f", "-", text=plan.ruleset(settings, guard.look_at_host(), choice))
print(guard.listing(settings, choice))
guard.remove(settings)
assert not guard.listing(settings, choice)
"""


def test_the_kernel_takes_the_firewalls_rules_with_every_setting(subject: Subject) -> None:
    """In a network namespace of its own, so nothing of the host changes."""
    told = run(
        subject,
        *("python", "-c", RULES),
        user="root",
        network_mode="none",
        cap_drop=["ALL"],
        cap_add=["NET_ADMIN"],
    )
    for part in ("dport 5432 accept", "10.9.0.0/24 accept", "192.168.0.0/16", "198.51.100.7 drop"):
        assert part in told


def test_nobody_but_root_can_change_the_hub(subject: Subject) -> None:
    find = ["find", "/opt/hub", "!", "-type", "l", "-perm", "/0022", "-print"]
    assert subject.engine.run(subject.reference, find) == ""


def test_no_secret_cache_or_host_ca_in_any_layer(subject: Subject) -> None:
    assert subject.findings.secrets == []
    assert subject.findings.machine_ca == []
    assert subject.findings.caches == []
