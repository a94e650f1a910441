"""The provenance: in SLSA's form, the same for every build of a commit, without secrets."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from jhub_docker.oci.layout import Layout
from jhub_docker.release.record.provenance import Source
from jhub_docker.release.record.records import BILL, PROVENANCE, make_records
from jhub_testing.little_releases import BASE, BUILD_ID, COMMIT, LOCK, build


def test_it_names_all_a_rebuild_needs(tmp_path: Path, source: Source) -> None:
    layout = Layout(tmp_path / "layout")
    index = build(layout, platforms=("linux/amd64", "linux/arm64"))
    records = make_records(layout, index, source)
    predicate = records[index.digest][PROVENANCE]
    definition = predicate["buildDefinition"]
    assert definition["externalParameters"] == {
        "image": "uv-thing",
        "repository": "local/uv-thing",
        "version": "1.2.0",
        "source": {"commit": COMMIT, "repository": "https://example.org/team/images"},
        "platforms": ["linux/amd64", "linux/arm64"],
        "base": "public",
        "arguments": {"lane": "bookworm"},
    }
    assert definition["internalParameters"] == {
        "buildId": BUILD_ID,
        "sourceDateEpoch": 1_700_000_000,
    }
    digest = BASE.removeprefix("sha256:")
    found = [
        (entry["name"], *entry.get("digest", entry.get("annotations")).values())
        for entry in definition["resolvedDependencies"]
    ]
    assert found == [
        ("source", COMMIT),
        ("base", digest),
        ("base", digest),
        ("parent", "0" * 64),
        ("packages/uv-thing/uv.lock", hashlib.sha256(LOCK.encode()).hexdigest()),
    ]
    assert set(predicate["runDetails"]) == {"builder", "metadata"}


def test_platforms_it_was_not_made_for_are_named(tmp_path: Path, source: Source) -> None:
    layout = Layout(tmp_path / "layout")
    index = build(layout, platforms=("linux/amd64",))
    documents = make_records(layout, index, source)
    (entry,) = (entry for entry, _ in layout.manifests(index))

    def external(digest: str) -> dict[str, object]:
        found: dict[str, object] = documents[digest][PROVENANCE]["buildDefinition"][
            "externalParameters"
        ]
        return found

    assert external(index.digest)["platformsLeftOut"] == ["linux/arm64"]
    assert "platformsLeftOut" not in external(entry.digest), "it is about one platform"


def test_bills_are_per_platform_and_provenance_for_each_and_all(
    tmp_path: Path, source: Source
) -> None:
    layout = Layout(tmp_path / "layout")
    index = build(layout, platforms=("linux/amd64", "linux/arm64"))
    records = make_records(layout, index, source)
    kinds = {digest: set(found) for digest, found in records.items()}
    platforms = [entry.digest for entry, _ in layout.manifests(index)]
    assert kinds == {index.digest: {PROVENANCE}} | {key: {BILL, PROVENANCE} for key in platforms}
    bills = [found[BILL] for found in records.values() if BILL in found]
    assert [bill["metadata"]["component"]["purl"][-5:] for bill in bills] == [
        "amd64",
        "arm64",
    ]


def test_it_says_nothing_of_the_machine(
    tmp_path: Path, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = Layout(tmp_path / "layout")
    records = make_records(layout, build(layout), replace(source, url=None))
    text = json.dumps([list(found.values()) for found in records.values()])
    for secret in (str(tmp_path), str(Path.cwd()), str(Path.home()) + "/", "example.org/team"):
        assert secret not in text
