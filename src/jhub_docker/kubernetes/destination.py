"""The platform in a cluster to which one of an engine is moved: what is there, why that cannot be,
and what will be done.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from jhub_docker.catalog.identity import LABEL
from jhub_docker.errors import UsageError
from jhub_docker.kubernetes.cluster import Kubectl, Record
from jhub_docker.platform import compose
from jhub_docker.platform.compose import Platform
from jhub_docker.platform.containers import PREFIXES
from jhub_docker.table import counted

MOVED = f"{LABEL}.moved"
"""On the hub's claim, from the moment it may work with what was moved: what of, and when."""

PODS = f"{LABEL}.component"

EVERYWHERE = (*PREFIXES, "JHUB_NB_UID", "JHUB_NB_GID")
"""Settings by which homes and folders are found, and files belong to people."""

ELSEWHERE = ("JHUB_DB_URL", "JHUB_PLATFORM", "JHUB_CONTAINER_PREFIX", "JHUB_IMAGE_TAG")
"""Settings that are the engine's own."""


@dataclass(frozen=True)
class There:
    """The platform in the cluster, as the chart has made it."""

    hub: Record
    """The Deployment."""
    moved: str
    """What was moved there before; empty for nothing."""
    words: Mapping[str, str]
    """The claims of homes and folders that are there, with the word on each."""
    working: Sequence[str]
    """Pods of people."""

    @property
    def template(self) -> Record:
        """The hub's pod."""
        found: Record = self.hub["spec"]["template"]
        return found

    @property
    def settings(self) -> dict[str, str]:
        """What the hub is told there."""
        (container,) = self.template["spec"]["containers"]
        return {one["name"]: one.get("value", "") for one in container["env"]}

    @property
    def people(self) -> tuple[int, int]:
        """The user and the group that people are in their servers."""
        said = self.settings.get
        return int(said("JHUB_NB_UID") or 1000), int(said("JHUB_NB_GID") or 100)

    @classmethod
    def look(cls, kubectl: Kubectl) -> "There":
        """Ask the cluster. Raises UsageError where the chart is not installed."""
        hub = kubectl.run("get", "deployment", "hub", "-o", "json")
        if hub.code:
            raise UsageError(
                f"there is no platform in the cluster to move to ({hub.tail(1)}): install the "
                "chart first (docs/kubernetes.md)"
            )
        claims = kubectl.listed("persistentvolumeclaims") or []
        notes = {
            one["metadata"]["name"]: one["metadata"].get("annotations") or {} for one in claims
        }
        pods = kubectl.listed("pods", "-l", f"{PODS}=server") or []
        return cls(
            json.loads(hub.out),
            notes.get("hub", {}).get(MOVED, ""),
            {name: said.get(f"{LABEL}.home", "") for name, said in notes.items() if name != "hub"},
            [one["metadata"]["name"] for one in pods if "deletionTimestamp" not in one["metadata"]],
        )


def judged(
    platform: Platform, there: There, claims: Mapping[str, Record], *, replace: bool
) -> Iterator[str]:
    """Why it cannot be, a sentence each. Pure."""
    if not there.settings.get("JHUB_DB_URL"):
        yield (
            "the hub in the cluster has no PostgreSQL: set database.url in the chart's values "
            "(deploy/kubernetes/postgres.yaml is one for who has none)"
        )
    for name in EVERYWHERE:
        ours, theirs = (said.get(name, "") for said in (platform.hub_environment, there.settings))
        standard = PREFIXES.get(name, "")
        if (ours or standard) != (theirs or standard):
            yield f"{name} is {ours!r} here and {theirs!r} there: set it in the values' settings"
    if there.working:
        yield f"people work in the cluster: {', '.join(there.working)}"
    if there.moved and not replace:
        yield f"{there.moved} was moved there already: --replace throws away what came since"
    word = f"{LABEL}.home"
    names = {
        one["metadata"]["name"]: one["metadata"]["annotations"][word] for one in claims.values()
    }
    others = [
        one
        for one, said in there.words.items()
        if (said or one in names) and said != names.get(one)
    ]
    if others and not replace:
        yield (
            f"{', '.join(others)} are homes of people who are in the cluster already: --replace "
            "throws away their accounts, and what is in those that have a name of one from here"
        )


def told(platform: Platform, there: There, claims: Mapping[str, Record], running: int) -> str:
    """What will be done, and what will not. Pure."""
    kinds = [one["metadata"]["labels"][PODS] for one in claims.values()]
    folders = counted(kinds.count("shared-folder"), "shared folder")
    own = {name for name in compose.variables_of(platform.root) if name.startswith("JHUB_")}
    ours, theirs = platform.hub_environment, there.settings
    other = sorted(
        name
        for name in own - {*EVERYWHERE, *ELSEWHERE}
        if name in ours and ours[name] != theirs.get(name, "")
    )
    lines = [
        f"This moves the platform {platform.project} to the cluster. It",
        f"  stops the hub here and {counted(running, 'server')}, and the hub there",
        f"  copies {counted(kinds.count('home'), 'home')}, {folders} into claims",
        "  compares every file",
        "  REPLACES the records of the hub there by those of here; its secrets stay usable",
        "Not taken: backups, what MLflow has tracked, .env, config.toml and config.d (the chart's "
        "settings, tables and config).",
    ]
    if other:
        lines.append(f"Set here and not the same there: {', '.join(other)}.")
    return "\n".join(lines)
