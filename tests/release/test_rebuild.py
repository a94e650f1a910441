"""What a rebuild reads from a record, and refuses to rebuild; the act is in engine/."""

from typing import Any

import pytest

from jhub_docker.errors import ActionError
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
    repository="local/uv-lab",
    version="1.2.0",
    commit="c0ffee",
    url="https://example.org/team/images",
    build_id="b1d",
    epoch=17,
    platforms=("linux/amd64", "linux/arm64"),
    left_out=(),
    base="public",
    base_name="example.org/base:1",
    base_digest="sha256:ba5e",
    lane="bookworm",
)


def test_a_provenance_is_read() -> None:
    assert provenance.read(PREDICATE) == RECORDED


@pytest.mark.parametrize("predicate", [{}, {"buildDefinition": {"externalParameters": []}}])
def test_another_tools_provenance_is_told(predicate: dict[str, Any]) -> None:
    with pytest.raises(ActionError, match="is none that this tool writes"):
        provenance.read(predicate)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nosuch"], "there is no image called 'nosuch'"),
        (["127.0.0.1:1/x:1", "--key", "/nowhere.pub"], "there is no public key /nowhere.pub"),
        (["/x:1"], "names no repository of a registry"),
    ],
)
def test_wrong_usage_of_the_task_is_told(words: list[str], said: str) -> None:
    found = invoke("release.rebuild", *words)
    assert (found.returncode, found.stdout) == (2, "")
    assert said in found.stderr
