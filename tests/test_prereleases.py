"""What the `prereleases` session installs, and how it tells what came of it."""

from pathlib import Path

from jhub_testing import prereleases

ROOT = Path(__file__).parents[1]
HUB = ROOT / "packages" / "hub"

JUNIT = """<testsuites><testsuite>
<testcase classname="tests.unit.test_upstream" name="test_a_private_name[jupyterhub.user:User.x]">
<failure message="AssertionError: jupyterhub.user:User.x is gone&#10;more"/></testcase>
<testcase classname="tests.unit.test_spawner" name="test_a_start"><failure message="no"/></testcase>
<testcase classname="" name="tests.unit.test_pages"><error message="cannot be imported"/></testcase>
<testcase classname="tests.unit.test_spawner" name="test_a_stop"/>
</testsuite></testsuites>"""


def test_each_upstream_may_be_newer_than_the_locked_one_and_a_prerelease() -> None:
    wanted = prereleases.requirements(HUB / "pyproject.toml")
    locked = prereleases.pinned(HUB / "uv.lock")
    assert set(locked) == set(prereleases.UPSTREAMS)
    assert {f"{name}>={version}a0" for name, version in locked.items()} <= set(wanted)
    others = [one for one in wanted if not one.startswith(prereleases.UPSTREAMS)]
    assert [one for one in others if one.startswith("pytest")]
    assert not [one for one in others if one.endswith("a0")]


def test_names_that_are_gone_are_told_apart_from_tests_that_fail(tmp_path: Path) -> None:
    (tmp_path / "result.xml").write_text(JUNIT)
    failed = list(prereleases.failures(tmp_path / "result.xml"))
    told = prereleases.told({"jupyterhub": "6.1.1"}, {"jupyterhub": "7.0.0b1"}, failed)
    assert told.splitlines() == [
        "jupyterhub 7.0.0b1, locked 6.1.1",
        "",
        "Private names that are gone: 1",
        "  test_upstream test_a_private_name[jupyterhub.user:User.x]: "
        "AssertionError: jupyterhub.user:User.x is gone",
        "",
        "Tests that fail: 2",
        "  test_spawner test_a_start: no",
        "  test_pages tests.unit.test_pages: cannot be imported",
    ]


def test_a_good_end_names_nothing() -> None:
    same = {"jupyterhub": "6.1.1"}
    told = prereleases.told(same, same, [])
    assert "Nothing newer" in told
    assert "gone: 0" in told


def test_tests_that_cannot_even_be_collected_are_a_failure(tmp_path: Path) -> None:
    assert list(prereleases.failures(tmp_path / "none.xml"))


def test_every_test_is_in_one_of_the_parts_and_names_are_asked_first() -> None:
    names, tests = prereleases.parts(HUB / "tests" / "unit").values()
    files = [one for one in names if one.endswith("test_upstream.py")]
    assert files
    assert set(tests) >= {f"--ignore={one}" for one in files}
