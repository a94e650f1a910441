"""Which test sessions are evidence for a release."""

from pathlib import Path

import pytest

from jhub_docker.release import evidence
from jhub_docker.release.evidence import IMAGE, Evidence
from jhub_testing.recording import Run, refusal


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (Run(0, 3, 3), None),
        (Run(0, 3, 2, skipped=("a",)), None),
        (Run(1, 3, 2), "not all tests passed"),
        (Run(2, 3, 1), "not all tests passed"),
        (Run(5, 0, 0), "there were no tests"),
        (Run(0, 3, 3, deselected=1), "1 tests were deselected"),
        (Run(0, 3, 3, narrowed=("-k",)), "-k leaves tests out"),
        (Run(0, 3, 2), "2 of 3 tests passed"),
        (Run(0, 1, 0, skipped=("a",)), "0 of 1 tests passed"),
    ],
)
def test_only_a_whole_suite_that_passed_is_evidence(run: Run, said: str | None) -> None:
    assert refusal(run) == said


def test_evidence_is_kept_by_build_id_and_suite(tmp_path: Path) -> None:
    kept = Evidence(IMAGE, {"lab": "a" * 64}, "tests", 12, ("one",), "git-1234567")
    evidence.write(tmp_path, kept)
    assert evidence.read(tmp_path, "a" * 64, IMAGE) == kept
    assert evidence.read(tmp_path, "a" * 64, evidence.INTEGRATION) is None
    assert evidence.read(tmp_path, "b" * 64, IMAGE) is None


def test_a_file_that_broke_off_is_no_evidence(tmp_path: Path) -> None:
    evidence.write(tmp_path, Evidence(IMAGE, {"lab": "a"}, "tests", 12, (), ""))
    (tmp_path / evidence.FOLDER / "a" / "image.json").write_text('{"suite": "im')
    assert evidence.read(tmp_path, "a", IMAGE) is None


def test_other_tests_need_a_new_run(tmp_path: Path) -> None:
    tests = tmp_path / "packages/lab/tests"
    (tests / "unit").mkdir(parents=True)
    (tests / "test_lab.py").write_text("def test_a(): ...\n")
    before = evidence.tests_digest(tmp_path, [tests])
    (tests / "unit/test_other.py").write_text("def test_b(): ...\n")
    assert evidence.tests_digest(tmp_path, [tests]) == before
    (tests / "test_lab.py").write_text("def test_a(): assert True\n")
    assert evidence.tests_digest(tmp_path, [tests]) != before
