"""A whole platform on a real cluster, by the chart, in a namespace of its own.

The cluster is kubectl's (KUBECONFIG). Its nodes have to have the images, since none are pulled, and
a default storage class; a node's port is open to this machine. Services' own addresses are given to
the pods: no name service is needed. JHUB_TEST_NODE is a command that runs on the only node, as
root, what follows it, for tests that take programs of it away.
"""

import json
import os
import secrets
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from jhub_docker.catalog.packages import Catalog, ImageSpec
from jhub_docker.kubernetes import chart as charts
from jhub_docker.nox import TEST_TAG
from jhub_testing.person import Person
from jhub_testing.waiting import ASK_AGAIN, PATIENCE, wait_until

REGISTRY = "docker.io/local"
"""First part of the images' names, as nodes write it."""

TINY = "uv-marimo-tiny"
"""A profile without the memory that its server needs."""

DASK_LIMITS: dict[str, Any] = {
    **{"clusters": 1, "workers": 2, "share": 0.05},
    **{"scheduler": {"memory": "500M", "cpus": 1}, "worker": {"memory": "500M", "cpus": 1}},
}
"""A small node has to have room for a whole cluster of Dask."""

SPARK_LIMITS = {"executors": 2, "share": 0.05, "executor": {"memory": "1G", "cpus": 1}}
"""And for two executors of Spark, of the least that Spark takes."""


NODE = "JHUB_TEST_NODE"

DATABASE = {"url": "postgresql+psycopg://jupyterhub@postgres/jupyterhub", "secret": "hub-database"}
"""The chart's value that goes with `postgres.yaml`."""


