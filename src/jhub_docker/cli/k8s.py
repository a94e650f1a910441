"""The platform on Kubernetes: what the chart is installed with, and whether a cluster will do."""

from pathlib import Path

from jhub_docker.catalog import load
from jhub_docker.cli.task import ROOT, later, platform_root, task, write

with later():
    from jhub_docker.kubernetes import chart, judging, moving
    from jhub_docker.kubernetes import cluster as clusters

CHART = ROOT / "deploy" / "kubernetes"


@task(
    help={
        "registry": "The registry the images were released to, HOST or HOST/PATH.",
        "tag": "The tag of images that were never released, such as one you pushed yourself.",
    }
)
def values(registry: str, tag: str = "") -> None:
    """Print the chart's values that follow from the catalog: images by digest, what is offered."""
    write(chart.written(chart.values(load(ROOT / "packages"), registry, tag)).rstrip())


@task(
    help={
        "values": "A file of values the chart is to be installed with; can be given several times.",
        "namespace": "Where the platform is, or is to be.",
        "cluster": "kubectl's context (default: its current one).",
    },
    iterable=["values"],
)
def check(
    values: list[str], namespace: str = "jhub", cluster: str = "", json_: bool = False
) -> None:
    """Judge a cluster for the platform: storage, network policies, ingress, quotas, images."""
    all_values = chart.with_defaults(CHART, [Path(one) for one in values])
    found = judging.judge(clusters.Cluster.look(clusters.Kubectl(cluster, namespace)), all_values)
    write(chart.told(found, as_json=json_))
    chart.require_good(found)


@task(
    help={
        "namespace": "Where the chart is installed.",
        "cluster": "kubectl's context (default: its current one).",
        "servers": "Stop people's servers here.",
        "replace": "Throw away what is there: accounts, an earlier move, homes of the same names.",
    }
)
def move(
    namespace: str = "jhub",
    cluster: str = "",
    servers: bool = False,
    replace: bool = False,
    yes: bool = False,
) -> None:
    """Move accounts, secrets, homes and shared folders of this platform to a cluster."""
    options = {"servers": servers, "replace": replace, "assume_yes": yes}
    there = clusters.Kubectl(cluster, namespace)
    write(moving.move(platform_root(), there, **options))
