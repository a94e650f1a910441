"""Evidence that whole test suites passed for an image of exactly one build id.

`.dev/evidence/<build-id>/<suite>.json`, written at the end of a test session and read before a
release; beside it, of a release, which build its tests were shown for. Nothing is written for a
part of a suite, or for an image that is not what it says.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from jhub_docker.catalog import Catalog

IMAGE = "image"
"""The tests of one image and of the bases it stands on, with the contract."""

INTEGRATION = "integration"
"""The tests in which hub, proxy and all images run together."""

FOLDER = Path(".dev/evidence")
_RELEASED = "released-from"
_CONTRACT = Path("src/jhub_testing/contract")


@dataclass(frozen=True)
class Evidence:
    """A suite that passed. `images` maps each image under test to its build id."""

    suite: str
    images: Mapping[str, str]
    tests: str
    passed: int
    skipped: tuple[str, ...]
    revision: str


def tests_digest(root: Path, folders: Iterable[Path]) -> str:
    """sha256 over a suite's files and the contract's: tests that change have to run anew."""
    sha = hashlib.sha256()
    for folder in (*folders, root / _CONTRACT):
        for file in sorted(folder.rglob("*.py")):
            if not {"unit", "release"} & set(file.relative_to(folder).parts):
                name = file.relative_to(root).as_posix()
                sha.update(f"{name}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return sha.hexdigest()


def suite_folders(root: Path, catalog: Catalog, suite: str, image: str) -> list[Path]:
    """Where a suite's tests are: an image has to pass those of the bases it stands on too."""
    if suite == INTEGRATION:
        return [root / "integration"]
    tests = (spec.folder / "tests" for spec in catalog.lineage(image))
    return [folder for folder in tests if folder.is_dir()]


def write(root: Path, evidence: Evidence) -> None:
    """Record it under the build id of every image that was tested."""
    text = json.dumps(asdict(evidence), indent=2, sort_keys=True) + "\n"
    for build_id in evidence.images.values():
        folder = root / FOLDER / build_id
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{evidence.suite}.json").write_text(text, encoding="utf-8")


def carry_over(root: Path, before: str, after: str) -> None:
    """Let what integration showed with one build of an image hold for its release, `after`.

    A release changes the version of an image and nothing else, and its own tests run anew.
    Otherwise every release would ask for a whole run before that of the next image. It is said of
    these two builds alone and true from the day the second is there, so it changes no evidence and
    may be said before the release is in the branch.
    """
    folder = root / FOLDER / after
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _RELEASED).write_text(before, encoding="utf-8")


def of_integration(root: Path, build_id: str) -> Evidence | None:
    """What integration showed of a build, or else of the one that it is the release of."""
    found = (read(root, one, INTEGRATION) for one in _same(root, build_id))
    return next(filter(None, found), None)


def holds(root: Path, kept: Evidence, image: str, build_id: str) -> bool:
    """Whether the evidence was shown with this build of an image, or what it is the release of."""
    same = [build_id] if kept.suite == IMAGE else _same(root, build_id)
    return kept.images.get(image) in same


def _same(root: Path, build_id: str) -> list[str]:
    """The build, and those that differ from it by their version alone, the newest first."""
    found = [build_id]
    while (file := root / FOLDER / found[-1] / _RELEASED).is_file():
        before = file.read_text(encoding="utf-8")
        if before in found or not before:
            break
        found.append(before)
    return found


def read(root: Path, build_id: str, suite: str) -> Evidence | None:
    """The evidence for a build id, None where its suite has not passed."""
    try:
        value = json.loads((root / FOLDER / build_id / f"{suite}.json").read_text("utf-8"))
        return Evidence(**{**value, "skipped": tuple(value["skipped"])})
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None