def kubectl(*words: str, given: str = "") -> str:
    """What kubectl says. Raises AssertionError with its words where it fails."""
    ended = subprocess.run(
        ["kubectl", *words], input=given, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, f"kubectl {' '.join(words)}: {ended.stderr}"
    return ended.stdout


def images_there() -> set[str]:
    """The names of all images that the nodes have."""
    nodes = json.loads(kubectl("get", "nodes", "-o", "json"))["items"]
    return {
        name.removeprefix("docker.io/")
        for node in nodes
        for image in node["status"]["images"]
        for name in image.get("names") or ()
    }


def postgres_there() -> str:
    """PostgreSQL's image that the nodes have: the public one, or the one that stands for it."""
    found = sorted(one for one in images_there() if "/postgres:" in one)
    assert found, "the cluster's nodes have no image of PostgreSQL; none is pulled for tests"
    return f"docker.io/{found[-1]}"


def node(*words: str) -> str:
    """What a program says that runs on the node. Raises AssertionError where it fails."""
    command = [*shlex.split(os.environ[NODE]), *words]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, f"{' '.join(words)}: {ended.stderr}"
    return ended.stdout


@contextmanager
def killed(program: str) -> Iterator[None]:
    """The node is without this program, until it is started again as it was, like by a service."""
    pid = node("pidof", program).split()[0]
    command, variables = (
        node("cat", f"/proc/{pid}/{what}").rstrip("\0").split("\0")
        for what in ("cmdline", "environ")
    )
    node("kill", "-KILL", pid)
    try:
        yield
    finally:
        begin = 'setsid env -i "$@" >/dev/null 2>&1 </dev/null &'
        node("sh", "-c", begin, "sh", *variables, *command)


def offered(catalog: Catalog) -> list[ImageSpec]:
    """The images for people that the nodes have."""
    there, tag = images_there(), os.environ.get(TEST_TAG, "latest")
    return [one for one in catalog.singleuser if f"{one.repository}:{tag}" in there]


class ClusterPlatform:
    """PostgreSQL, hub and proxy on a cluster; entering installs them, leaving removes the
    namespace.
    """

    def __init__(
        self, chart: Path, catalog: Catalog, settings: Mapping[str, str] | None = None
    ) -> None:
        self.chart, self.namespace = chart, f"jhub-test-{secrets.token_hex(4)}"
        there = kubectl("api-versions").split()
        values = charts.values(catalog, REGISTRY, os.environ.get(TEST_TAG, "latest"))
        for one in values["offer"]:  # a request is a node's for good, and that may be a small one
            for size in one["profiles"].values():
                size["cpu_guarantee"] = 0.1
        marimo = next(one for one in values["offer"] if one["name"] == "uv-marimo")
        marimo["profiles"]["tiny"] = {"mem_limit": "20M"}
        self.values: dict[str, Any] = {
            **values,
            "images": {**values["images"], "pullPolicy": "Never"},
            "settings": {
                "JHUB_SIGNUPS_PER_ADDRESS": "0",
                "JHUB_START_TIMEOUT": str(PATIENCE),
                **(settings or {}),
            },
            "database": DATABASE,
            "hub": {"storage": {"size": "1Gi"}},
            "proxy": {"service": {"type": "NodePort"}},
            "homes": {"size": "1Gi"},
            # What clusters older than 1.21 do not know.
            "servers": {"disruptionBudget": "policy/v1" in there},
        }
        # Its image is on the nodes of who tests it.
        with_gateways = values["images"]["gateways"].removeprefix("docker.io/") in images_there()
        self.values["dask"] = {**DASK_LIMITS, "enabled": with_gateways}
        self.values["spark"] = {**SPARK_LIMITS, "enabled": with_gateways}
        self.url = ""

    def own(self, *words: str, given: str = "") -> str:
        """Kubectl in this namespace."""
        return kubectl("-n", self.namespace, *words, given=given)

    def items(self, kind: str, component: str = "") -> list[Mapping[str, Any]]:
        """All of a kind."""
        which = ["-l", f"io.jhub-docker.component={component}"] if component else []
        found: list[Mapping[str, Any]] = json.loads(self.own("get", kind, *which, "-o", "json"))[
            "items"
        ]
        return found

    def servers(self, name: str) -> list[Mapping[str, Any]]:
        """A person's pods, without those that are just being removed."""
        return [
            pod
            for pod in self.items("pods", "server")
            if pod["metadata"]["annotations"]["io.jhub-docker.user"] == name
            and "deletionTimestamp" not in pod["metadata"]
        ]

    def _objects(self, **more: Any) -> list[dict[str, Any]]:
        import helm_python  # noqa: PLC0415  of the session `kubernetes` alone

        with helm_python.Chart.load(str(self.chart)) as chart:
            made = chart.render({**self.values, **more}, name="jhub", namespace=self.namespace)
        return [one for text in made.values() for one in yaml.safe_load_all(text) if one]

    def _apply(self, objects: list[dict[str, Any]]) -> None:
        self.own("apply", "-f", "-", given=yaml.safe_dump_all(objects))

    def _install_database(self) -> None:
        """By the manifest that is beside the chart, with the image that the nodes have."""
        objects = list(yaml.safe_load_all((self.chart / "postgres.yaml").read_text("utf-8")))
        (pod,) = (one["spec"]["template"]["spec"] for one in objects if one["kind"] == "Deployment")
        pod["containers"][0] |= {"image": postgres_there(), "imagePullPolicy": "Never"}
        (claim,) = (one["spec"] for one in objects if one["kind"] == "PersistentVolumeClaim")
        claim["resources"] = {"requests": {"storage": "1Gi"}}
        password = f"--from-literal=password={secrets.token_hex(16)}"
        self.own("create", "secret", "generic", DATABASE["secret"], password)
        self._apply(objects)

    def __enter__(self) -> "ClusterPlatform":
        kubectl("create", "namespace", self.namespace)
        try:
            self._install_database()
            self._apply([one for one in self._objects() if one["kind"] == "Service"])
            services = self.items("services")
            names = [
                {"ip": one["spec"]["clusterIP"], "hostnames": [one["metadata"]["name"]]}
                for one in services
                if one["spec"]["clusterIP"] != "None"
            ]
            self._apply(self._objects(hostAliases=names))
            path = 'jsonpath={.items[0].status.addresses[?(@.type=="InternalIP")].address}'
            (proxy,) = (one for one in services if one["metadata"]["name"] == "proxy")
            port = proxy["spec"]["ports"][0]["nodePort"]
            self.url = f"http://{kubectl('get', 'nodes', '-o', path)}:{port}"
            self.wait_until_ready()
            person = Person(self.url, "nobody")
            wait_until(
                lambda: person.hub.get("login", timeout=ASK_AGAIN).ok,
                "the platform to answer",
                ignoring=OSError,
            )
        except BaseException:
            self.__exit__()
            raise
        return self

    def wait_until_ready(self) -> None:
        """Return when all are."""
        gateways = [f"{one}-gateway" for one in ("dask", "spark") if self.values[one]["enabled"]]
        for name in ("postgres", "hub", "proxy", *gateways):
            self.own("rollout", "status", f"deployment/{name}", f"--timeout={PATIENCE}s")

    def one_time_password(self) -> str:
        """The first admin's."""
        command = ("exec", "deploy/hub", "--", "python", "-m", "hub_config", "admin-password")
        return self.own(*command).strip()

    def __exit__(self, *_: object) -> None:
        kubectl("delete", "namespace", self.namespace, "--wait=false")
