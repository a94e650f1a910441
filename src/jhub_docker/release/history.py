"""What git knows of releases: their tags, the packages as they were, the commits since.

A release's tag is on the commit that records it, whose parent is the commit the image was built
from; so who branches off a tag has the record of that release too.
"""

import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jhub_docker import process
from jhub_docker.catalog.version import Version
from jhub_docker.errors import ActionError, UsageError


def git(root: Path, *arguments: str) -> str:
    """What git prints. Raises ActionError with git's own words."""
    ended = process.run("git", "-C", root, *arguments, environment=process.THIS_REPOSITORY)
    return ended.require(f"git {arguments[0]} failed")


def succeeds(root: Path, *arguments: str) -> bool:
    """Whether git does it, or answers a question with yes."""
    with suppress(ActionError):
        git(root, *arguments)
        return True
    return False


def require_whole(root: Path) -> None:
    """Raise UsageError for a shallow clone: what it has is taken for the whole history.

    A release would not see the ones before it, and tag a commit that only looks like theirs.
    """
    if git(root, "rev-parse", "--is-shallow-repository") == "true":
        raise UsageError(
            "this clone is shallow, and releases are told from the whole history: "
            "git fetch --unshallow --tags, then again"
        )


def tag_name(image: str, version: Version | str) -> str:
    """The tag of a release, e.g. `uv-lab-v1.2.0`."""
    return f"{image}-v{version}"


def versions(root: Path, image: str, *, reachable: str = "") -> list[Version]:
    """The versions of an image that have a tag, lowest first.

    With `reachable`, a revision, only those in its history: a fix of an old version starts from
    that version, whatever came later elsewhere.
    """
    merged = [f"--merged={reachable}"] if reachable else []
    tags = git(root, "tag", "--list", *merged, tag_name(image, "*")).splitlines()
    return Version.among(tag.removeprefix(tag_name(image, "")) for tag in tags)


@contextmanager
def packages_at(root: Path, revision: str) -> Iterator[Path]:
    """The folder `packages/` as a revision has it, in a temporary place."""
    with tempfile.TemporaryDirectory(prefix="jhub-release-") as folder:
        archive = f"{folder}/packages.tar"
        git(root, "archive", "--format=tar", f"--output={archive}", revision, "packages")
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="tar")
        yield Path(folder) / "packages"


def commits(root: Path, since: str, paths: Iterable[str]) -> list[str]:
    """The commits after `since` that changed one of the paths, newest first; no merges.

    Each is its short hash and the first line of its message.
    """
    listed = [f":(literal){path}" for path in sorted(set(paths))]
    if not listed:
        return []
    return git(
        root, "log", "--no-merges", "--format=%h %s", f"{since}..HEAD", "--", *listed
    ).splitlines()


def head(root: Path) -> str:
    """The commit HEAD is on."""
    return git(root, "rev-parse", "HEAD")


def branch(root: Path) -> str | None:
    """The branch HEAD is on; None when it is detached."""
    with suppress(ActionError):
        return git(root, "symbolic-ref", "--short", "HEAD")
    return None


def commit_time(root: Path, commit: str) -> int:
    """A commit's time (the committer's), in seconds since 1970."""
    return int(git(root, "log", "-1", "--format=%ct", commit))


def contains(root: Path, revision: str, commit: str) -> bool:
    """Whether a commit is in the history of a revision."""
    return succeeds(root, "merge-base", "--is-ancestor", commit, revision)


def on_a_branch(root: Path, commit: str) -> bool:
    """Whether some branch has a commit, here or as last seen of a remote."""
    with suppress(ActionError):
        names = ("refs/heads", "refs/remotes")
        return bool(git(root, "for-each-ref", "--count=1", "--contains", commit, *names))
    return False


def cannot_commit(root: Path) -> dict[str, str]:
    """Why nothing could be committed here, each with the command that mends it."""
    found = {}
    if branch(root) is None:
        found["HEAD is on no branch, so nothing could be committed"] = "git switch main"
    if not succeeds(root, "var", "GIT_COMMITTER_IDENT"):
        mend = "git config user.name …; git config user.email …"
        found["git does not know who commits"] = mend
    return found
