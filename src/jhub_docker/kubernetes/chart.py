"""The chart's values as files, and findings as they are shown."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from jhub_docker import table
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.kubernetes.judging import Finding, Word


def written(values: Mapping[str, Any]) -> str:
    """Values as YAML."""
    text: str = yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True, width=100)
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
