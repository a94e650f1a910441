"""Which test sessions are evidence for a release."""

from pathlib import Path

import pytest

from jhub_docker.release import evidence
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


def test_evidence_is_of_the_images_that_ran_together(tmp_path: Path) -> None:
    evidence.write(tmp_path, {"hub": "1", "lab": "1"})
    evidence.write(tmp_path, {"hub": "2", "lab": "1"})
    assert evidence.missing(tmp_path, {"hub": "1", "lab": "1"}) == []
    assert evidence.missing(tmp_path, {"hub": "2", "lab": "2"}) == ["lab"]
    evidence.carry_over(tmp_path, "lab", "1", "2")
    for hub, lab in ("12", "21", "22"):
        assert evidence.missing(tmp_path, {"hub": hub, "lab": lab}) == []


def test_a_file_that_broke_off_is_no_evidence(tmp_path: Path) -> None:
    evidence.write(tmp_path, {"lab": "1"})
    (file,) = (tmp_path / evidence.FOLDER).iterdir()
    file.write_text(file.read_text()[:9])
    assert evidence.missing(tmp_path, {"lab": "1"}) == ["lab"]


def test_other_tests_need_a_new_run(tmp_path: Path) -> None:
    tests = tmp_path / "integration"
    (tests / "release").mkdir(parents=True)
    evidence.write(tmp_path, {"lab": "1"})
    (tests / "release/test_other.py").write_text("def test_b(): ...\n")
    assert evidence.missing(tmp_path, {"lab": "1"}) == []
    (tests / "test_lab.py").write_text("def test_a(): assert True\n")
    assert evidence.missing(tmp_path, {"lab": "1"}) == ["lab"]
