"""The values and objects for three clouds: what the chart makes of them, held to schemas.

Nothing here knows a cloud: names of classes and annotations are of their public documentation.
"""

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from jhub_docker.kubernetes import chart
from jhub_docker.kubernetes.cluster import Cluster
from jhub_docker.kubernetes.judging import Word, judge

from .conftest import CHART, Render
from .test_chart import OFFER, VERSIONS, of_kind

CLOUDS = sorted(file.stem.removeprefix("values-") for file in CHART.glob("values-*.yaml"))
OWN_KINDS = "cloud.google.com/", "networking.gke.io/", "alb.networking.azure.io/"
"""API groups of kinds that clouds bring along, which have no schema here."""


def parts(cloud: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((CHART / f"cluster-{cloud}.yaml").read_text()))


def values(cloud: str) -> dict[str, Any]:
    known: dict[str, Any] = yaml.safe_load((CHART / f"values-{cloud}.yaml").read_text())
    return known


def test_there_are_three() -> None:
    assert CLOUDS == ["aks", "eks", "gke"]


@pytest.mark.parametrize("cloud", CLOUDS)
def test_what_a_cloud_gets_is_valid(render: Render, cloud: str) -> None:
    for one in [*render({**values(cloud), **OFFER}), *parts(cloud)]:
        if not one["apiVersion"].startswith(OWN_KINDS):
            kubernetes_validate.validate(one, VERSIONS[-1], strict=True)


def test_the_database_for_who_has_none_is_valid() -> None:
    for one in yaml.safe_load_all((CHART / "postgres.yaml").read_text()):
        kubernetes_validate.validate(one, VERSIONS[-1], strict=True)


@pytest.mark.parametrize("cloud", CLOUDS)
def test_what_the_values_name_is_there(render: Render, cloud: str) -> None:
    """Classes, and whatever annotations point to, are in the file for the cluster."""
    known, there = values(cloud), parts(cloud)
    classes = {one["metadata"]["name"]: one for one in there if one["kind"] == "StorageClass"}
    assert {known["homes"]["class"], known["folders"]["class"]} == set(classes)
    assert all(one["reclaimPolicy"] == "Retain" for one in classes.values())
    assert classes[known["homes"]["class"]]["volumeBindingMode"] == "WaitForFirstConsumer"
    others = {one["metadata"]["name"] for one in there if one["kind"] != "StorageClass"}
    ingress = of_kind(render(known), "Ingress")["proxy"]
    assert others <= {"hub"}
    assert ("tls" in ingress["spec"]) is bool(known["ingress"].get("tlsSecret"))
    if others:
        assert "hub" in ingress["metadata"]["annotations"].values()


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_cluster_with_that_is_good_enough(cloud: str, tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(chart.written(OFFER))
    known = chart.with_defaults(CHART, [CHART / f"values-{cloud}.yaml", file])
    cluster = Cluster(
        "v1.34.2",
        classes=[one for one in parts(cloud) if one["kind"] == "StorageClass"],
        pods=[{"metadata": {"name": "cilium-1"}}],
        ingresses=[{"metadata": {"name": known["ingress"]["class"]}}],
    )
    found = judge(cluster, known)
    chart.require_good(found)
    assert {one.what for one in found if one.word is Word.WARNING} == {"quota"}
