"""The chart, rendered by Helm's own library."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import helm_python
import pytest
import yaml

CHART = Path(__file__).parents[2] / "deploy" / "kubernetes"

Render = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="session")
def chart() -> Iterator[helm_python.Chart]:
    with helm_python.Chart.load(str(CHART)) as loaded:
        yield loaded


@pytest.fixture(scope="session")
def render(chart: helm_python.Chart) -> Render:
    """All objects that a release with these values consists of."""

    def rendered(values: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        texts = chart.render(dict(values or {}), name="jhub", namespace="team").values()
        return [one for text in texts for one in yaml.safe_load_all(text) if one]

    return rendered
