"""A release of a real image after another, into a real registry, by a maintainer's commands.

What happens when something fails half-way is tried with little images, in
tests/engine/test_release_flow.py.
"""

import json

from jhub_testing.maintainer import without

from .conftest import IMAGE, REPOSITORY, Made, Released, Releases


def test_a_new_package_is_a_minor_release_that_names_it(
    releases: Releases, first: Released, made: Made
) -> None:
    second = made.released
    numbers = [[int(part) for part in one.version.split(".")] for one in (first, second)]
    assert numbers[1] == [numbers[0][0], numbers[0][1] + 1, 0]
    log = (releases.folder / "CHANGELOG.md").read_text()
    newest = log.split("\n## ")[2]
    assert newest.startswith(f"[{second.version}] - ")
    added = newest.partition("### Added\n")[2].partition("\n\n")[0]
    assert "- tabulate 0.9.0" in added.splitlines()
    assert "Print tables" in newest
    major, minor = numbers[1][:2]
    assert releases.tags() == {
        **dict.fromkeys([first.version, f"{major}.{minor - 1}"], first.digest),
        **dict.fromkeys([second.version, f"{major}.{minor}", f"{major}", "latest"], second.digest),
    }
    assert releases.status()["next"] is None
    assert releases.maintainer.git("status", "--porcelain") == ""
    assert f"{IMAGE}-v{second.version}" in releases.maintainer.git("tag").splitlines()


def test_anyone_with_the_public_key_can_check_it(releases: Releases, made: Made) -> None:
    reference = f"{releases.place}:{made.released.version}"
    text = releases.maintainer.invoke("release.verify", reference, "--json")
    report = json.loads(text[text.index("{\n") :])
    assert report["digest"] == made.released.digest
    assert {check["name"]: check["passed"] for check in report["checks"]} == dict.fromkeys(
        [
            *("signatures", "attestations", "layers"),
            *("contents", "labels", "name", "ledger"),
        ],
        True,
    )


def test_it_leaves_every_other_image_as_it_is(made: Made) -> None:
    """Files, versions, tags and digests of all others are the same, byte for byte."""
    before, after = made.before, made.after
    changed = {name for name in after.files if before.files.get(name) != after.files[name]}
    assert changed <= {
        f"packages/{IMAGE}/{name}"
        for name in ("CHANGELOG.md", "pyproject.toml", "releases.json", "uv.lock")
    }
    assert set(before.files) <= set(after.files)
    own = [f"local/{REPOSITORY}:{made.released.build_id[:12]}"]
    assert without(after.images, own) == without(before.images, own)
