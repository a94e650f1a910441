"""Repositories of released images in registries.

Modules that only this needs are imported in the task's body: every other task would wait for them
too.
"""

import json
import tomllib
from pathlib import Path
from typing import Any

from invoke.context import Context

from jhub_docker.asking import confirm
from jhub_docker.catalog import load
from jhub_docker.cli.task import ROOT, task, write
from jhub_docker.errors import UsageError
from jhub_docker.progress import stage


@task(
    positional=["repository"],
    iterable=["also", "hub"],
    help={
        "repository": "Where an image is: REGISTRY/REPOSITORY, without a tag.",
        "also": "A further repository; can be given several times.",
        "keep": "How many releases of each minor version stay (default: 3).",
        "hub": "A hub's config.toml: images it declares stay; can be given several times.",
        "unrecorded": "Judge also what is in no ledger here: versions, and tags of builds.",
        "dry-run": "Only say what would be deleted.",
        "yes": "Delete without asking.",
        "json_": "Write what goes and what stays as JSON; deletes nothing without --yes.",
    },
)
def prune(
    context: Context,
    repository: str,
    also: list[str],
    hub: list[str],
    keep: int = 3,
    unrecorded: bool = False,
    dry_run: bool = False,
    yes: bool = False,
    json_: bool = False,
) -> None:
    """Delete releases that were yanked or are old from a registry, with their records."""
    # Only what looks at registries needs these.
    from jhub_docker.catalog import ledger  # noqa: PLC0415
    from jhub_docker.registry import repository as repositories  # noqa: PLC0415
    from jhub_docker.registry.access import Access  # noqa: PLC0415
    from jhub_docker.registry.reference import Reference  # noqa: PLC0415
    from jhub_docker.registry.remote import Remote  # noqa: PLC0415
    from jhub_docker.release import pruning, pruning_report  # noqa: PLC0415

    if keep < 1:
        raise UsageError(f"--keep is {keep}; expected a whole number from 1: something stays")
    places = [Reference.parse(name) for name in (repository, *also)]
    for place in places:
        if place.tag or place.digest:
            raise UsageError(f"{place} names one image; expected the repository alone")
    declared = [image for path in hub for image in _declared(Path(path))]
    catalog = load(ROOT / "packages")
    remote = Remote(Access.from_environment())
    found = {}
    for place in places:
        name = place.repository.rpartition("/")[2]
        spec = next((s for s in catalog.published if s.repository.endswith(f"/{name}")), None)
        known = ledger.read(spec.folder) if spec else {}
        with stage(f"reading what is in {place}"):
            contents = repositories.read(remote, place)
        verdicts = pruning.judge(
            list(contents.images.values()),
            known,
            keep=keep,
            hubs=set(pruning.hub_references(declared, place)),
            unrecorded=unrecorded,
        )
        found[place] = pruning.plan(
            contents, verdicts, pruning.absent(contents, known, remote, place)
        )
    if json_:
        write(json.dumps(pruning_report.as_data(found), indent=2))
    else:
        write("\n\n".join(pruning_report.text(place, one) for place, one in found.items()))
    total = sum(len(one.manifests) for one in found.values())
    if dry_run or not total or (json_ and not yes):
        return
    confirm(
        f"This deletes {total} manifests, which cannot be taken back.",
        "Delete them?",
        "nothing was deleted",
        assume_yes=yes,
    )
    for place, one in found.items():
        if one.manifests:
            with stage(f"deleting from {place}"):
                pruning.carry_out(remote, place, one)


def _declared(path: Path) -> list[dict[str, Any]]:
    """The `[[images]]` of a hub's config.toml. Raises UsageError for a file that is none."""
    try:
        images = tomllib.loads(path.read_text(encoding="utf-8")).get("images", [])
    except (OSError, ValueError) as error:
        raise UsageError(f"--hub {path} is no config.toml of a hub: {error}") from None
    if not isinstance(images, list) or not all(isinstance(image, dict) for image in images):
        raise UsageError(f"--hub {path}: images is no list of tables; expected [[images]]")
    return images
