"""`invoke status`: what the hub says, also when it says nothing; `--watch` shows it again."""

import json
from pathlib import Path
from typing import Any

import pytest
from invoke.exceptions import Exit

from jhub_docker.cli import platform as tasks
from jhub_docker.errors import UsageError
from jhub_docker.platform import compose, containers
from jhub_docker.platform.compose import HUB, Platform
from jhub_docker.platform.now import Now, look
from jhub_docker.process import Ended

SERVICES = [
    {
        "container": "jhub-docker-hub-1",
        "role": "hub",
        "state": "Up 5 minutes (healthy)",
        "image": "local/jupyterhub-hub:latest",
        "origin": "local build",
        "started": "2026-11-30 05:00",
    }
]
SAID: dict[str, Any] = {
    "columns": {"person": "Person", "memory": "Memory"},
    "servers": [
        {
            "person": "ann",
            "memory": 2_000_000_000,
            "container": "jupyter-ann",
            "shown": {"person": "ann", "memory": "1.9 GB of 2.0 GB (93%)"},
        }
    ],
    "platform": {"people": 3},
    "lines": [["People", "3, 1 with servers"]],
    "near": ["ann: memory 1.9 GB of 2.0 GB (93%)"],
}


def test_status_says_what_the_hub_says_and_what_is_near_last() -> None:
    lines = Now(SERVICES, SAID).text().splitlines()
    assert lines[0].split()[:3] == ["container", "role", "state"]
    assert lines[3:] == [
        "person                  memory  container",
        "ann     1.9 GB of 2.0 GB (93%)  jupyter-ann",
        "",
        "People: 3, 1 with servers",
        "",
        "! ann: memory 1.9 GB of 2.0 GB (93%)",
    ]
    told = Now(SERVICES, SAID).told()
    assert told["servers"][0]["memory"] == 2_000_000_000
    assert (told["platform"], told["hub_says_nothing"]) == ({"people": 3}, "")


def test_a_hub_that_says_nothing_leaves_what_the_engine_knows() -> None:
    now = Now(SERVICES, silent='service "hub" is not running')
    assert now.text().splitlines()[-1] == (
        'The hub says nothing of what goes on: service "hub" is not running'
    )
    assert now.told()["servers"] == []
    assert "hub-1" in now.text()


def test_a_platform_that_is_not_there_is_said_to_be_started() -> None:
    assert Now([], silent="service hub is not running").text() == (
        "The platform does not run; start it with ./dev invoke up"
    )


class Asked(Platform):
    """A platform whose hub gives one answer."""

    def __init__(self, answer: Ended) -> None:
        object.__setattr__(self, "answer", answer)
        object.__setattr__(self, "services", (HUB,))

    def compose(self, *arguments: str, **options: Any) -> Ended:
        assert arguments[-2:] == ("now", "memory")
        answer: Ended = self.__dict__["answer"]
        return answer


def test_the_hub_is_asked_in_its_container(monkeypatch: pytest.MonkeyPatch) -> None:
    def looked(answer: Ended) -> Now:
        monkeypatch.setattr(compose, "read", lambda _: Asked(answer))
        monkeypatch.setattr(containers, "status", lambda _: [])
        return look(Path(), "memory")

    assert looked(Ended(0, json.dumps(SAID).encode())) == Now([], SAID)
    older = Ended(2, b"", "now: No such file or directory\n")
    assert looked(older).silent == "now: No such file or directory"
    with pytest.raises(UsageError, match="--sort: 'memory' is no column; expected"):
        looked(Ended(2, b"", "'memory' is no column; expected one of person\n"))


def test_watching_ends_well_with_ctrl_c(capsys: pytest.CaptureFixture[str]) -> None:
    looks = iter(["one", "two", "three"])

    def wait(_: float) -> None:
        if "two" in shown:
            raise KeyboardInterrupt

    shown: list[str] = []

    def look() -> str:
        shown.append(next(looks))
        return shown[-1]

    with pytest.raises(Exit) as ended:
        tasks.again(look, wait)
    assert (ended.value.code, capsys.readouterr().out) == (0, "one\ntwo\n")
