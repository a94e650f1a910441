"""What has to be true before a release begins. Each failure says the command that mends it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path

from jhub_docker.build import bases
from jhub_docker.catalog import LANES, Catalog
from jhub_docker.errors import JhubDockerError, UsageError
from jhub_docker.locks import refresh as locks
from jhub_docker.release import changelog, evidence, history
from jhub_docker.release.record import keys
from jhub_docker.release.status import Status
from jhub_docker.table import some


def failure(what: str, mend: str) -> str:
    """What is not as it has to be, and what to do about it."""
    return f"{what}\n    -> {mend}"


def _refused(*checks: Callable[[], object]) -> list[str]:
    """What each check raises, and behind its first semicolon what mends it."""
    found = []
    for check in checks:
        try:
            check()
        except JhubDockerError as error:
            what, _, mend = str(error).partition("; ")
            found.append(failure(what, mend))
    return found


def before(root: Path, catalog: Catalog, status: Status, build_ids: Mapping[str, str]) -> list[str]:
    """Everything that can be told before something is built; all failures, not the first.

    `build_ids` are those of all images, as the checkout has them now.
    """
    return [
        *checkout(root),
        *lock(catalog, status.image),
        *tests(root, catalog, build_ids),
        *notes(catalog, status),
        *agreement(catalog, status.image),
        *size(catalog, status.image),
        *free_version(root, status),
    ]


def checkout(root: Path) -> list[str]:
    """The checkout: nothing uncommitted, on a branch, somebody's, on the default Debian release."""
    found = {}
    # Somebody's status.showUntrackedFiles would hide what contexts, and so evidence, are made of.
    status = history.git(root, "status", "--porcelain", "--untracked-files=normal")
    if changed := [line.strip().split(maxsplit=1)[-1] for line in status.splitlines()]:
        mend = "git commit, or git stash --include-untracked"
        found[f"not committed: {some(changed, 5)}"] = mend
    listed = history.git(root, "ls-files", "-v", "-z", "--", "packages").split("\0")
    if unseen := [one[2:] for one in listed if one[:1].islower() or one[:1] == "S"]:
        mend = "git update-index --no-assume-unchanged, git sparse-checkout disable"
        found[f"git is told not to look at {some(unseen, 5)}"] = mend
    found |= history.cannot_commit(root)
    if bases.lane() != LANES[0]:
        found[f"JHUB_DOCKER_LANE is {bases.lane()}, releases are {LANES[0]}"] = "unset it"
    return [failure(*one) for one in found.items()]


def lock(catalog: Catalog, image: str) -> list[str]:
    """The locks of the image and of all it is built from fit their declarations."""
    return _refused(partial(locks.require_current, catalog.closure([image])))


def agreement(catalog: Catalog, image: str) -> list[str]:
    """The hub offers the servers: they have its major version of JupyterHub."""
    return _refused(partial(locks.require_agreement, catalog, image))


def tests(root: Path, catalog: Catalog, build_ids: Mapping[str, str]) -> Iterator[str]:
    """The integration tests passed, as they are now, with all images as they are now."""
    now = {spec.name: build_ids[spec.name] for spec in catalog.published}
    if other := evidence.missing(root, now):
        what = f"the integration tests have not passed with {some(other, 5)} as they are now"
        yield failure(what, "./dev nox -s integration")


def notes(catalog: Catalog, status: Status) -> Iterator[str]:
    """The changelog has something to say that is no commit's subject."""
    file, folder = f"packages/{status.image}/CHANGELOG.md", catalog[status.image].folder
    mend = f"write under [Unreleased] in {file} what it is for people"
    try:
        written = changelog.unreleased((folder / "CHANGELOG.md").read_text(encoding="utf-8"))
    except FileNotFoundError:
        yield failure(f"there is no {file}", mend)
    except UsageError as error:
        yield failure(f"{file}: {error}", mend)
    else:
        if not written and not status.changes:
            yield failure("the changelog would name no change", mend)


def size(catalog: Catalog, image: str) -> Iterator[str]:
    """The image says how large it may be."""
    if not catalog[image].budget:
        yield failure(
            f"{image} has no budget, so nobody would notice that it grows",
            "budget = { size = 1200, compressed = 300, layers = 8 } below [tool.jhub-docker] of "
            f"packages/{image}/pyproject.toml, in MB above the public base; the release tells what "
            "it measured",
        )


def free_version(root: Path, status: Status) -> Iterator[str]:
    """Nobody has the version yet, in whatever branch."""
    proposal = status.proposal
    if proposal and proposal.version in history.versions(root, status.image):
        tag = history.tag_name(status.image, proposal.version)
        mend = "another --bump, or release from that branch"
        yield failure(f"{tag} was released from another branch", mend)


def signing(root: Path) -> list[str]:
    """What is pushed can be signed, and verified afterwards; the password is not asked for."""
    return _refused(keys.require_private, partial(keys.trusted, root))


def told(failures: Iterable[str], image: str) -> str:
    """All failures as one message."""
    listed = list(failures)
    return f"{image} cannot be released yet:\n" + "\n".join(f"  - {one}" for one in listed)
