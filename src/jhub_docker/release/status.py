"""Which images have to be released, and because of what: `invoke release.status`.

Build ids decide. The plan of today's files is compared with that of the files at an image's last
release; paths only explain the difference. An image also has to be released when something it is
built from changed: `singleuser-base`, the shared code-server, a base, or `build-tools`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jhub_docker import table
from jhub_docker.build import bases, contexts, plan, reasons
from jhub_docker.build.plan import Base, Plan
from jhub_docker.build.reasons import not_known
from jhub_docker.catalog import Catalog, ImageSpec, identity, ledger
from jhub_docker.catalog import packages as catalogs
from jhub_docker.catalog.version import Version
from jhub_docker.errors import UsageError
from jhub_docker.locks import Packages
from jhub_docker.locks import declared as locked
from jhub_docker.locks.refresh import Change, diff
from jhub_docker.release import history
from jhub_docker.release.version import AUTO, Proposal, propose
from jhub_docker.table import some


@dataclass(frozen=True)
class Status:
    """Where one image stands; without a `proposal` there is nothing to release.

    Or that is not known until the `unknown` bases are pulled. `causes` are the packages that differ
    from what they were at the release, with their inputs that do.
    """

    image: str
    build_id: str
    last: Version | None
    causes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    commits: tuple[str, ...] = ()
    proposal: Proposal | None = None
    unknown: tuple[str, ...] = ()


def here(catalog: Catalog) -> Mapping[str, Base]:
    """What the bases stand for on this machine; none is pulled or made for it."""
    return bases.resolve(catalog, catalog.published, "auto", bases.lane(), act=False)


Resolve = Callable[[Catalog], Mapping[str, Base]]


def read(folder: Path, resolve: Resolve = here) -> Plan:
    """The plan that builds all images of a folder `packages/` from nothing."""
    catalog = catalogs.load(folder)
    given = resolve(catalog)
    needed = catalog.closure([spec.name for spec in catalog.published], given=given)
    files = contexts.read(spec for spec in needed if spec.name not in given)
    return plan.make(catalog, catalog.published, contexts=files, bases=given, existing={})


def causes(before: Plan, after: Plan, image: str) -> dict[str, list[str]]:
    """The packages that make the image another one, the image itself first. Pure.

    A base that is not known in one of the trees is not compared.
    """
    found = {}
    above = [spec.name for spec in after.catalog.closure([image]) if spec.name != image]
    for name in (image, *reversed(above)):
        now, then = after.by_name.get(name), before.by_name.get(name)
        if now is None or (then is not None and then.build_id == now.build_id != ""):
            continue
        both = then.inputs if then else {}, now.inputs
        explained = {f"parent {parent}" for parent in after.by_name if parent in before.by_name}
        explained |= {key for inputs in both for key in inputs if not inputs[key]}
        was, own = ({k: v for k, v in one.items() if k not in explained} for one in both)
        if was != own:
            found[name] = list(reasons.changed_inputs(was, own))
    return found


def require_published(catalog: Catalog, spec: ImageSpec) -> None:
    """Raise UsageError for a package that is only part of images, naming those."""
    if not spec.publish:
        users = [one.name for one in catalog.published if spec in catalog.closure([one.name])]
        raise UsageError(
            f"{spec.name} is part of other images and not released by itself; "
            f"release what is built from it: {', '.join(users)}"
        )


def of(root: Path, image: str, now: Plan, resolve: Resolve = here, bump: str = AUTO) -> Status:
    """Where one image stands against its last release in the history of HEAD.

    Raises UsageError for a clone that does not have what it needs to know that.
    """
    history.require_whole(root)
    step, spec = now[image], now.catalog[image]
    last = max(history.versions(root, image, reachable="HEAD"), default=None)
    newest = next(map(Version.parse, ledger.read(spec.folder)), None)
    if newest and newest not in history.versions(root, image):
        raise UsageError(
            f"{image} {newest} is in its ledger, and the clone has no tag {image}-v{newest}: "
            "git fetch --tags"
        )
    declared = Version.parse(spec.version)
    if last is None:
        first = propose(None, declared, bump=bump)
        return Status(image, step.build_id, None, proposal=first, unknown=step.unknown)
    tag = history.tag_name(image, last)
    with history.packages_at(root, tag) as folder:
        known = ledger.read(folder / image).get(str(last))
        if known and step.build_id and known.build_id == step.build_id:
            return Status(image, step.build_id, last)
        before = read(folder, resolve)
        found = causes(before, now, image)
        was = before.by_name.get(image)
        unknown = step.unknown or (was.unknown if was and not known else ())
        if not found and known and not unknown:
            found["public base"] = ["not the one, or not the stand-in, it was released on"]
        if not found:
            return Status(image, step.build_id, last, unknown=unknown)
        had = locked.of(before.catalog, image) if was else Packages()
        changes = diff(had, locked.of(now.catalog, image))
        old = (before if was else now).catalog[image]
        python = old.requires_python, spec.requires_python
        paths = now.paths(image) | (before.paths(image) if was else set())
    commits = tuple(history.commits(root, tag, paths))
    proposal = propose(last, declared, changes, python=python, bump=bump)
    differs = found, tuple(changes), commits
    return Status(image, step.build_id, last, *differs, proposal, step.unknown)


def text(statuses: Sequence[Status]) -> str:
    """Where each image stands."""
    rows = []
    for one in as_data(statuses):
        causes = "; ".join(f"{name}: {some(inputs, 6)}" for name, inputs in one["changed"].items())
        unknown = one["not_known"]
        because = one["because"] or ("" if unknown else "nothing changed")
        told = "; ".join(filter(None, [because, not_known(unknown) if unknown else ""]))
        build_id = identity.short(one["build_id"] or "")
        rows.append((one["image"], one["last"] or "", build_id, causes, one["next"] or "", told))
    columns = ("image", "last", "build id", "changed since", "next", "because")
    return table.render(columns, rows)


def as_data(statuses: Iterable[Status]) -> list[dict[str, Any]]:
    """The same for programs."""
    return [
        {
            "image": one.image,
            "build_id": one.build_id or None,
            "last": str(one.last) if one.last else None,
            "changed": one.causes,
            "packages": [str(change) for change in one.changes],
            "commits": list(one.commits),
            "next": str(one.proposal.version) if one.proposal else None,
            "because": one.proposal.reason if one.proposal else None,
            "not_known": list(one.unknown),
        }
        for one in statuses
    ]
