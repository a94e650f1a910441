"""The platform on Kubernetes: what the chart is installed with, and whether a cluster will do."""

from pathlib import Path

from invoke.context import Context

from jhub_docker.cli.task import ROOT, platform_engine, task, write

CHART = ROOT / "deploy" / "kubernetes"


@task(
    help={
        "registry": "The registry the images were released to, HOST or HOST/PATH.",
        "tag": "The tag of images that were never released, such as one you pushed yourself.",
        "to": "The file to write (default: print it).",
    }
)
def values(context: Context, registry: str, tag: str = "", to: str = "") -> None:
    """Write the chart's values that follow from the catalog: images by digest, what is offered."""
    from jhub_docker import kubernetes  # noqa: PLC0415 - see platform.py
    from jhub_docker.catalog import load  # noqa: PLC0415
    from jhub_docker.kubernetes import chart  # noqa: PLC0415

    text = chart.written(kubernetes.values(load(ROOT / "packages"), registry, tag))
    if to:
        Path(to).write_text(text, encoding="utf-8")
    else:
        write(text.rstrip())


@task(
    help={
        "values": "A file of values the chart is to be installed with; can be given several times.",
        "namespace": "Where the platform is, or is to be.",
        "cluster": "kubectl's context (default: its current one).",
        "json": "Write it as JSON.",
    },
    iterable=["values"],
)
def check(
    context: Context,
    values: list[str],
    namespace: str = "jhub",
    cluster: str = "",
    json: bool = False,
) -> None:
    """Judge a cluster for the platform: storage, network policies, ingress, quotas, rights."""
    from jhub_docker import kubernetes  # noqa: PLC0415 - see platform.py
    from jhub_docker.kubernetes import chart  # noqa: PLC0415

    known = chart.with_defaults(CHART, [Path(one) for one in values])
    found = kubernetes.judge(kubernetes.Cluster.look(namespace, cluster), known)
    write(chart.told(found, as_json=json))
    chart.require_good(found)


@task(
    help={
        "namespace": "Where the chart is installed.",
        "cluster": "kubectl's context (default: its current one).",
        "servers": "Stop people's servers here.",
        "replace": "Throw away what is there: accounts, an earlier move, homes of the same names.",
        "yes": "Do not ask before.",
    }
)
def move(
    context: Context,
    namespace: str = "jhub",
    cluster: str = "",
    servers: bool = False,
    replace: bool = False,
    yes: bool = False,
) -> None:
    """Move accounts, secrets, homes and shared folders of this platform to a cluster."""
    from jhub_docker.kubernetes import moving  # noqa: PLC0415 - see platform.py
    from jhub_docker.kubernetes.cluster import Kubectl  # noqa: PLC0415

    kubectl = Kubectl(cluster, namespace)
    options = {"servers": servers, "replace": replace, "assume_yes": yes}
    write(moving.move(platform_engine(), ROOT, kubectl, **options))
