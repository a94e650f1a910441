"""What a move to a cluster finds the same, why it refuses, and what it says beforehand."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from jhub_docker import process
from jhub_docker.errors import ActionError
from jhub_docker.kubernetes import copying, destination, moving
from jhub_docker.kubernetes.copying import MOVE
from jhub_docker.kubernetes.destination import MOVED, PODS, There
from jhub_docker.platform.compose import Platform

WORD = "io.jhub-docker.home"


def listed(folder: Path, *left_out: str) -> copying.Files:
    command = copying.listing(str(folder), left_out)
    return copying.files(subprocess.run(command, capture_output=True, check=True).stdout)


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


@pytest.mark.parametrize("how", [copying.AS_ROOT, copying.AS_USER])
def test_a_copy_is_the_same_in_all_that_counts(home: Path, tmp_path: Path, how: str) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    pack = ["tar", *copying.AS_IT_IS, "-C", str(home), "-cf", "-", "."]
    ends = process.piped(pack, [*copying.UNPACK, how, "-C", str(copy), "-xf", "-"])
    assert [end.code for end in ends] == [0, 0], ends
    assert copying.differences(listed(home), listed(copy)) == []
    left = listed(home, "config.d")
    assert copying.differences(left, listed(copy)) == ["config.d", "config.d/own.py"]


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
    assert copying.differences(before, listed(home)) == found


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


def test_a_home_is_not_written_to_while_somebody_works_in_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A server may have come while the question was answered, in which its hub still ran."""
    monkeypatch.setattr(copying, "docker", lambda *_: None)
    with pytest.raises(ActionError, match="jupyter-a came meanwhile"):
        moving.stop_there(Kubectl())  # type: ignore[arg-type]


TEMPLATE = {"containers": [{"image": "x", "imagePullPolicy": "Never", "resources": {}}]}
ANNS = copying.Copy("home-a", "home-a", 1000, 100)
FILES: copying.Files = {
    "one": "f 1000 100 640 0 1 1 0a1b",
    "two": "d 1000 1000 555 0",
    "three": "l 1000 100 0 nowhere",
}


def test_the_pod_that_copies_a_home_is_its_person() -> None:
    """As the Pod Security Standards have it for level *restricted*."""
    spec = copying.idle(TEMPLATE, ANNS, FILES)
    said = spec["securityContext"]
    assert (said["runAsUser"], said["runAsGroup"], said["runAsNonRoot"]) == (1000, 100, True)
    assert said["supplementalGroups"] == [1000], "to give files to that group"
    assert said["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = spec["containers"]
    rights = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    assert container["securityContext"] == rights
    assert not spec["automountServiceAccountToken"]


@pytest.mark.parametrize(
    "other",
    [
        "f 0 100 644 0 1 1 0a1b",
        "f 1000 100 44 0 1 1 0a1b",
        "d 1000 100 600 0",
        f"d 1000 100 {copying.CUT:o} 0",
        "l 1001 100 0 nowhere",
        "c 1000 100 644 0",
    ],
)
def test_files_that_their_person_cannot_copy_want_root(other: str) -> None:
    spec = copying.idle(TEMPLATE, ANNS, {**FILES, "other": other})
    said = spec["securityContext"]
    assert (said["runAsUser"], said["runAsNonRoot"]) == (0, False)
    (container,) = spec["containers"]
    rights = {"drop": ["ALL"], "add": copying.RIGHTS}
    assert container["securityContext"]["capabilities"] == rights


def test_pods_of_others_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever they are called: a move finds its own by their label."""
    asked: list[tuple[str, ...]] = []

    class Named:
        def run(self, *words: str, given: str = "", **_: Any) -> process.Ended:
            asked.append(words)
            if given:
                about = json.loads(given)["metadata"]
                assert (about["generateName"], about["labels"]) == ("move-", {MOVE: "true"})
            return process.Ended(0, b"pod/move-x7k2p\n")

        def __call__(self, *words: str, **_: Any) -> str:
            return self.run(*words).out

    monkeypatch.setattr(copying, "docker", lambda *words: asked.append(words))
    copying.clear(Named())  # type: ignore[arg-type]
    with copying.pod(Named(), {}) as name:  # type: ignore[arg-type]
        assert name == "move-x7k2p"
    deleted = [words[-2:] for words in asked if {"delete", "prune"} & {*words}]
    assert deleted[0] == ("--force", f"--filter=label={MOVE}")
    assert deleted[1] == (f"--selector={MOVE}", "--grace-period=1")
    assert asked[-1][:3] == ("delete", "pod", "move-x7k2p")


def test_what_a_namespace_of_level_restricted_refuses_is_said() -> None:
    class Restricted:
        def run(self, *_: str, **__: Any) -> process.Ended:
            return process.Ended(1, err='pods "move-x" is forbidden: violates PodSecurity')

    with pytest.raises(ActionError, match="files of several users") as raised:
        copying.pod(Restricted(), {}).__enter__()  # type: ignore[arg-type]
    assert "to baseline" in str(raised.value)


def test_what_will_be_taken_is_said() -> None:
    said = destination.told(PLATFORM, there(SAME), {"a": CLAIM}, 0)
    assert "copies 1 home, 0 shared folders into claims" in said
    assert "Not taken: backups, what MLflow has tracked, " in said


def test_what_was_moved_is_on_the_claim() -> None:
    found = There.look(Kubectl())  # type: ignore[arg-type]
    assert found.working == ["jupyter-a"]
    assert (found.moved, found.words, found.settings) == (
        "q",
        {"home-a": "w"},
        there(SAME).settings,
    )
