"""What the chart in `deploy/kubernetes` has to know of the catalog: hub, proxy, and what people
choose from; its values as files, and findings as they are shown.

A cluster has no engine that could be asked for images, so each is named by its release's digest.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml
from msgspec import to_builtins

from jhub_docker import table
from jhub_docker.catalog import Catalog, ImageSpec, ledger
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.kubernetes.judging import Finding, Word
from jhub_docker.release import publish

HUB, PROXY = "hub", "proxy"
GATEWAYS = "gateways"
"""Of the platforms that want it alone, so it may never have been released."""


def values(catalog: Catalog, registry: str, tag: str = "") -> dict[str, Any]:
    """The values, for images in `registry`, a host with or without a path.

    An image that was never released is named by `tag`. Raises UsageError for one without.
    """
    wanted = [catalog[HUB], catalog[PROXY], *catalog.singleuser]
    named = {spec.name: reference(spec, registry, tag) for spec in wanted}
    if missing := sorted(name for name, found in named.items() if not found):
        raise UsageError(
            f"{', '.join(missing)}: never released, so no digest is known; ./dev invoke release "
            f"{missing[0]}, or --tag for images that were pushed under one"
        )
    images = {HUB: named[HUB], PROXY: named[PROXY]}
    if GATEWAYS in catalog.specs and (made := reference(catalog[GATEWAYS], registry, tag)):
        images[GATEWAYS] = made
    return {
        "images": images,
        "offer": [_offered(spec, named[spec.name]) for spec in catalog.singleuser],
    }


def reference(spec: ImageSpec, registry: str, tag: str) -> str:
    """The newest release that was not taken back, by digest, else `tag`; empty for neither."""
    place = publish.repository(spec, registry)
    for version, entry in ledger.read(spec.folder).items():
        if entry.yanked is None:
            return f"{place}:{version}@{entry.digest}"
    return f"{place}:{tag}" if tag else ""


def _offered(spec: ImageSpec, named: str) -> dict[str, Any]:
    """As the hub's table [[images]] has it (hub_config.settings.tables, DeclaredImage)."""
    return {
        "reference": named,
        "jupyterhub": spec.jupyterhub,
        "name": spec.name,
        "title": spec.title,
        "description": spec.description,
        "port": spec.port,
        "default_url": spec.probe,
        "profiles": {
            size: {key: value for key, value in to_builtins(profile).items() if key != "sudo"}
            for size, profile in spec.profiles.items()
        },
    }


def written(chosen: Mapping[str, Any]) -> str:
    """Values as YAML."""
    text: str = yaml.safe_dump(dict(chosen), sort_keys=False, allow_unicode=True, width=100)
    return f"# Written by `./dev invoke k8s.values`.\n{text}"


def with_defaults(chart: Path, files: Sequence[Path]) -> dict[str, Any]:
    """The chart's own values, with those of the files over them as Helm lays them."""
    known: dict[str, Any] = {}
    for file in (chart / "values.yaml", *files):
        try:
            given = yaml.safe_load(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise UsageError(f"{file} cannot be read as YAML: {error}") from None
        if not isinstance(given, dict):
            raise UsageError(f"{file} holds no values: expected keys such as `homes:`")
        known = _over(known, given)
    return known


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        before = merged.get(key)
        both = isinstance(before, dict) and isinstance(value, dict)
        merged[key] = _over(before, value) if both and before is not None else value
    return merged


def told(findings: Sequence[Finding], *, as_json: bool) -> str:
    """All findings as a table, or as JSON."""
    if as_json:
        return json.dumps([asdict(one) for one in findings], indent=1)
    return table.render(
        ("what", "", "meaning"), [(one.what, one.word, one.sentence) for one in findings]
    )


def require_good(findings: Sequence[Finding]) -> None:
    """Raise ActionError when something is missing."""
    if missing := [one.what for one in findings if one.word is Word.MISSING]:
        raise ActionError(f"not good enough yet: {', '.join(missing)}")
