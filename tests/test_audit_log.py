"""How tasks read the audit log and write to it: in the hub's container, or in one made for it."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from jhub_docker.engine import quick
from jhub_docker.errors import ActionError
from jhub_docker.platform import audit_log
from jhub_docker.platform.compose import Platform
from jhub_docker.process import Ended


class Fake:
    """A platform whose hub answers as a test wants, and what was asked of Compose."""

    def __init__(self, out: str, code: int = 0, state: str = "running", data: bool = True) -> None:
        self.project, self.data_volume, self.images = "test", "test-data", {"hub": "hub:latest"}
        self.asked: list[tuple[str, ...]] = []
        self.answer = Ended(code, out.encode(), "" if out else "no words")
        labels = {"com.docker.compose.service": "hub"}
        hubs = [{"Names": ["/hub"], "Labels": labels, "State": state}]
        api = SimpleNamespace(
            volumes=lambda **_: {"Volumes": [{"Name": "test-data"}] if data else None},
            containers=lambda **_: hubs,
        )
        self.engine = SimpleNamespace(api=api)

    python, in_hub, once = Platform.python, Platform.in_hub, Platform.once
    leader, hubs, services = Platform.leader, ("hub",), ("hub",)
    require_image = Platform.require_image

    def compose(self, *arguments: str) -> Ended:
        self.asked.append(arguments)
        return self.answer


def answer(broken: str = "") -> str:
    return json.dumps({"entries": 7, "last": "7:abc", "broken": broken})


def test_a_running_hub_is_asked_and_another_one_is_made_while_it_is_down(
    monkeypatch: pytest.MonkeyPatch, pretend: Any
) -> None:
    """With the name that this machine has for whoever asks."""
    monkeypatch.setenv("LOGNAME", "ann")
    monkeypatch.setattr(quick, "image", lambda _: {"Id": "x"})
    running: Any = Fake(answer())
    pretend(running.engine)
    assert "7:abc" in audit_log.verify(running, "6:def")
    assert running.asked[0][:5] == ("exec", "-T", "--env", "OPERATOR=ann", "hub")
    assert running.asked[0][-1] == "--noted=6:def"
    down: Any = Fake('{"n": 1}\n', state="exited")
    pretend(down.engine)
    assert audit_log.show(down, user="ann", what="") == [{"n": 1}]
    assert down.asked[0][:-4] == ("run", "--rm", "--no-deps", "-T", "--env", "OPERATOR=ann")
    assert down.asked[0][-4:] == ("hub", "audit", "show", "--user=ann")


def test_the_first_broken_line_is_an_error(pretend: Any) -> None:
    broken: Any = Fake(answer("line 8 of audit-2026-11-30-001.jsonl was changed"), code=1)
    pretend(broken.engine)
    with pytest.raises(ActionError, match=r"line 8 of .* was changed.* 7 entries before it"):
        audit_log.verify(broken)


@pytest.mark.parametrize("fault", [{"code": 1}, {"data": False}])
def test_a_task_does_not_fail_since_its_entry_cannot_be_written(
    fault: dict[str, Any], capsys: pytest.CaptureFixture[str], pretend: Any
) -> None:
    platform: Any = Fake("", **fault)
    pretend(platform.engine)
    audit_log.tell(platform, "backup", run="r")
    assert "Not in the audit log" in capsys.readouterr().err


def test_what_fails_or_is_interrupted_is_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(audit_log, "tell", lambda _, what, **more: told.append((what, more)))
    platform: Any = None
    with audit_log.telling(platform, "backup", people=["ada"]) as entry:
        entry |= {"result": "incomplete", "run": "r"}
    for error in (ActionError("the repository is full"), KeyboardInterrupt()):
        with (
            pytest.raises(type(error)),
            audit_log.telling(platform, "restore", path="x"),
        ):
            raise error
    assert told == [
        ("backup", {"result": "incomplete", "people": ["ada"], "run": "r"}),
        *[("restore", {"result": "failed", "path": "x"})] * 2,
    ]
