"""What has to be released, in real git histories; the plan is the real one, bases are made up."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from jhub_docker.build.plan import Base
from jhub_docker.catalog import Catalog, load
from jhub_docker.catalog.version import Version
from jhub_docker.errors import UsageError
from jhub_docker.release import history, status
from jhub_testing.little_checkouts import Checkout

DEBIAN = {"debian": Base("debian:here", "sha256:1")}


def bases(catalog: Catalog) -> Mapping[str, Base]:
    return DEBIAN


def state(checkout: Checkout, image: str) -> status.Status:
    now = status.read(checkout.root / "packages", bases)
    return status.of(checkout.root, image, now, bases)


@pytest.fixture
def made(checkout: Checkout) -> Checkout:
    """base (unpublished) under lab and marimo; lab was released as 1.0.0."""
    folder = checkout.package("base", own="publish = false")
    (folder / "start").write_text("start\n")
    (folder / "apt-packages.txt").write_text("# Debian's\ngit\n")
    checkout.package("lab", "base", "1.0.0", {"numpy": "2.0.0", "six": "1.0"}, direct=("numpy",))
    checkout.package("marimo", "base", locked={"marimo": "0.25.0"})
    checkout.commit("Begin")
    checkout.release("lab", "1.0.0", state(checkout, "lab").build_id)
    return checkout


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)


def test_an_image_that_was_never_released(made: Checkout) -> None:
    found = state(made, "marimo")
    assert found.last is None
    assert found.proposal
    assert str(found.proposal.version) == "0.1.0"


def test_a_shallow_clone_is_refused(made: Checkout, tmp_path: Path) -> None:
    """It has a tag, and a commit that looks as if all of it was made there."""
    shallow = Checkout(tmp_path / "shallow")
    address = made.root.as_uri()
    made.git("clone", "-q", "--depth", "1", address, str(shallow.root))
    with pytest.raises(UsageError, match="git fetch --unshallow --tags"):
        state(shallow, "lab")
    shallow.git("fetch", "-q", "--unshallow", "--tags")
    assert state(shallow, "lab").last == Version(1, 0, 0)


def test_a_clone_without_the_tags_is_refused(made: Checkout, tmp_path: Path) -> None:
    bare = Checkout(tmp_path / "bare")
    made.git("clone", "-q", "--no-tags", str(made.root), str(bare.root))
    with pytest.raises(UsageError, match=r"has no tag lab-v1\.0\.0: git fetch --tags"):
        state(bare, "lab")


def test_nothing_changed(made: Checkout) -> None:
    found = state(made, "lab")
    assert (found.last, found.causes, found.proposal) == (Version(1, 0, 0), {}, None)


def test_what_no_build_reads_asks_for_no_release(made: Checkout) -> None:
    write(made.root / "packages/lab", "README.md", "New.\n")
    made.commit("Document")
    assert state(made, "lab").proposal is None


def test_a_package_of_its_own(made: Checkout) -> None:
    made.package("lab", "base", "1.0.0", {"numpy": "2.1.0", "six": "1.0"}, direct=("numpy",))
    commit = made.commit("Raise numpy")
    made.package("marimo", "base", locked={"marimo": "0.26.0"})
    made.commit("Raise marimo")
    found = state(made, "lab")
    assert found.causes == {"lab": ["uv.lock"]}
    assert [str(change) for change in found.changes] == ["numpy 2.0.0 -> 2.1.0 (direct)"]
    assert [commit.startswith(one.partition(" ")[0]) for one in found.commits] == [True]
    assert found.proposal
    assert str(found.proposal.version) == "1.1.0"


def test_a_part_of_images_is_not_released_by_itself(made: Checkout) -> None:
    catalog = load(made.root / "packages")
    with pytest.raises(UsageError, match=r"base is part of other .*: lab, marimo"):
        status.require_published(catalog, catalog["base"])


def test_a_parent_makes_its_images_be_released(made: Checkout) -> None:
    write(made.root / "packages/base", "start", "other\n")
    write(made.root / "packages/base", "apt-packages.txt", "git\ncurl\n")
    made.commit("Change the base")
    found = state(made, "lab")
    assert found.causes == {"base": ["apt-packages.txt", "start"]}
    assert [commit.partition(" ")[2] for commit in found.commits] == ["Change the base"]
    assert [change.package for change in found.changes] == ["curl (Debian)"]


def test_what_was_taken_back_asks_for_no_release(made: Checkout) -> None:
    write(made.root / "packages/base", "start", "other\n")
    made.commit("Change the base")
    write(made.root / "packages/base", "start", "start\n")
    made.commit("Take it back")
    assert state(made, "lab").proposal is None


def test_another_public_base_than_at_the_release(
    made: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(DEBIAN, "debian", Base("debian:here", "sha256:2"))
    found = state(made, "lab")
    assert list(found.causes) == ["public base"]
    assert found.proposal
    assert str(found.proposal.version) == "1.0.1"


def test_a_fix_of_an_old_version_starts_from_that_version(made: Checkout) -> None:
    made.package("lab", "base", "1.1.0", {"numpy": "2.1.0", "six": "1.0"}, direct=("numpy",))
    made.commit("Raise numpy")
    made.release("lab", "1.1.0")
    made.git("switch", "-q", "-c", "lab-1.0.x", "lab-v1.0.0")
    made.package("lab", "base", "1.0.0", {"numpy": "2.0.0", "six": "1.1"}, direct=("numpy",))
    made.commit("Fix six")
    found = state(made, "lab")
    assert (found.last, found.proposal and str(found.proposal.version)) == (
        Version(1, 0, 0),
        "1.0.1",
    )
    assert history.versions(made.root, "lab") == [Version(1, 0, 0), Version(1, 1, 0)]
    made.git("tag", "lab-vnext")
    assert len(history.versions(made.root, "lab")) == 2


def unpinned(catalog: Catalog) -> Mapping[str, Base]:
    return {"base": Base("registry.example.org/base:1", "")}


def pinned(catalog: Catalog) -> Mapping[str, Base]:
    return {"base": Base("registry.example.org/base:1@sha256:1", "sha256:1")}


def test_a_base_that_was_not_pulled_is_neither_the_same_nor_another(made: Checkout) -> None:
    now = status.read(made.root / "packages", unpinned)
    found = status.of(made.root, "lab", now, unpinned)
    assert (found.causes, found.proposal, found.build_id) == ({}, None, "")
    assert found.unknown == ("registry.example.org/base:1",)
    (row,) = status.as_data([found])
    assert (row["build_id"], row["next"], row["not_known"]) == (None, None, list(found.unknown))
    assert "not known until registry.example.org/base:1 is pulled" in status.text([found])
    assert "nothing changed" not in status.text([found])


def test_what_changed_beside_an_unknown_base_is_told(made: Checkout) -> None:
    made.package("lab", "base", "1.0.0", {"numpy": "2.1.0", "six": "1.0"}, direct=("numpy",))
    made.commit("Raise numpy")
    now = status.read(made.root / "packages", unpinned)
    found = status.of(made.root, "lab", now, unpinned)
    assert found.causes == {"lab": ["uv.lock"]}
    assert str(found.proposal and found.proposal.version) == "1.1.0"
    assert found.unknown == ("registry.example.org/base:1",)


def test_a_pin_to_what_it_was_released_on_changes_nothing(made: Checkout) -> None:
    now = status.read(made.root / "packages", pinned)
    made.package("lab", "base", "1.0.0", {"numpy": "2.0.0", "six": "1.0"}, direct=("numpy",))
    made.release("lab", "1.0.1", now["lab"].build_id)
    before_the_pin = status.of(made.root, "lab", now, unpinned)
    assert (before_the_pin.causes, before_the_pin.unknown) == ({}, ())
    moved = {"base": Base("registry.example.org/base:1@sha256:2", "sha256:2")}
    later = status.read(made.root / "packages", lambda catalog: moved)
    found = status.of(made.root, "lab", later, unpinned)
    assert list(found.causes) == ["public base"]
