"""Two releases of uv-marimo and one of uv-lab into a real registry, by a maintainer's commands.

What happens when something fails half-way is tried with little images, in
tests/engine/test_release_flow.py.
"""

import json
from pathlib import Path

from jhub_testing.maintainer import without
from jhub_testing.resources import Engine

from .conftest import Released, Releases


def files(root: Path) -> dict[str, bytes]:
    """The contents of everything below `packages/`."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in (root / "packages").rglob("*")
        if path.is_file()
    }


def images(engine: Engine) -> dict[str, str]:
    """The tags of this project's images in the engine, with what they stand for."""
    return {
        tag: image["Id"]
        for image in engine.client.api.images()
        for tag in image.get("RepoTags") or ()
        if tag.startswith("local/")
    }


def test_the_first_release_is_the_declared_version(releases: Releases, first: Released) -> None:
    assert releases.tags("uv-marimo")[first.version] == first.digest
    assert releases.maintainer.git("status", "--porcelain") == ""
    assert f"uv-marimo-v{first.version}" in releases.maintainer.git("tag").splitlines()


def test_a_new_package_is_a_minor_release_that_names_it(
    releases: Releases, first: Released, second: Released
) -> None:
    numbers = [[int(part) for part in one.version.split(".")] for one in (first, second)]
    assert numbers[1] == [numbers[0][0], numbers[0][1] + 1, 0]
    log = (releases.maintainer.root / "packages/uv-marimo/CHANGELOG.md").read_text()
    newest = log.split("\n## ")[2]
    assert newest.startswith(f"[{second.version}] - ")
    assert "### Added\n- tabulate 0.9.0\n" in newest
    assert "Let marimo print tables" in newest
    major, minor = numbers[1][:2]
    assert releases.tags("uv-marimo") == {
        **dict.fromkeys([first.version, f"{major}.{minor - 1}"], first.digest),
        **dict.fromkeys([second.version, f"{major}.{minor}", f"{major}", "latest"], second.digest),
    }
    assert releases.status("uv-marimo")["next"] is None


def test_anyone_with_the_public_key_can_check_both(
    releases: Releases, first: Released, second: Released, pytestconfig: object
) -> None:
    for one in (first, second):
        reference = f"{releases.team}/uv-marimo:{one.version}"
        text = releases.maintainer.invoke("release.verify", reference, "--json")
        report = json.loads(text[text.index("{\n") :])
        assert report["digest"] == one.digest
        assert {check["name"]: check["passed"] for check in report["checks"]} == dict.fromkeys(
            [
                *("manifests", "signatures", "attestations", "attachments", "layers"),
                *("contents", "labels", "name", "ledger"),
            ],
            True,
        )


def test_a_release_of_lab_leaves_every_other_image_as_it_is(
    releases: Releases, second: Released, engine: Engine
) -> None:
    """Files, versions, tags and digests of all others are the same, byte for byte."""
    maintainer = releases.maintainer
    maintainer.prove("uv-lab", releases.status("uv-lab")["build_id"])
    before = files(maintainer.root), images(engine), releases.tags("uv-marimo")
    made = releases.make("uv-lab")
    after = files(maintainer.root), images(engine), releases.tags("uv-marimo")
    changed = {name for name in after[0] if before[0].get(name) != after[0][name]}
    assert changed <= {
        f"packages/uv-lab/{name}"
        for name in ("CHANGELOG.md", "pyproject.toml", "releases.json", "uv.lock")
    }
    assert set(before[0]) <= set(after[0])
    assert without(after[1], [f"local/uv-lab:{made.build_id[:12]}"]) == without(
        before[1], [f"local/uv-lab:{made.build_id[:12]}"]
    )
    assert after[2] == before[2]
    assert set(releases.tags("uv-lab").values()) == {made.digest}
