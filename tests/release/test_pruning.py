"""What of a repository goes and what stays, decided by rules and done in a real registry."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from jhub_docker.catalog.ledger import Entry, Yanked
from jhub_docker.errors import ActionError
from jhub_docker.oci.layout import Layout
from jhub_docker.registry import repository as repositories
from jhub_docker.registry.access import Access
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import File, Remote
from jhub_docker.registry.repository import Contents, Image, Record
from jhub_docker.registry.version_tags import publish_tags, versions
from jhub_docker.release import pruning
from jhub_docker.release.pruning import Pruning, judge
from jhub_docker.release.record.cosign import Cosign
from jhub_docker.release.record.keys import Key, Trust
from jhub_testing import little_images, little_releases
from jhub_testing.registry import Registry

YANKED = Yanked("2026-11-25", "a leak")
NOTE = "application/vnd.test.note"


def image(*tags: str, manifests: tuple[str, ...] = (), size: int = 1) -> Image:
    digest = f"digest of {tags[0]}"
    return Image(digest, tags, manifests, {digest: size})


def entry(version: str, yanked: Yanked | None = None) -> Entry:
    return Entry("c", "2026-01-01", "b", f"digest of {version}", yanked=yanked)


def verdicts(
    images: list[Image], ledger: dict[str, Entry], keep: int = 1, **options: object
) -> dict[str, tuple[bool, str]]:
    found = judge(images, ledger, keep=keep, **options)  # type: ignore[arg-type]
    return {one.image.tags[0]: (one.goes, one.reason) for one in found}


class TestRules:
    def test_the_newest_of_each_minor_version_stay(self) -> None:
        tags = ["1.1.0", "1.1.1", "1.2.0", "1.2.9", "1.2.10"]
        found = verdicts([image(tag) for tag in tags], {tag: entry(tag) for tag in tags})
        assert {tag for tag, (goes, _) in found.items() if goes} == {"1.1.0", "1.2.0", "1.2.9"}
        assert found["1.2.9"][1] == "older than the newest 1 of 1.2"
        assert found["1.1.1"][1] == "one of the newest 1 of 1.1"

    def test_a_yanked_release_goes_and_counts_for_nothing(self) -> None:
        known = {"1.2.0": entry("1.2.0"), "1.2.1": entry("1.2.1", YANKED)}
        found = verdicts([image("1.2.0"), image("1.2.1")], known)
        assert found["1.2.1"] == (True, "yanked on 2026-11-25: a leak")
        assert not found["1.2.0"][0]

    @pytest.mark.parametrize("tag", ["latest", "1", "1.2"])
    def test_what_a_moving_tag_refers_to_stays(self, tag: str) -> None:
        found = verdicts([image("1.2.1", tag)], {"1.2.1": entry("1.2.1", YANKED)})
        assert found["1.2.1"] == (False, f"{tag} refers to it")

    @pytest.mark.parametrize("reference", ["1.2.1", "digest of 1.2.1"])
    def test_what_a_hub_refers_to_stays(self, reference: str) -> None:
        known = {"1.2.1": entry("1.2.1", YANKED)}
        found = verdicts([image("1.2.1")], known, hubs={reference})
        assert found["1.2.1"] == (False, f"a hub refers to {reference}")

    def test_what_is_in_no_ledger_stays_unless_asked_for(self) -> None:
        images = [image(tag) for tag in ("1.2.0", "1.2.1", "git-1a2b3c4", "0" * 12)]
        assert not any(goes for goes, _ in verdicts(images, {}).values())
        asked = verdicts(images, {}, unrecorded=True)
        assert {tag for tag, (goes, _) in asked.items() if goes} == {
            "1.2.0",
            "git-1a2b3c4",
            "0" * 12,
        }

    def test_an_unrecorded_version_does_not_push_a_recorded_one_out(self) -> None:
        found = verdicts([image("1.2.0"), image("1.2.1")], {"1.2.0": entry("1.2.0")})
        assert not found["1.2.0"][0]

    def test_another_digest_than_the_ledgers_stays(self) -> None:
        known = {"1.2.1": replace(entry("1.2.1", YANKED), digest="digest of another")}
        found = verdicts([image("1.2.1")], known, unrecorded=True)
        assert found["1.2.1"] == (False, "the ledger has another digest for 1.2.1; verify it")

    def test_a_tag_of_somebody_else_holds_its_image(self) -> None:
        found = verdicts([image("1.2.1", "teaching")], {"1.2.1": entry("1.2.1", YANKED)})
        assert found["1.2.1"] == (False, "teaching: no tag of a release or a build")

    def test_both_versions_of_one_image_have_to_be_old(self) -> None:
        one = Image("d", ("1.1.0", "1.2.0"), (), {})
        known = {tag: Entry("c", "d", "b", "d") for tag in ("1.1.0", "1.2.0")}
        known["1.1.1"] = entry("1.1.1")
        assert not verdicts([one, image("1.1.1")], known)["1.1.0"][0]

    def test_a_hubs_declarations_are_read_by_digest_first(self) -> None:
        digest = "sha256:" + "1" * 64
        declared = [
            {"reference": f"registry.example.org/team/uv-lab:1.0.0@{digest}"},
            {"reference": "registry.example.org/team/uv-lab:1.1.0"},
            {"reference": "registry.example.org/team/uv-marimo:1.2.0"},
            {"reference": "uv-lab"},
        ]
        place = Reference.parse("registry.example.org/team/uv-lab")
        assert list(pruning.hub_references(declared, place)) == [digest, "1.1.0"]


class TestOrder:
    def plan(self, *records: Record, kept: Image | None = None) -> Pruning:
        images = [image("1.2.1", manifests=("amd", "arm")), *([kept] if kept else [])]
        known = {"1.2.1": entry("1.2.1", YANKED)}
        about: dict[str, list[Record]] = {}
        for record in records:
            about.setdefault(record.subject, []).append(record)
        contents = Contents(
            {one.digest: one for one in images}, {k: tuple(v) for k, v in about.items()}
        )
        return pruning.plan(contents, judge(images, known, keep=1), {})

    def test_the_image_goes_first_and_its_signature_last(self) -> None:
        index = "digest of 1.2.1"
        found = self.plan(
            Record(index, "s", "sha256-1.sig"),
            Record(index, "a", "sha256-1.att"),
            Record(index, "list", "sha256-1"),
            Record(index, "bill"),
            Record("amd", "amd-s", "sha256-2.sig"),
            Record("amd", "amd-bill"),
        )
        assert [one.digest for one in found.manifests] == [
            index, "amd", "arm", "amd-bill", "amd-s", "bill", "list", "a", "s",
        ]  # fmt: skip

    def test_what_an_image_that_stays_is_made_of_stays(self) -> None:
        kept = Image("kept", ("latest",), ("amd",), {"kept": 1, "amd": 1})
        found = self.plan(Record("amd", "amd-s", "sha256-2.sig"), kept=kept)
        assert [one.digest for one in found.manifests] == ["digest of 1.2.1", "arm"]


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> tuple[Key, Trust]:
    return little_releases.make_key(tmp_path_factory.mktemp("key") / "key")


Publish = Callable[..., Entry]


class TestInARegistry:
    @pytest.fixture
    def deletes(self) -> bool:
        return True

    @pytest.fixture
    def registry(self, tmp_path: Path, deletes: bool) -> Iterator[Registry]:
        folder = tmp_path / "registry"
        folder.mkdir()
        with Registry(folder, deletes=deletes) as running:
            yield running

    @pytest.fixture
    def place(self, registry: Registry) -> Reference:
        return Reference.parse(f"{registry.address}/team/uv-marimo")

    @pytest.fixture
    def remote(self) -> Remote:
        return Remote(Access(), pauses=(0.2, 0.5, 1))

    @pytest.fixture
    def publish(
        self, tmp_path: Path, remote: Remote, place: Reference, key: tuple[Key, Trust]
    ) -> Publish:
        """Publish a little release, index and manifest each with an attachment and a signature."""
        layout = Layout(tmp_path / "layout")

        def made(version: str, *, signed: bool = True, yanked: Yanked | None = None) -> Entry:
            files = {"opt/version": version.encode(), "opt/data": b"the same"}
            manifests = [little_images.manifest(layout, [files])]
            index = little_images.index(layout, manifests)
            pushed = remote.push(layout, index, place)
            if signed:
                for digest in (*(one.digest for one in manifests), index.digest):
                    remote.attach(place.at(digest), NOTE, [File("note", NOTE, digest.encode())])
                    Cosign(Access()).sign(place.at(digest), key[0])
            publish_tags(remote, pushed, version)
            return Entry(
                "c",
                "2026-01-01",
                "b",
                index.digest,
                {one.platform: one.digest for one in manifests},
                yanked=yanked,
            )

        return made

    def prune(
        self, remote: Remote, place: Reference, known: dict[str, Entry], keep: int = 1
    ) -> Pruning:
        contents = repositories.read(remote, place)
        found = judge(list(contents.images.values()), known, keep=keep)
        return pruning.plan(contents, found, pruning.absent(contents, known, remote, place))

    def test_a_yanked_release_goes_with_all_that_is_said_of_it(
        self, remote: Remote, place: Reference, publish: Publish, registry: Registry
    ) -> None:
        known = {"1.2.0": publish("1.2.0", yanked=YANKED), "1.2.1": publish("1.2.1")}
        before = set(remote.tags(place))
        found = self.prune(remote, place, known)
        # An index, its manifest, and of each a note, its list and a signature.
        assert len(found.manifests) == 8
        assert found.bytes > 0
        pruning.carry_out(remote, place, found)
        after = set(remote.tags(place))
        assert before - after == {"1.2.0"} | {
            f"sha256-{digest[7:]}{end}"
            for digest in (known["1.2.0"].digest, *known["1.2.0"].platforms.values())
            for end in ("", ".sig")
        }
        for doomed in found.manifests:
            assert remote.resolve(place.at(doomed.digest)) is None
        # What is left is whole: the other release with its records.
        pulled = remote.pull(place.tagged("1.2.1"), Layout(registry.log.parent / "pulled"))
        assert pulled.digest == known["1.2.1"].digest
        assert len(remote.referrers(place.at(pulled.digest))) == 1
        assert self.prune(remote, place, known).manifests == ()

    @pytest.mark.parametrize("number", [0, 1, 4, 7])
    def test_one_that_was_cut_is_finished_by_the_next(
        self,
        number: int,
        remote: Remote,
        place: Reference,
        publish: Publish,
        registry: Registry,
    ) -> None:
        known = {"1.2.0": publish("1.2.0", yanked=YANKED), "1.2.1": publish("1.2.1", signed=False)}
        found = self.prune(remote, place, known)
        cut = found.manifests[number].digest
        registry.gate.fail(
            lambda request: request.method == "DELETE" and request.digest == cut, "503", times=99
        )
        once = Remote(Access(), pauses=())
        with pytest.raises(ActionError, match="Nothing was deleted" if not number else "run it a"):
            pruning.carry_out(once, place, found)
        registry.gate.mend()
        if number:
            assert remote.resolve(place.tagged("1.2.0")) is None, "the image goes first"
        again = self.prune(remote, place, known)
        assert bool(again.left_over) == bool(number)
        pruning.carry_out(remote, place, again)
        for doomed in found.manifests:
            assert remote.resolve(place.at(doomed.digest)) is None
        assert not [tag for tag in remote.tags(place) if known["1.2.0"].digest[7:] in tag]

    def test_a_release_that_is_just_being_pushed_is_left_alone(
        self, remote: Remote, place: Reference, publish: Publish, tmp_path: Path
    ) -> None:
        """It is in the ledger, signed, and has no tag yet."""
        known = {"1.2.1": publish("1.2.1", signed=False)}
        layout = Layout(tmp_path / "other")
        index = little_images.index(layout, [little_images.manifest(layout, [{"opt/a": b"1"}])])
        coming = remote.push(layout, index, place)
        remote.attach(coming, NOTE, [])
        known["1.3.0"] = Entry("c", "2026-01-01", "b", index.digest)
        assert self.prune(remote, place, known).manifests == ()

    @pytest.mark.parametrize("deletes", [False])
    def test_where_deleting_is_switched_off_that_is_told_and_nothing_is_gone(
        self, remote: Remote, place: Reference, publish: Publish
    ) -> None:
        known = {
            "1.2.0": publish("1.2.0", signed=False, yanked=YANKED),
            "1.2.1": publish("1.2.1", signed=False),
        }
        found = self.prune(remote, place, known)
        with pytest.raises(
            ActionError, match=r"deleting is switched off[\s\S]*Nothing was deleted"
        ):
            pruning.carry_out(remote, place, found)
        assert remote.resolve(place.tagged("1.2.0"))

    def test_the_task_shows_asks_and_deletes(
        self, remote: Remote, place: Reference, publish: Publish, tmp_path: Path
    ) -> None:
        """In a repository of no package here, so that all depends on what is asked for."""
        digests = {v: publish(v, signed=False).digest for v in ("1.2.0", "1.2.1", "1.2.2")}
        name = str(place)
        shown = invoke(name, "--unrecorded", "--keep", "1", "--dry-run")
        assert shown.returncode == 0, shown.stderr
        assert "older than the newest 1 of 1.2" in shown.stdout
        assert "1, 1.2, latest refer to it" in shown.stdout
        assert "to delete: 4 manifests" in shown.stdout
        assert "nothing to delete" in invoke(name).stdout, "no ledger here knows them"
        unasked = invoke(name, "--unrecorded", "--keep", "1")
        assert unasked.returncode == 2
        assert "say --yes to go on" in unasked.stderr
        listed = json.loads(invoke(name, "--unrecorded", "--keep", "1", "--json").stdout)
        assert len(listed[0]["manifests"]) == 4
        assert set(versions(remote.tags(place))) == set(digests), "so far nothing is gone"
        hub = tmp_path / "config.toml"
        hub.write_text(f'[[images]]\nreference = "{place}:1.2.0@{digests["1.2.0"]}"\n')
        done = invoke(name, "--unrecorded", "--keep", "1", "--hub", str(hub), "--yes")
        assert done.returncode == 0, done.stderr
        assert f"a hub refers to {digests['1.2.0']}" in done.stdout.replace("\n", "")
        assert versions(remote.tags(place)) == ["1.2.0", "1.2.2"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["uv-lab"], "'uv-lab' names no registry"),
        (["127.0.0.1:1/a:1"], "names one image; expected the repository alone"),
        (["127.0.0.1:1/a", "--keep", "0"], "expected a whole number from 1"),
        (["127.0.0.1:1/a", "--keep", "few"], "expected a whole number"),
        (["127.0.0.1:1/a", "--hub", "/nowhere"], "--hub /nowhere is no config.toml of a hub"),
    ],
)
def test_wrong_usage_is_told_at_once(words: list[str], said: str) -> None:
    found = invoke(*words)
    assert (found.returncode, found.stdout) == (2, "")
    assert said in found.stderr


def invoke(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "invoke", "registry.prune", *words],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
