"""A killed session's containers go with the next session; those of a living one stay."""

import subprocess
import sys
from pathlib import Path

import pytest

from jhub_testing.ownership import PROJECT, SESSION
from jhub_testing.resources import Engine

MAKE = """
import sys, time
from pathlib import Path
from jhub_testing.resources import Engine
engine = Engine(Path(sys.argv[2]))
volume, network = engine.volume("home"), engine.network("net")
project = "jhub-test-" + engine.session
engine.own_project(project)
engine.client.volumes.create(project + "-home", labels={"io.jhub-docker.platform": project})
# It holds a volume of the platform's.
engine.client.containers.run(sys.argv[1], ["sleep", "infinity"], entrypoint="", detach=True,
    labels=engine.labels, network=network, volumes=[volume + ":/v", project + "-home:/w"])
print(engine.session, flush=True)
sys.stdin.read()
"""


def _left(engine: Engine, session: str) -> list[str]:
    """Names of what is labelled as this session's or as its platform's."""
    left = []
    for label in (f"{SESSION}={session}", f"io.jhub-docker.platform=jhub-test-{session}"):
        wanted = {"label": label}
        left += [
            str(one.name)
            for one in engine.client.containers.list(all=True, filters=wanted, ignore_removed=True)
        ]
        left += [str(one.name) for one in engine.client.networks.list(filters=wanted)]
        left += [str(one.name) for one in engine.client.volumes.list(filters=wanted)]
    return sorted(left)


@pytest.fixture
def other_session(base: str, tmp_path: Path) -> "subprocess.Popen[str]":
    """A second test session, in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", MAKE, base, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_killed_session_is_cleaned_up_and_living_one_is_not(
    engine: Engine, other_session: "subprocess.Popen[str]"
) -> None:
    assert other_session.stdout
    session = other_session.stdout.readline().strip()
    try:
        made = _left(engine, session)
        assert len(made) == 5, made
        engine.remove_left_overs()
        assert _left(engine, session) == made, "a living session's things were removed"
    finally:
        other_session.kill()
        other_session.wait()
    engine.remove_left_overs()
    assert _left(engine, session) == []


def test_project_label_is_the_sessions_own(engine: Engine) -> None:
    engine.own_project("jhub-test-none")
    volumes = engine.client.volumes.list(filters={"label": f"{SESSION}={engine.session}"})
    assert "jhub-test-none" in [volume.attrs["Labels"].get(PROJECT) for volume in volumes]
