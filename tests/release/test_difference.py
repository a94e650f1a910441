"""Two releases compared by the lock files of their tags."""

import pytest

from jhub_docker.errors import UsageError
from jhub_docker.release import difference
from jhub_testing.little_checkouts import Checkout
from jhub_testing.operator import invoke


@pytest.fixture
def two(checkout: Checkout) -> Checkout:
    """uv-thing, released twice."""
    checkout.package(
        "uv-thing",
        version="1.0.0",
        locked={"web": "3.0", "gone": "1.0", "same": "1"},
        direct=("web",),
    )
    checkout.commit("First")
    checkout.release("uv-thing", "1.0.0")
    checkout.package(
        "uv-thing", version="1.1.0", locked={"web": "3.1", "same": "1"}, direct=("web",)
    )
    (checkout.root / "packages/uv-thing/apt-packages.txt").write_text("jq\n")
    checkout.commit("Second")
    checkout.release("uv-thing", "1.1.0")
    return checkout


def test_added_removed_and_changed_packages(two: Checkout) -> None:
    told = difference.compare(two.root, "uv-thing", "1.0.0", "1.1.0").splitlines()
    assert told[:6] == [
        "uv-thing 1.0.0: 3 packages",
        "uv-thing 1.1.0: 3 packages",
        "  jq (Debian)  added (direct)",
        "  web 3.0 -> 3.1 (direct)",
        "  gone 1.0 removed (indirect)",
        "3 changed, 1 the same",
    ]


def test_a_release_and_itself(two: Checkout) -> None:
    told = difference.compare(two.root, "uv-thing", "1.0.0", "1.0.0")
    assert "0 changed, 3 the same" in told


def test_a_version_that_was_not_released(two: Checkout) -> None:
    with pytest.raises(UsageError, match=r"9\.9\.9 was not released here; .* 1\.0\.0, 1\.1\.0"):
        difference.compare(two.root, "uv-thing", "1.0.0", "9.9.9")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["uv-lab", "one", "1.0.0"], "'one' is no version of an image"),
        (["uv-lob", "1.0.0", "1.1.0"], "there is no image called 'uv-lob'; did you mean 'uv-lab'?"),
    ],
)
def test_wrong_usage_of_the_task_is_told(words: list[str], said: str) -> None:
    found = invoke("release.diff", *words)
    assert (found.returncode, found.stdout) == (2, "")
    assert said in found.stderr
