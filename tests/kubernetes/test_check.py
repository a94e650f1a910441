"""What a cluster is good for: one that is, and each thing that makes it less so."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jhub_docker import catalog
from jhub_docker.catalog import ledger
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.kubernetes import chart
from jhub_docker.kubernetes.cluster import Cluster
from jhub_docker.kubernetes.judging import DEFAULT, Word, judge

from .conftest import CHART

VALUES = chart.with_defaults(CHART, [])
VALUES["ingress"] |= {"host": "hub.example.org", "class": "nginx", "tlsSecret": "hub-tls"}
VALUES["quota"]["memory"] = "64Gi"
VALUES["database"]["url"] = "postgresql+psycopg://hub@db/hub"


def named(name: str, **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "annotations": more.pop("annotations", {})}, **more}


GOOD = Cluster(
    "v1.34.2",
    "https://203.0.113.9:6443",
    ["10.0.0.1"],
    [named("fast", provisioner="csi", reclaimPolicy="Retain", annotations={DEFAULT: "true"})],
    [named("calico-node-x"), named("coredns-1")],
    [named("nginx")],
    [],
    [{"status": {"desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberReady": 2}}],
)
REACHABLE = {**VALUES, "network": {**VALUES["network"], "blocked": ["10.0.0.0/8"]}}
GOOD_VALUES = {
    **VALUES,
    "network": {**VALUES["network"], "blocked": [*VALUES["network"]["blocked"], "203.0.113.9/32"]},
}


def test_a_good_cluster_has_nothing_against_it() -> None:
    found = judge(GOOD, GOOD_VALUES)
    assert {one.word for one in found} == {Word.OK}
    chart.require_good(found)


@pytest.mark.parametrize(
    ("cluster", "values", "what", "word", "sentence"),
    [
        (replace(GOOD, version="v1.20.2"), GOOD_VALUES, "version", "warning", "1.30 and newer"),
        (replace(GOOD, classes=[]), GOOD_VALUES, "storage of homes", "missing", "no default"),
        (replace(GOOD, classes=None), GOOD_VALUES, "storage", "unknown", "may not list"),
        (
            GOOD,
            {**GOOD_VALUES, "homes": {"class": "slow"}, "folders": {"class": "fast"}},
            "storage of homes",
            "missing",
            "no class slow, only fast",
        ),
        (replace(GOOD, pods=[]), GOOD_VALUES, "network policies", "missing", "do nothing"),
        (replace(GOOD, pods=None), GOOD_VALUES, "network policies", "unknown", "nobody can tell"),
        (GOOD, REACHABLE, "API server", "missing", "203.0.113.9/32"),
        (replace(GOOD, ingresses=[]), GOOD_VALUES, "ingress", "missing", "no ingress class"),
        (
            GOOD,
            {**GOOD_VALUES, "quota": {"memory": ""}},
            "quota",
            "warning",
            "the hub admits everybody",
        ),
    ],
)
def test_what_is_wrong_is_said(
    cluster: Cluster, values: dict[str, Any], what: str, word: str, sentence: str
) -> None:
    (found,) = [one for one in judge(cluster, values) if one.what == what]
    assert found.word == word
    assert sentence in found.sentence


def pulled(updated: int, ready: int) -> list[dict[str, Any]]:
    said = {"desiredNumberScheduled": 3, "updatedNumberScheduled": updated, "numberReady": ready}
    return [{"status": said}]


@pytest.mark.parametrize(
    ("prepull", "enabled", "word", "sentence"),
    [
        ([], False, "warning", "prepull.enabled does before"),
        (None, True, "unknown", "No DaemonSet prepull was seen"),
        (pulled(3, 3), True, "ok", "All 3 nodes"),
        (pulled(3, 2), True, "warning", "2 of 3 nodes"),
        (pulled(1, 3), True, "warning", "1 of 3 nodes"),
    ],
    ids=["off", "not-there", "there", "fetching", "an-older-release"],
)
def test_it_says_how_many_nodes_have_the_images(
    prepull: list[dict[str, Any]] | None, enabled: bool, word: str, sentence: str
) -> None:
    offer = [{"name": "uv-lab", "reference": "registry.example.org/uv-lab:1.0.0"}]
    values = {**GOOD_VALUES, "offer": offer, "prepull": {"enabled": enabled, "nodes": 10}}
    found = judge(replace(GOOD, prepull=prepull), values)
    (one,) = [one for one in found if one.what == "images on nodes"]
    assert one.word == word
    assert sentence in one.sentence


def test_policies_of_amazons_network_are_enforced_by_an_argument_alone() -> None:
    """Its agent is in the pod aws-node on every node, switched on or not."""
    for switch, word in (("true", Word.OK), ("false", Word.MISSING)):
        arguments = [f"--enable-network-policy={switch}"]
        pod = named("aws-node-x", spec={"containers": [{"args": arguments}]})
        found = judge(replace(GOOD, pods=[pod]), GOOD_VALUES)
        assert [one.word for one in found if one.what == "network policies"] == [word]


def test_what_is_missing_ends_the_task() -> None:
    with pytest.raises(ActionError, match="network policies"):
        chart.require_good(judge(replace(GOOD, pods=[]), GOOD_VALUES))


def test_a_release_goes_by_its_digest_and_one_taken_back_does_not(
    make_package: Any, read: Any
) -> None:
    own = 'image = "local/jupyterhub-hub"\nport = 8000\nprobe = "/hub/login"'
    make_package("hub", own=own)
    make_package("proxy")
    digest = "sha256:" + "a" * 64
    entry = ledger.Entry("c", "2026-11-30", "b", digest)
    folder = read()["hub"].folder
    ledger.write(folder, {"1.0.0": entry})
    made = chart.values(read(), "registry.example.org/team", "git-1")
    assert made["images"] == {
        "hub": f"registry.example.org/team/jupyterhub-hub:1.0.0@{digest}",
        "proxy": "registry.example.org/team/proxy:git-1",
    }
    with pytest.raises(UsageError, match="proxy: never released"):
        chart.values(read(), "registry.example.org/team")
    ledger.write(folder, {"1.0.0": replace(entry, yanked=ledger.Yanked("2026-12-01", "bad"))})
    with pytest.raises(UsageError, match=r"proxy: never released.*invoke release hub, or"):
        chart.values(read(), "registry.example.org/team")


def test_a_file_that_holds_no_values_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text("- a\n")
    with pytest.raises(UsageError, match="holds no values"):
        chart.with_defaults(CHART, [file])


def test_what_the_checkout_has_can_be_written() -> None:
    specs = catalog.load(CHART.parents[1] / "packages")
    made = chart.values(specs, "registry.example.org/team", "1.0.0")
    assert {one["name"] for one in made["offer"]} == {spec.name for spec in specs.singleuser}
