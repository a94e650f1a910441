"""A release on its way: what is done of it, kept on disk so that it can go on where it stopped.

`.dev/release/<image>/<version>/` holds the state, the exported image, its records and, until the
release is committed, the work tree that its commits are made in.
"""

import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from jhub_docker.catalog import ledger
from jhub_docker.catalog.ledger import Entry
from jhub_docker.errors import ActionError
from jhub_docker.release import history
from jhub_docker.release.record.records import Records

FOLDER = Path(".dev/release")


@dataclass(frozen=True, kw_only=True)
class Candidate(Entry):
    """What will be in the ledger, as far as it is known; `platforms` are first without digests.

    `start` is the commit it began from. `tested_as` is the build id that evidence was shown for,
    which the new version changes. `recorded` is the commit with the ledger, of what was judged and
    tested.
    """

    image: str
    version: str
    start: str
    date: str = ""
    build_id: str = ""
    digest: str = ""
    tested_as: str = ""
    recorded: str = ""


class Workplace:
    """The folder of one candidate."""

    def __init__(self, root: Path, image: str, version: str, folder: Path = FOLDER) -> None:
        """`root` is the checkout, `folder` where in it such places are."""
        self.root = root
        self.folder = root / folder / image / version
        self.tree = self.folder / "tree"
        self.layout = self.folder / "layout"
        self.records = self.folder / "documents.json"
        self._state = self.folder / "state.json"

    def load(self) -> Candidate | None:
        """What was done so far; None where nothing was, or by another version of this library."""
        with suppress(FileNotFoundError, msgspec.DecodeError):
            return msgspec.json.decode(self._state.read_bytes(), type=Candidate)
        return None

    def save(self, candidate: Candidate) -> None:
        """Keep the state, whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = self._state.with_suffix(".part")
        partial.write_bytes(msgspec.json.encode(candidate))
        partial.replace(self._state)

    def keep_records(self, records: Records) -> None:
        """Keep what is said of the image, to be signed."""
        self.records.write_bytes(msgspec.json.encode(records))  # in their order

    def load_records(self) -> Records:
        """What was kept. Raises ActionError where nothing was, or nothing that can be read."""
        try:
            return msgspec.json.decode(self.records.read_bytes(), type=Records)
        except (FileNotFoundError, msgspec.DecodeError):
            raise ActionError(f"{self.records} is gone; run the release again") from None

    def add_tree(self, commit: str) -> None:
        """A detached work tree of a commit; one that is there already is kept as it is."""
        kept = (self.tree / ".git").exists()
        if kept and history.succeeds(self.tree, "reset", "--quiet", "--hard", commit):
            return
        self.remove_tree()
        self.tree.parent.mkdir(parents=True, exist_ok=True)
        history.git(
            self.root, "worktree", "add", "--quiet", "--force", "--detach", str(self.tree), commit
        )

    def remove_tree(self) -> None:
        """Remove the work tree; its commits stay."""
        shutil.rmtree(self.tree, ignore_errors=True)
        history.git(self.root, "worktree", "prune")

    def discard(self) -> None:
        """Remove all that is there."""
        self.remove_tree()
        shutil.rmtree(self.folder, ignore_errors=True)


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
        recorded = history.tag_name(image, version)
        found = Candidate(
            image=image, version=version, start=entry.commit, recorded=recorded, **vars(entry)
        )
    return place, found


def unfinished(root: Path, image: str) -> list[tuple[Workplace, Candidate]]:
    """The candidates of an image that are on no branch yet: a fix of an older version is made on
    one that has none of the newer.
    """
    names = sorted(one.name for one in (root / FOLDER / image).glob("*"))
    loaded = [(place, place.load()) for place in (Workplace(root, image, name) for name in names)]
    return [
        (place, one)
        for place, one in loaded
        if one and not (one.recorded and history.on_a_branch(root, one.recorded))
    ]


def keep_only(root: Path, image: str, version: str) -> None:
    """Remove the exported images of other releases, which are large."""
    for folder in (root / FOLDER / image).iterdir():
        if folder.name != version:
            shutil.rmtree(Workplace(root, image, folder.name).layout, ignore_errors=True)
