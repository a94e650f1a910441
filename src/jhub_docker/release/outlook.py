"""What a release would be, for which platforms, and what is against it, before anything is done."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from jhub_docker.build import builders, planning
from jhub_docker.build.builders import Way
from jhub_docker.build.reasons import not_known
from jhub_docker.catalog import ImageSpec, identity, load
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.progress import say
from jhub_docker.registry import version_tags
from jhub_docker.registry.remote import Remote
from jhub_docker.release import changelog, gates, history, publish, status
from jhub_docker.release.publish import Signer
from jhub_docker.release.status import Status
from jhub_docker.release.version import AUTO, Proposal
from jhub_docker.table import some


@dataclass(frozen=True)
class Request:
    """What a maintainer asks for, and where: of this checkout, engine and these registries.

    `registries` are hosts with or without a path; `signer` is needed with them.
    `accept_unreached` releases also what no vulnerability database could be asked about.
    `platforms` are those to make it for, all that can be built here by default.
    """

    root: Path
    remote: Remote
    image: str
    bump: str = AUTO
    registries: tuple[str, ...] = ()
    signer: Signer | None = None
    assume_yes: bool = False
    accept_unreached: bool = False
    platforms: tuple[str, ...] = ()

    @cached_property
    def spec(self) -> ImageSpec:
        """The image's package. Raises UsageError for what cannot be released, or not from here."""
        history.require_whole(self.root)
        catalog = load(self.root / "packages")
        status.require_published(catalog, spec := catalog[self.image])
        for registry in self.registries:
            publish.repository(spec, registry)
        return spec


def look(asked: Request, further: Sequence[str] = ()) -> "tuple[Status, Choice | None]":
    """Where the image stands, and the platforms its release would be for; None where none is due.

    What the release would be is said. Raises ActionError with all that stands against it, `further`
    among that.
    """
    now = status.read(asked.root / "packages")
    found = status.of(asked.root, asked.spec.name, now, bump=asked.bump)
    if found.unknown:
        raise ActionError(
            f"whether {found.image} has to be released is {not_known(found.unknown)}: "
            "`./dev invoke bases` does that"
        )
    if (proposal := found.proposal) is None:
        return found, None
    # Forced: a release sets another version, so the image itself has to be built anew.
    plans = planning.for_platforms(asked.root, [found.image], asked.spec.platforms, force=True)
    ways = [way for made in plans for way in made.ways.values()]
    choice = choose(ways, builders.own_platform(), asked.platforms)
    say(outline(asked.spec, found, proposal, asked.registries))
    say(choice.told)
    build_ids = {name: step.build_id for name, step in now.by_name.items()}
    failures = [*gates.before(asked.root, now.catalog, found, build_ids), *further]
    if failures:
        raise ActionError(gates.told(failures, found.image))
    for registry in asked.registries:
        place = publish.repository(asked.spec, registry)
        version_tags.require_free(asked.remote, place, str(proposal.version))
    return found, choice


def outline(
    spec: ImageSpec, found: Status, proposal: Proposal, registries: Sequence[str] = ()
) -> str:
    """What a release would be: version, why, its section of the changelog, where it goes."""
    written: dict[str, str] = {}
    with suppress(UsageError, FileNotFoundError):  # a gate says it
        written = changelog.unreleased((spec.folder / "CHANGELOG.md").read_text(encoding="utf-8"))
    day = datetime.now(UTC).date()
    lines = [
        f"{found.image} {found.last or 'never released'} -> {proposal.version}"
        f" ({proposal.reason}), build id {identity.short(found.build_id)}",
        *(f"  {name}: {some(inputs, 6)}" for name, inputs in found.causes.items()),
        "",
        changelog.section(proposal.version, day, written, found.changes, found.commits),
        f"To: {', '.join(registries)}" if registries else "To no registry (--push names one).",
    ]
    return "\n".join(lines)


class Choice(NamedTuple):
    """`made` are the platforms, the engine's own first; `left_out` says why others are not.

    `told` is what a maintainer has to know of it, in a line for each platform.
    """

    made: tuple[str, ...]
    left_out: Mapping[str, str]
    told: str


def choose(ways: Iterable[Way], own: str, asked: Sequence[str] = ()) -> Choice:
    """Decide from the ways to all the platforms that an image is declared for. Pure.

    `asked` are platforms by name, which then have to be possible; without it, all that can be
    built. Raises UsageError for a platform the image is not declared for, ActionError when one that
    was named cannot be built, or when none can.
    """
    by_platform = {way.platform: way for way in ways}
    image = next(iter(by_platform.values())).image
    for platform in asked:
        if platform not in by_platform:
            declared = ", ".join(by_platform)
            raise UsageError(f"{image} is declared for {declared}, not for {platform}")
    possible = [platform for platform, way in by_platform.items() if way.how]
    made = [platform for platform in possible if not asked or platform in asked]
    builders.require(by_platform[one] for one in asked or ([] if made else by_platform))
    made.sort(key=lambda one: one != own)
    left_out = {
        one: way.why or "not asked for" for one, way in by_platform.items() if one not in made
    }
    lines = [
        f"{image} is made for {', '.join(made)}",
        *(f"  NOT for {one}, which it is declared for: {why}" for one, why in left_out.items()),
        *builders.mends(by_platform[one] for one in left_out),
    ]
    return Choice(tuple(made), left_out, "\n".join(lines))
