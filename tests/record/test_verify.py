"""A release in a real registry is verified, and each way of tampering with it is found."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from jhub_docker.catalog.ledger import Entry, Yanked
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.release.record.keys import Key
from jhub_docker.release.record.provenance import Source
from jhub_docker.release.record.records import BILL, make_records, sign
from jhub_docker.release.record.verify import Report
from jhub_testing.little_images import distribution
from jhub_testing.little_releases import IMAGE, LABELS, VERSION, Release, build
from jhub_testing.operator import invoke

EXTRA = distribution("stranger", "6.6", site="usr/local/lib/python3.11/site-packages")


def failed(report: Report) -> list[str]:
    return [check.name for check in report.failed]


def message(report: Report, name: str) -> str:
    (check,) = (check for check in report.checks if check.name == name)
    return check.message


def test_a_release_is_verified_with_a_line_for_each_check(release: Release) -> None:
    report = release.verify()
    assert [(check.name, check.passed) for check in report.checks] == [
        ("signatures", True),
        ("attestations", True),
        ("layers", True),
        ("contents", True),
        ("labels", True),
        ("name", True),
    ]
    assert report.digest == release.index.digest
    said = f"is {release.index.digest} for linux/amd64, not for linux/arm64"
    assert report.lines()[0].endswith(said), "it was declared for both and made for one"
    assert "3 packages in linux/amd64" in message(report, "contents")
    report.require()


def test_a_single_platform_s_manifest_is_verified_too(release: Release) -> None:
    assert not release.verify(f"@{release.digest}").failed


def test_signing_again_changes_nothing(release: Release) -> None:
    def found() -> tuple[list[str], list[int]]:
        tags = release.remote.tags(release.image)
        signature = release.image.tagged(release.digest.replace(":", "-") + ".sig")
        attestation = release.image.tagged(release.digest.replace(":", "-") + ".att")
        counts = [len(release.remote.manifest(r)[1]["layers"]) for r in (signature, attestation)]
        return tags, counts

    # A signature names the registry, which has another port than when the release was made.
    sign(release.remote, release.image, release.records, release.key)
    before = found()
    sign(release.remote, release.image, release.records, release.key)
    assert found() == before
    assert not release.verify().failed


def test_a_layer_altered_in_the_registry_s_storage(release: Release) -> None:
    _, manifest = release.remote.manifest(release.manifest)
    blob = release.blob(manifest["layers"][0]["digest"])
    data = bytearray(blob.read_bytes())
    data[len(data) // 2] ^= 1
    blob.write_bytes(data)
    assert failed(release.verify()) == ["layers"]


def test_another_image_under_the_tag(release: Release) -> None:
    release.push(build(release.layout, (IMAGE, EXTRA)))
    report = release.verify()
    assert {"signatures", "attestations"} <= set(failed(report))
    with pytest.raises(ActionError, match="failed: signatures, attestations"):
        report.require()


def test_a_manifest_altered_in_the_registry_s_storage(release: Release) -> None:
    blob = release.blob(release.digest)
    blob.write_bytes(blob.read_bytes().replace(b"gzip", b"zstd"))
    assert "layers" in failed(release.verify())


def test_an_attestation_about_another_digest(release: Release, source: Source) -> None:
    other = build(release.layout, (IMAGE, {"opt/other": b"x"}))
    image = release.push(other, "other")
    sign(release.remote, image, make_records(release.layout, other, source), release.key)
    for mine, others in (
        (release.index, other),
        *zip(
            (entry for entry, _ in release.layout.manifests(release.index)),
            (entry for entry, _ in release.layout.manifests(other)),
            strict=True,
        ),
    ):
        tag = others.digest.replace(":", "-") + ".att"
        found = release.remote.resolve(release.image.tagged(tag))
        assert found is not None
        name = mine.digest.replace(":", "-") + ".att"
        release.remote.tag(release.image.at(found.digest), name)
    assert failed(release.verify()) == ["attestations"]


def test_an_attestation_by_another_key(release: Release, strange: tuple[Key, Path]) -> None:
    sign(release.remote, release.image, release.records, strange[0])
    report = release.verify()
    assert failed(report) == ["attestations"]


def test_a_signature_that_is_gone(release: Release) -> None:
    tags = release.storage / f"docker/registry/v2/repositories/{release.image.repository}"
    shutil.rmtree(tags / "_manifests/tags" / (release.index.digest.replace(":", "-") + ".sig"))
    report = release.verify()
    assert failed(report) == ["signatures"]
    assert release.index.digest in message(report, "signatures")


def test_an_image_with_all_records_made_anew_by_somebody_else(
    release: Release, source: Source, strange: tuple[Key, Path]
) -> None:
    index = build(release.layout, (IMAGE, EXTRA))
    image = release.push(index)
    sign(release.remote, image, make_records(release.layout, index, source), strange[0])
    assert failed(release.verify()) == ["signatures", "attestations"]
    assert not replace(release, trust=strange[1]).verify().failed


def test_a_signed_bill_of_materials_that_is_not_true(release: Release, source: Source) -> None:
    index = build(release.layout, (IMAGE, EXTRA, {"opt/venv/.wh.pyvenv.cfg": b""}))
    true = make_records(release.layout, index, source)
    lie = release.records[release.digest][BILL]
    documents = {digest: dict(kinds) for digest, kinds in true.items()}
    (kinds,) = (kinds for kinds in documents.values() if BILL in kinds)
    kinds[BILL] = {**lie, "metadata": kinds[BILL]["metadata"]}
    sign(release.remote, release.push(index), documents, release.key)
    report = release.verify()
    assert failed(report) == ["contents"]
    assert "pypi/stranger in /usr/local 6.6 is extra" in message(report, "contents")


def test_labels_that_are_not_what_was_signed(release: Release, source: Source) -> None:
    index = build(release.layout, labels=LABELS | {"org.opencontainers.image.revision": "f" * 40})
    sign(
        release.remote,
        release.push(index),
        make_records(release.layout, index, source),
        release.key,
    )
    report = release.verify()
    assert failed(report) == ["labels"]
    assert "org.opencontainers.image.revision is 'ffff" in message(report, "labels")


@pytest.mark.parametrize(
    ("tag", "wrong"),
    [
        ("1.2.0", False),
        ("1.2", False),
        ("1", False),
        ("latest", False),
        ("1.3.0", True),
        ("2", True),
    ],
)
def test_a_release_under_a_tag_of_another_version(tag: str, wrong: bool, release: Release) -> None:
    release.remote.tag(release.image, tag)
    assert failed(release.verify(tag)) == (["name"] if wrong else [])


def test_the_checkout_s_ledger(release: Release) -> None:
    entry = Entry("c", "2026-11-24", "b", release.index.digest)
    asked = []

    def ledgers(image: str) -> dict[str, Entry]:
        asked.append(image)
        return {VERSION: entry}

    assert message(release.verify(ledgers=ledgers), "ledger") == (
        "the same digest, released on 2026-11-24"
    )
    assert asked == ["uv-thing"]
    entry = replace(entry, yanked=Yanked("2026-11-25", "a leak"))
    assert "YANKED on 2026-11-25: a leak" in message(release.verify(ledgers=ledgers), "ledger")
    entry = replace(entry, digest="sha256:" + "0" * 64)
    assert failed(release.verify(ledgers=ledgers)) == ["ledger"]


def test_a_tag_that_is_not_there(release: Release) -> None:
    with pytest.raises(UsageError, match=r"uv-thing:9\.9\.9 is not in the registry"):
        release.verify("9.9.9")


def test_a_registry_that_does_not_answer(release: Release) -> None:
    gone = replace(release, image=replace(release.image, registry="127.0.0.1:1"))
    with pytest.raises(ActionError, match=r"nothing answers at 127\.0\.0\.1:1"):
        gone.verify()


def test_the_task_reports_and_fails_with_what_failed(release: Release) -> None:
    release.remote.tag(release.image, "2.0.0")
    key = str(release.trust)
    good = invoke("release.verify", str(release.image.tagged(VERSION)), "--key", key)
    assert good.returncode == 0, good.stderr
    assert re.search(r"^ok +signatures +index and linux/amd64 signed by ", good.stdout, re.M)
    bad = invoke("release.verify", str(release.image.tagged("2.0.0")), "--key", key)
    assert bad.returncode == 1
    assert "FAILED  name" in bad.stdout
    assert "uv-thing:2.0.0 cannot be trusted; failed: name" in bad.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["uv-thing"], "'uv-thing' names no repository of a registry"),
        (["127.0.0.1:1/x"], "names no image of that repository; expected a tag"),
        (["127.0.0.1:1/x:1", "--key", "/nowhere.pub"], "there is no public key /nowhere.pub"),
        (["127.0.0.1:1/x:1", "--key", "pyproject.toml"], "pyproject.toml holds no public key"),
    ],
)
def test_what_cannot_be_verified_is_told_at_once(arguments: list[str], said: str) -> None:
    result = invoke("release.verify", *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert said in result.stderr
    assert "Traceback" not in result.stderr
