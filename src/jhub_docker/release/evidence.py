"""Evidence that the integration tests passed with images of exactly these build ids.

A whole session that passed leaves a file in `.dev/evidence/`; a release wants one about all images
as they are. The image's own tests are none of it: a release runs them on what it built.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from jhub_docker.catalog import identity

INTEGRATION = "integration"
"""The folder of the tests in which hub, proxy and all images run together."""

FOLDER = Path(".dev/evidence")


def tests_digest(root: Path) -> str:
    """sha256 over the tests' files but those of releases: tests that change have to run anew."""
    folder = root / INTEGRATION
    files = {file.relative_to(folder): file.read_text("utf-8") for file in folder.rglob("*.py")}
    counted = {name.as_posix(): text for name, text in files.items() if "release" not in name.parts}
    return identity.digest(counted)


def write(root: Path, images: Mapping[str, str], tests: str = "") -> None:
    """Record that the tests, by default those of now, passed with images of these build ids."""
    evidence = {"images": dict(images), "tests": tests or tests_digest(root)}
    file = root / FOLDER / f"{identity.short(identity.digest(evidence))}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(evidence, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def missing(root: Path, images: Mapping[str, str]) -> list[str]:
    """The images with which the tests of now did not pass, of the session that comes nearest."""
    tests = tests_digest(root)
    sessions = (session for session, digest in _kept(root) if digest == tests)
    others = ([one for one in images if session.get(one) != images[one]] for session in sessions)
    return sorted(min(others, key=len, default=images))


def carry_over(root: Path, image: str, before: str, after: str) -> None:
    """Let what was shown with one build of an image hold for its release, `after`.

    A release changes the version of an image and nothing else, and its own tests run anew.
    Otherwise every release would ask for a whole run before that of the next image. It is true from
    the day the second build is there, so it may be said before the release is in the branch.
    """
    for session, tests in list(_kept(root)):
        if session.get(image) == before:
            write(root, {**session, image: after}, tests)


def _kept(root: Path) -> Iterator[tuple[dict[str, str], str]]:
    """The build ids of each session that passed, and its tests' digest."""
    for file in sorted((root / FOLDER).glob("*.json")):
        with suppress(ValueError):  # broken off while it was written
            value = json.loads(file.read_text(encoding="utf-8"))
            yield value["images"], value["tests"]
