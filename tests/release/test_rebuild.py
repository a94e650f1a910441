"""What a rebuild reads from a record, and how differences are explained; the act is in engine/."""

from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from jhub_docker.catalog.identity import OCI
from jhub_docker.errors import ActionError
from jhub_docker.oci.comparison import LayerDifference
from jhub_docker.oci.layout import INDEX, Descriptor
from jhub_docker.registry.reference import Reference
from jhub_docker.release import rebuild, rebuild_report
from jhub_docker.release.rebuild import Outcome
from jhub_docker.release.record import provenance
from jhub_docker.release.record.provenance import Recorded
from jhub_testing.operator import invoke

PREDICATE: dict[str, Any] = {
    "buildDefinition": {
        "externalParameters": {
            "image": "uv-lab",
            "repository": "local/uv-lab",
            "version": "1.2.0",
            "source": {"commit": "c0ffee", "repository": "https://example.org/team/images"},
            "platforms": ["linux/amd64", "linux/arm64"],
            "base": "public",
            "arguments": {"lane": "bookworm"},
        },
        "internalParameters": {"buildId": "b1d", "sourceDateEpoch": 17},
        "resolvedDependencies": [
            {"name": "source", "uri": "git", "digest": {"gitCommit": "c0ffee"}},
            {
                "name": "base",
                "uri": "docker-image://example.org/base:1",
                "digest": {"sha256": "ba5e"},
                "annotations": {"platform": "linux/amd64"},
            },
            {"name": "code-server", "uri": "u", "annotations": {"buildId": "c0de"}},
        ],
    }
}
RECORDED = Recorded(
    image="uv-lab",
    version="1.2.0",
    commit="c0ffee",
    url="https://example.org/team/images",
    epoch=17,
    base="public",
    base_name="example.org/base:1",
    base_digest="sha256:ba5e",
    lane="bookworm",
    build_ids={"code-server": "c0de", "uv-lab": "b1d"},
)


def test_a_provenance_is_read() -> None:
    assert provenance.read(PREDICATE) == RECORDED


def test_a_release_under_a_tag_of_another_is_not_rebuilt(monkeypatch: pytest.MonkeyPatch) -> None:
    signed = Mock(**{"document.return_value": PREDICATE})
    monkeypatch.setattr(rebuild, "Signed", lambda *_: signed)
    remote = Mock(**{"platforms.return_value": []})
    remote.require.return_value = Descriptor(INDEX, f"sha256:{'1' * 64}", 1)
    with pytest.raises(ActionError, match=r"signed as version 1\.2\.0, but tagged 1\.3\.0"):
        rebuild.find(remote, Reference.parse("example.org/uv-lab:1.3.0"), Path("cosign.pub"))


@pytest.mark.parametrize("predicate", [{}, {"buildDefinition": {"externalParameters": []}}])
def test_another_tools_provenance_is_told(predicate: dict[str, Any]) -> None:
    with pytest.raises(ActionError, match="is none that this tool writes"):
        provenance.read(predicate)


def test_why_a_machine_would_build_something_else() -> None:
    labels = {f"{OCI}.base.name": "example.org/base:1", f"{OCI}.base.digest": "sha256:0the5"}
    told = rebuild.plan_differences(RECORDED, labels, {"code-server": "c0de", "uv-lab": "0the5"})
    assert "another base: recorded is public example.org/base:1 (sha256:ba5e)" in told[0]
    assert told[1] == "another build id of uv-lab"
    same = labels | {f"{OCI}.base.digest": "sha256:ba5e"}
    told = rebuild.plan_differences(RECORDED, same, {"uv-lab": "b1d"})
    assert told == ["another build id of code-server"]
    assert rebuild.plan_differences(RECORDED, same, RECORDED.build_ids) == []


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("var/lib/dpkg/status", "what Debian's package tools wrote"),
        ("var/cache/fontconfig/x.cache-8", "logs and caches of the build"),
        ("etc/shadow", "accounts (shadow has the day)"),
        ("opt/code-server/compile-cache/v24/x", "code that Node compiled and kept"),
        ("opt/venv/lib/python3.11/site-packages/a/__pycache__/a.cpython-311.pyc", "bytecode"),
        ("opt/venv/lib/python3.11/site-packages/a-1.dist-info/RECORD", "what Python's installer"),
        ("opt/venv/lib/python3.11/site-packages/a/b.py", "Python packages"),
        ("opt/code-server/node_modules/a/b.js", "Node packages"),
        ("usr/bin/git", "other files"),
    ],
)
def test_a_path_says_what_kind_of_file_differs(path: str, kind: str) -> None:
    (found,) = rebuild_report.explained([f"{path}: content"])
    assert found.startswith(kind)
    assert rebuild_report.explained([f"{path}: time"]).keys() == {"only their time"}


def test_people_read_some_paths_and_programs_all() -> None:
    files = tuple(f"usr/bin/{number}: content" for number in range(30))
    layer = LayerDifference(4, "RUN apt-get\n  install", "sha256:a", "sha256:b", files)
    outcome = Outcome(
        "sha256:1", "sha256:2", [layer, replace(layer, files=())], ["User: a became b"],
        ["deb bash in / is 2 instead of 1"], ["a note"],
    )  # fmt: skip
    told = rebuild_report.text("uv-lab", outcome)
    assert told.splitlines()[:2] == ["uv-lab: sha256:2, not sha256:1", "note: a note"]
    for line in (
        "  deb bash in / is 2 instead of 1",
        "  User: a became b",
        "  made by RUN apt-get install",
        "  other files: 30",
        "    and 20 more; --json lists all",
        "  the same files, packed in another way",
    ):
        assert line in told.splitlines()
    data = rebuild_report.as_data("uv-lab", outcome)
    assert len(data["layers"][0]["files"]) == 30
    assert data["same"] is False


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nosuch"], "there is no image called 'nosuch'"),
        (["127.0.0.1:1/x:1", "--key", "/nowhere.pub"], "there is no public key /nowhere.pub"),
        (["/x:1"], "names no registry"),
    ],
)
def test_wrong_usage_of_the_task_is_told(words: list[str], said: str) -> None:
    found = invoke("release.rebuild", *words)
    assert (found.returncode, found.stdout) == (2, "")
    assert said in found.stderr
