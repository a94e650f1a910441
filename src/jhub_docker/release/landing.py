"""A release's commits onto the branch, and its tag; and finding again what was released."""

from pathlib import Path

from jhub_docker.catalog import ledger
from jhub_docker.catalog.version import Version
from jhub_docker.errors import ActionError
from jhub_docker.progress import say
from jhub_docker.release import history
from jhub_docker.release.candidate import Candidate, Workplace


def land(place: Workplace, candidate: Candidate) -> None:
    """Fast-forward the branch to the recorded release, and tag it.

    Raises ActionError when the branch has moved since the release began.
    """
    root = place.root
    if history.head(root) != candidate.start:
        raise ActionError(
            f"{history.branch(root) or 'HEAD'} has moved since {candidate.image} "
            f"{candidate.version} was begun; nothing was published. Run the release again"
        )
    history.git(root, "merge", "--quiet", "--ff-only", candidate.recorded)
    _tag(root, candidate.image, candidate.version, candidate.recorded)
    place.remove_tree()


def tag_what_is_recorded(root: Path, image: str) -> None:
    """Give the newest release in the ledger its tag, where a release ended just before that."""
    folder = root / "packages" / image
    newest = next(iter(ledger.read(folder).items()), None)
    if newest is None or Version.parse(newest[0]) in history.versions(root, image):
        return
    version, entry = newest
    file = f"packages/{image}/{ledger.NAME}"
    commits = history.git(root, "log", "--format=%H", f"-S{entry.digest}", "HEAD", "--", file)
    if commits:
        say(f"==> {image} {version} is recorded and has no tag yet")
        _tag(root, image, version, commits.splitlines()[-1])


def released(root: Path, image: str, version: str) -> tuple[Workplace, Candidate]:
    """A release as the ledger knows it, with what is kept of it on this machine.

    Raises ActionError for one that is not in the ledger, or was yanked.
    """
    entry = ledger.read(root / "packages" / image).get(version)
    if entry is None:
        raise ActionError(
            f"packages/{image}/{ledger.NAME} does not know {version}; expected one of its versions"
        )
    if entry.yanked:
        raise ActionError(f"{image} {version} was yanked: {entry.yanked.reason}")
    place = Workplace(root, image, version)
    found = place.load()
    if found is None or found.digest != entry.digest:
        found = Candidate(
            image,
            version,
            start=entry.commit,
            commit=entry.commit,
            epoch=history.commit_time(root, entry.commit),
            build_id=entry.build_id,
            digest=entry.digest,
            platforms=dict(entry.platforms),
            left_out=dict(entry.left_out),
            size=entry.size,
            compressed=entry.compressed,
            layers=entry.layers,
            judged=True,
            tested=True,
            recorded=history.tag_name(image, Version.parse(version)),
        )
    return place, found


def _tag(root: Path, image: str, version: str, commit: str) -> None:
    name = history.tag_name(image, Version.parse(version))
    history.git(root, "tag", "--annotate", "--message", f"{image} {version}", name, commit)
