"""A release taken back: ledger, changelog and commit, and moving tags in real registries."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from jhub_docker.catalog import ledger, load
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.oci.layout import Layout
from jhub_docker.registry import version_tags
from jhub_docker.registry.access import Access
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import Remote
from jhub_docker.registry.version_tags import publish_tags
from jhub_docker.release import commits
from jhub_testing import little_images
from jhub_testing.operator import invoke
from jhub_testing.registry import Registry

Yank = Callable[..., bool]


class TestMarking:
    @pytest.fixture
    def released(self, checkout: Any) -> Any:
        folder = checkout.package("uv-thing", version="1.2.0")
        (folder / "CHANGELOG.md").write_text(
            "# Changelog\n\n## [Unreleased]\n\n## [1.2.0] - 2026-11-20\n\n### Added\n- A.\n\n"
            "## [1.1.0] - 2026-11-01\n\n### Added\n- B.\n"
        )
        checkout.commit("Release")
        checkout.release("uv-thing", "1.1.0")
        checkout.release("uv-thing", "1.2.0")
        checkout.git("config", "user.name", "T")
        checkout.git("config", "user.email", "t@example.org")
        return checkout

    @pytest.fixture
    def yank(self, released: Any) -> Yank:
        def mark(version: str = "1.2.0", reason: str = "It loses files.") -> bool:
            spec = load(released.root / "packages")["uv-thing"]
            return commits.yank(released.root, spec, version, reason)

        return mark

    def test_ledger_changelog_and_one_commit_say_so(self, released: Any, yank: Yank) -> None:
        (released.root / "other").write_text("somebody's work")
        released.git("add", "other")
        assert yank()
        folder = released.root / "packages/uv-thing"
        said = ledger.read(folder)["1.2.0"].yanked
        assert said
        assert date.fromisoformat(said.date)
        assert said.reason == "It loses files."
        assert ledger.read(folder)["1.1.0"].yanked is None
        text = (folder / "CHANGELOG.md").read_text()
        assert "## [1.2.0] - 2026-11-20 [YANKED]\n" in text
        assert text.count("[YANKED]") == 1
        assert released.git("log", "-1", "--format=%B") == "Yank uv-thing 1.2.0\n\nIt loses files."
        changed = released.git("show", "--name-only", "--format=", "HEAD").splitlines()
        assert changed == ["packages/uv-thing/CHANGELOG.md", "packages/uv-thing/releases.json"]
        assert released.git("status", "--porcelain") == "A  other"

    def test_a_second_time_changes_nothing(self, released: Any, yank: Yank) -> None:
        yank()
        before = released.git("rev-parse", "HEAD")
        assert not yank(reason="Another reason")
        assert released.git("rev-parse", "HEAD") == before

    @pytest.mark.parametrize(
        ("version", "reason", "said"),
        [
            ("9.9.9", "x", r"9\.9\.9 was not released; its releases are: 1\.2\.0, 1\.1\.0"),
            ("newest", "x", "'newest' is no version"),
            ("1.2.0", "  ", "why it is yanked is missing"),
        ],
    )
    def test_wrong_usage_is_told_and_changes_nothing(
        self, version: str, reason: str, said: str, released: Any, yank: Yank
    ) -> None:
        with pytest.raises(UsageError, match=said):
            yank(version, reason)
        assert released.git("status", "--porcelain") == ""

    def test_a_ledger_somebody_is_working_on_is_left_alone(self, released: Any, yank: Yank) -> None:
        log = released.root / "packages/uv-thing/CHANGELOG.md"
        log.write_text(log.read_text() + "\nMore.\n")
        with pytest.raises(ActionError, match=r"not committed yet: .*CHANGELOG\.md"):
            yank()
        assert ledger.read(log.parent)["1.2.0"].yanked is None

    def test_without_a_branch_nothing_could_be_committed(self, released: Any, yank: Yank) -> None:
        released.git("switch", "--quiet", "--detach", "HEAD")
        with pytest.raises(ActionError, match="git switch main"):
            yank()


class TestMovingTags:
    @pytest.fixture
    def place(self, tmp_path: Path) -> Iterator[Reference]:
        (tmp_path / "registry").mkdir()
        with Registry(tmp_path / "registry") as registry:
            yield Reference.parse(f"{registry.address}/team/uv-thing")

    @pytest.fixture
    def remote(self) -> Remote:
        return Remote(Access(), pauses=(0.1, 0.1))

    @pytest.fixture
    def digests(self, tmp_path: Path, place: Reference, remote: Remote) -> dict[str, str]:
        layout = Layout(tmp_path / "layout")
        found = {}
        for version in ("1.1.0", "1.2.0", "2.0.0"):
            manifest = little_images.manifest(layout, [{"opt/version": version.encode()}])
            image = remote.push(layout, little_images.index(layout, [manifest]), place)
            publish_tags(remote, image, version)
            found[version] = str(image.digest)
        return found

    def shown(self, remote: Remote, place: Reference, digests: dict[str, str]) -> dict[str, str]:
        names = {digest: version for version, digest in digests.items()}
        held = {tag: remote.resolve(place.tagged(tag)) for tag in remote.tags(place)}
        return {tag: names[found.digest] for tag, found in held.items() if found}

    def test_they_go_back_to_the_newest_that_is_left(
        self, remote: Remote, place: Reference, digests: dict[str, str]
    ) -> None:
        before = self.shown(remote, place, digests)
        assert before["latest"] == "2.0.0"
        told = "\n".join(version_tags.settle(remote, place, {"2.0.0"}))
        assert self.shown(remote, place, digests) == before | {"latest": "1.2.0"}
        assert f"{place}: latest is 1.2.0 now" in told
        assert told.count(" now") == 1
        assert "no other version is left for 2 (2.0.0), 2.0 (2.0.0)" in told

    def test_a_second_time_moves_nothing(
        self, remote: Remote, place: Reference, digests: dict[str, str]
    ) -> None:
        version_tags.settle(remote, place, {"1.2.0"})
        assert " now" not in "\n".join(version_tags.settle(remote, place, {"1.2.0"}))
        assert self.shown(remote, place, digests)["1"] == "1.1.0"
        assert self.shown(remote, place, digests)["1.2.0"] == "1.2.0", "its own tag stays"

    def test_where_all_are_where_they_should_be(
        self, remote: Remote, place: Reference, digests: dict[str, str]
    ) -> None:
        (told,) = version_tags.settle(remote, place, set())
        assert "where they should be" in told


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["uv-lab", "999.0.0", "--reason", "x"], "uv-lab 999.0.0 was not released"),
        (["uv-lob", "1.0.0", "--reason", "x"], "there is no image called 'uv-lob'"),
        (["uv-lab", "1.0.0", "--push", "nowhere"], "names no repository of a registry"),
    ],
)
def test_wrong_usage_of_the_task_is_told(words: list[str], said: str) -> None:
    found = invoke("release.yank", *words)
    assert (found.returncode, found.stdout) == (2, "")
    assert said in found.stderr
