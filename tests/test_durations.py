"""What `.ci/run` prints of how long tests took."""

from pathlib import Path

import pytest

from jhub_testing import durations

RECORD = """<testsuites><testsuite name="pytest">
<testcase classname="tests.test_a" name="test_quick" time="0.010"/>
<testcase classname="tests.test_a" name="test_slow" time="61.5"/>
</testsuite></testsuites>"""


def test_sessions_and_slowest_tests_are_kept_and_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".dev/durations").mkdir(parents=True)
    (tmp_path / ".dev/durations/unit(library).xml").write_text(RECORD)
    assert durations.main(tmp_path) == 0
    told = capsys.readouterr().out
    assert "unit(library)      2       62" in told
    assert told.index("61.5  tests.test_a::test_slow") < told.index("0.0  tests.test_a::test_quick")
    assert '"seconds": 61.5' in (tmp_path / ".dev/durations.json").read_text()


def test_nothing_measured_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert durations.main(tmp_path) == 1
    assert "run ./dev nox" in capsys.readouterr().err
