"""What a move to a cluster finds the same, why it refuses, and what it says beforehand."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jhub_docker import process
from jhub_docker.errors import ActionError
from jhub_docker.kubernetes import copying, destination, moving
from jhub_docker.kubernetes.destination import MOVED, PODS, There
from jhub_docker.platform.compose import Platform

WORD = "io.jhub-docker.home"


def listed(folder: Path, *left_out: str) -> copying.Files:
    command = [sys.executable, "-c", copying.PROGRAM, str(folder), *left_out]
    return copying.files(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    (home / "a folder").mkdir(parents=True)
    (home / "one").write_text("1")
    os.link(home / "one", home / "a folder" / os.fsdecode(b"no utf \xff"))
    (home / "link").symlink_to("nowhere")
    (home / "config.d").mkdir()
    (home / "config.d" / "own.py").touch()
    os.setxattr(home / "one", "user.seen", b"yes")
    return home


def test_a_copy_is_the_same_in_all_that_counts(home: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    pack = ["tar", *copying.AS_IT_IS, "-C", str(home), "-cf", "-", "."]
    unpack = ["tar", *copying.AS_IT_IS, "-p", "--no-overwrite-dir", "-C", str(copy), "-xf", "-"]
    ends = process.piped(pack, unpack)
    assert [end.code for end in ends] == [0, 0], ends
    assert copying.differences(listed(home), listed(copy)) == ([], [])
    left = listed(home, "config.d")
    assert copying.differences(left, listed(copy))[0] == ["config.d", "config.d/own.py"]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda home: (home / "new").touch(), ["new"]),
        (lambda home: (home / "one").chmod(0o600), ["a folder/no utf \udcff", "one"]),
        (lambda home: (home / "link").unlink(), ["link"]),
        (lambda home: os.utime(home / "a folder", (1, 1)), ["a folder"]),
    ],
)
def test_what_differs_is_named(home: Path, change: Any, found: list[str]) -> None:
    before = listed(home)
    change(home)
    assert copying.differences(before, listed(home)) == (found, [])


def test_attributes_that_a_file_system_lacks_are_no_fault(home: Path) -> None:
    before = listed(home)
    os.removexattr(home / "one", "user.seen")
    wrong, bare = copying.differences(before, listed(home))
    assert (wrong, bare) == ([], ["a folder/no utf \udcff", "one"])


def test_both_ends_of_a_pipe_say_how_they_ended() -> None:
    first, second = process.piped(["sh", "-c", "yes; echo gone >&2; exit 3"], ["false"])
    assert (first.code, second.code) != (0, 0)
    first, second = process.piped(["sh", "-c", "echo gone >&2; exit 3"], ["cat"])
    assert (first.code, first.err, second.code) == (3, "gone\n", 0)


def there(settings: dict[str, str] | None = None, **more: Any) -> There:
    said = {"JHUB_DB_URL": "postgresql+psycopg://x/y", **(settings or {})}
    container = {"env": [{"name": name, "value": value} for name, value in said.items()]}
    hub = {"spec": {"template": {"spec": {"containers": [container]}}}}
    return There(**{"hub": hub, "moved": "", "words": {}, "working": [], **more})


PLATFORM = Platform(
    root=Path("/nowhere"),
    project="p",
    port=1,
    bind="",
    services=(),
    images={},
    volumes={},
    networks={},
    hub_environment={"JHUB_USER_VOLUME_PREFIX": "home-"},
)
CLAIM = {"metadata": {"name": "home-a", "annotations": {WORD: "w"}, "labels": {PODS: "home"}}}
SAME = {"JHUB_USER_VOLUME_PREFIX": "home-"}


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (there(), "JHUB_USER_VOLUME_PREFIX is 'home-' here and '' there"),
        (there({**SAME, "JHUB_DB_URL": ""}), "no PostgreSQL: set database.url"),
        (there({**SAME, "JHUB_NB_UID": "7"}), "JHUB_NB_UID is '' here and '7' there"),
        (there(SAME, working=["jupyter-a"]), "people work in the cluster: jupyter-a"),
        (there(SAME, moved="q yesterday"), "q yesterday was moved there already: --replace"),
        (there(SAME, words={"home-a": "another"}), "home-a are homes of people who are in"),
        (there(SAME, words={"home-b": "x", "database": ""}), "home-b are homes of people"),
    ],
)
def test_why_it_cannot_be(found: There, sentence: str) -> None:
    (said,) = destination.judged(PLATFORM, found, {"a": CLAIM}, replace=False)
    assert sentence in said


def test_what_is_thrown_away_has_to_be_said() -> None:
    found = there(SAME, moved="q yesterday", words={"home-a": "another"})
    assert not [*destination.judged(PLATFORM, found, {"a": CLAIM}, replace=True)]
    assert not [
        *destination.judged(
            PLATFORM, there(SAME, words={"home-a": "w"}), {"a": CLAIM}, replace=False
        )
    ]


class Kubectl:
    def __call__(self, *words: str, **_: Any) -> str:
        return ""

    def run(self, *words: str) -> process.Ended:
        return process.Ended(0, json.dumps(there(SAME).hub).encode())

    def listed(self, kind: str, *_: str) -> list[dict[str, Any]]:
        note = {"name": "hub", "annotations": {MOVED: "q"}}
        home = {"name": "home-a", "annotations": {WORD: "w"}}
        going = {"name": "jupyter-b", "deletionTimestamp": "2026-11-30T15:00:00Z"}
        listed = [note, home] if "claim" in kind else [{"name": "jupyter-a"}, going]
        return [{"metadata": one} for one in listed]


def test_a_home_is_not_written_to_while_somebody_works_in_it() -> None:
    """A server may have come while the question was answered, in which its hub still ran."""
    with pytest.raises(ActionError, match="jupyter-a came meanwhile"):
        moving.stop_there(Kubectl())  # type: ignore[arg-type]


def test_the_pod_that_copies_may_no_more_than_it_needs() -> None:
    template = {"containers": [{"image": "x", "imagePullPolicy": "Never", "resources": {}}]}
    spec = copying.idle(template, copying.Copy("home-a", "home-a", 100))
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = spec["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"], "add": copying.RIGHTS},
    }
    assert not spec["automountServiceAccountToken"]


def test_what_was_moved_is_on_the_claim() -> None:
    found = There.look(Kubectl())  # type: ignore[arg-type]
    assert found.working == ["jupyter-a"]
    assert (found.moved, found.words, found.settings) == (
        "q",
        {"home-a": "w"},
        there(SAME).settings,
    )
