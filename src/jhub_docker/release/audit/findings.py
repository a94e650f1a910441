"""What was found, each vulnerability of a package once, however many databases name it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from jhub_docker.release.audit import versions
from jhub_docker.release.audit.components import Component
from jhub_docker.release.audit.osv import Advisory
from jhub_docker.release.audit.severity import Severity


@dataclass(frozen=True)
class Finding:
    """One vulnerability of one package in one version; `components` are the parts made from it.

    `names` are all its identifiers, `fixed` the first version without it (`""`: none is known).
    """

    id: str
    names: tuple[str, ...]
    components: tuple[Component, ...]
    severity: Severity
    summary: str
    fixed: str
    certain: bool

    @property
    def package(self) -> str:
        """The package as advisories call it."""
        return self.components[0].package

    @property
    def version(self) -> str:
        """Its version in the image."""
        return self.components[0].package_version

    @property
    def ecosystem(self) -> str:
        """OSV's name for where the package comes from."""
        return self.components[0].ecosystem

    def __str__(self) -> str:
        fixed = f"fixed in {self.fixed}" if self.fixed else "no fix is known"
        return f"{self.package} {self.version}: {self.id} ({self.severity}), {fixed}"


Found = Sequence[tuple[Component, Advisory]]
"""What a source answers: a component, and what it says of it."""


def merge(found: Found) -> list[Finding]:
    """One finding per vulnerability and package, the worst first.

    Advisories that share a name are one; the severity is the worst that was given, the fixed
    version the one that satisfies them all. An announcement whose every vulnerability was found by
    itself is left out.
    """
    packages: dict[tuple[str, str, str], tuple[dict[str, Component], list[Advisory]]] = {}
    for component, advisory in found:
        components, advisories = packages.setdefault(component.key, ({}, []))
        components[component.purl] = component
        if advisory not in advisories:
            advisories.append(advisory)
    findings = []
    for components, advisories in packages.values():
        parts = tuple(sorted(components.values(), key=lambda c: c.name))
        single = frozenset(n for a in advisories if not a.collects for n in a.names)
        kept = [a for a in advisories if not a.collects or not a.collects <= single]
        findings += [_finding(parts, group) for group in _groups(kept)]
    return sorted(findings, key=lambda f: (-_weight(f.severity), f.ecosystem, f.package, f.id))


def _weight(severity: Severity) -> float:
    """Where it stands in a list: what nobody has rated between high and medium."""
    return 2.5 if severity is Severity.UNKNOWN else float(severity)


def _groups(advisories: Iterable[Advisory]) -> list[list[Advisory]]:
    """Advisories that are linked by shared names, also through a third one."""
    groups: list[tuple[set[str], list[Advisory]]] = []
    for advisory in advisories:
        names, members = set(advisory.names), [advisory]
        apart = []
        for group in groups:
            if group[0] & names:
                names |= group[0]
                members = [*group[1], *members]
            else:
                apart.append(group)
        groups = [*apart, (names, members)]
    return [members for _, members in groups]


_PREFERRED: Mapping[str, int] = {"CVE": 0, "GHSA": 1, "PYSEC": 2}


def _finding(components: tuple[Component, ...], group: Sequence[Advisory]) -> Finding:
    names = sorted(
        {name for advisory in group for name in advisory.names},
        key=lambda name: (_PREFERRED.get(name.partition("-")[0], 3), name),
    )
    ecosystem = components[0].ecosystem
    fixes = [advisory.fixed for advisory in group if advisory.fixed]
    return Finding(
        id=names[0],
        names=tuple(names),
        components=components,
        severity=max(advisory.severity for advisory in group),
        summary=next((advisory.summary for advisory in group if advisory.summary), ""),
        fixed=max(fixes, key=lambda v: versions.parse(ecosystem, v), default=""),
        certain=any(advisory.certain for advisory in group),
    )
