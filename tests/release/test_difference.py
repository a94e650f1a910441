"""Two releases compared: from kept records, a registry, or the lock files of their tags."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jhub_docker.catalog import load
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.locks.package import DEBIAN, EDITOR, NODE, PYTHON, Package
from jhub_docker.oci.layout import Layout
from jhub_docker.registry.access import Access
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import Remote
from jhub_docker.release import difference
from jhub_docker.release.difference import Listing, compare, of_bill, text
from jhub_docker.release.record.bom import Locks, Subject, bill_of_materials
from jhub_docker.release.record.inventory import Inventory
from jhub_docker.release.record.keys import Key
from jhub_docker.release.record.provenance import Source
from jhub_docker.release.record.records import make_records
from jhub_docker.release.record.signed import sign
from jhub_testing import little_releases
from jhub_testing.little_images import distribution
from jhub_testing.little_releases import IMAGE
from jhub_testing.operator import invoke
from jhub_testing.registry import Registry

ROOT = Path(__file__).parents[2]
BEFORE = (
    Package(DEBIAN, "bash", "5.2-1", "/", size=1000),
    Package(PYTHON, "web", "3.0", "/opt/venv", size=5_000_000),
    Package(PYTHON, "gone", "1.0", "/opt/venv", size=2_000_000),
    Package(PYTHON, "same", "1.0", "/opt/venv", size=7),
    Package(NODE, "left-pad", "1.0.0", "/opt/a", size=10),
    Package(NODE, "left-pad", "1.1.0", "/opt/b", size=10),
)
AFTER = (
    Package(DEBIAN, "bash", "5.2-2", "/", size=1000),
    Package(PYTHON, "web", "3.1", "/opt/venv", size=9_000_000),
    Package(PYTHON, "same", "1.0", "/opt/venv", size=8),
    Package(NODE, "left-pad", "1.1.0", "/opt/b", size=10),
    Package(EDITOR, "team.words", "2.0", "/opt/code", size=500_000),
)


def bill(packages: tuple[Package, ...], digest: str = "1" * 64) -> dict[str, Any]:
    subject = Subject("team/uv-lab", "1.0.0", f"sha256:{digest}", "linux/amd64", 0)
    locks = Locks()
    return bill_of_materials(Inventory("debian", "12", packages), subject, locks)


def listing(packages: tuple[Package, ...], what: str = "it") -> Listing:
    return of_bill(what, "a test", bill(packages))


class TestComparison:
    def test_added_removed_and_changed_packages_of_all_kinds(self) -> None:
        found = compare(listing(BEFORE), listing(AFTER))
        shown = [(c["package"], c["before"], c["after"]) for c in found["changed"]]
        assert shown == [
            ("bash (Debian)", "5.2-1", "5.2-2"),
            ("gone", "1.0", None),
            ("left-pad (npm)", "1.0.0, 1.1.0", "1.1.0"),
            ("team.words (VS Code)", None, "2.0"),
            ("web", "3.0", "3.1"),
        ]
        assert found["unchanged"] == 1

    def test_growth_counts_what_kept_its_version_too(self) -> None:
        found = compare(listing(BEFORE), listing(AFTER))
        assert found["grown"] == {
            "web": 4_000_000,
            "team.words (VS Code)": 500_000,
            "same": 1,
            "left-pad (npm)": -10,
            "gone": -2_000_000,
        }

    def test_what_people_read(self) -> None:
        told = text(compare(listing(BEFORE, "old"), listing(AFTER, "new")))
        assert "old: 5 packages, from a test" in told
        assert "  bash (Debian) 5.2-1 -> 5.2-2 (indirect)" in told
        assert "5 changed, 1 the same" in told
        assert "size of all packages: +2.50 MB" in told
        assert told.index("web: +4.00 MB") < told.index("gone: -2.00 MB")

    def test_a_release_and_itself(self) -> None:
        told = text(compare(listing(BEFORE), listing(BEFORE)))
        assert "0 changed, 5 the same" in told
        assert "size of all packages" not in told


class TestSources:
    def two(self, checkout: Any) -> None:
        checkout.package(
            "uv-thing", version="1.0.0", locked={"web": "3.0", "gone": "1.0"}, direct=("web",)
        )
        checkout.commit("First")
        checkout.release("uv-thing", "1.0.0")
        checkout.package("uv-thing", version="1.1.0", locked={"web": "3.1"}, direct=("web",))
        (checkout.root / "packages/uv-thing/apt-packages.txt").write_text("jq\n")
        checkout.commit("Second")
        checkout.release("uv-thing", "1.1.0")

    def test_without_records_the_locks_of_the_tags(self, checkout: Any) -> None:
        self.two(checkout)
        before, after = difference.of_releases(checkout.root, "uv-thing", ("1.0.0", "1.1.0"))
        assert before.source == "the lock files at uv-thing-v1.0.0"
        found = compare(before, after)
        assert [(c["package"], c["before"], c["after"], c["direct"]) for c in found["changed"]] == [
            ("jq (Debian)", None, "", True),
            ("web", "3.0", "3.1", True),
            ("gone", "1.0", None, False),
        ]
        assert "sizes are not known from lock files" in text(compare(before, after))

    def test_a_version_that_was_not_released(self, checkout: Any) -> None:
        self.two(checkout)
        with pytest.raises(UsageError, match=r"9\.9\.9 was not released here; .* 1\.0\.0, 1\.1\.0"):
            difference.of_releases(checkout.root, "uv-thing", ("1.0.0", "9.9.9"))
        with pytest.raises(UsageError, match="'newest' is no version"):
            difference.of_releases(checkout.root, "uv-thing", ("1.0.0", "newest"))


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> tuple[Key, Path]:
    return little_releases.make_key(tmp_path_factory.mktemp("key") / "key")


@pytest.fixture(scope="module")
def published(
    tmp_path_factory: pytest.TempPathFactory, key: tuple[Key, Path]
) -> Iterator[list[Reference]]:
    """Two signed releases of a little image, the second with one package more."""
    folder = tmp_path_factory.mktemp("published")
    packages = little_releases.make_checkout(folder / "checkout")
    source = Source(
        catalog=load(packages), image="uv-thing", commit="c", epoch=1_700_000_000, url=None,
        build_ids={"uv-thing": "b"}, arguments={},
    )  # fmt: skip
    layout = Layout(folder / "layout")
    remote = Remote(Access(), pauses=(0.2, 0.5, 1))
    references = []
    with Registry(folder) as registry:
        place = Reference.parse(f"{registry.address}/team/uv-thing")
        extra = distribution("more", "2.0", site="usr/lib/python3/dist-packages")
        for version, files in (("1.0.0", IMAGE), ("1.1.0", {**IMAGE, **extra})):
            index = little_releases.build(layout, (files,))
            image = remote.push(layout, index, place)
            sign(remote, image, make_records(layout, index, source), key[0])
            remote.tag(image, version)
            references.append(place.tagged(version))
        yield references


class TestRegistry:
    def test_the_signed_bills_are_compared(
        self, published: list[Reference], key: tuple[Key, Path]
    ) -> None:
        remote = Remote(Access(), pauses=(0.2, 0.5, 1))
        before, after = (difference.of_reference(remote, one, key[1]) for one in published)
        assert before.source == "the bill of materials signed by cosign.pub"
        found = compare(before, after)
        (changed,) = found["changed"]
        assert (changed["package"], changed["before"], changed["after"]) == ("more", None, "2.0")
        assert found["grown"]["more"] > 0

    def test_a_bill_signed_by_somebody_else_is_refused(
        self, published: list[Reference], tmp_path: Path
    ) -> None:
        _, stranger = little_releases.make_key(tmp_path / "stranger")
        with pytest.raises(ActionError, match="attestation"):
            difference.of_reference(Remote(Access(), pauses=(0.2, 0.5, 1)), published[0], stranger)

    def test_the_task(self, published: list[Reference], key: tuple[Key, Path]) -> None:
        place, trusted = published[0].name, ["--key", str(key[1])]
        found = invoke("release.diff", place, "1.0.0", "1.1.0", *trusted, "--json")
        assert found.returncode == 0, found.stderr
        assert [c["package"] for c in json.loads(found.stdout)["changed"]] == ["more"]
        missing = invoke("release.diff", place, "1.0.0", "1.1.9", *trusted)
        assert missing.returncode == 2
        assert f"{place}:1.1.9 is not in the registry" in missing.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["uv-lab", "one", "1.0.0"], "'one' is no version of an image"),
        (["uv-lob", "1.0.0", "1.1.0"], "there is no image called 'uv-lob'; did you mean 'uv-lab'?"),
        (["127.0.0.1:1/a", "sha256:1", "2"], "is no reference; expected HOST"),
    ],
)
def test_wrong_usage_of_the_task_is_told(words: list[str], said: str) -> None:
    found = invoke("release.diff", *words)
    assert (found.returncode, found.stdout) == (2, "")
    assert said in found.stderr
