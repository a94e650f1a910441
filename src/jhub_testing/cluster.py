"""A whole platform on a real cluster, by the chart, in a namespace of its own.

The cluster is kubectl's (KUBECONFIG). Its nodes have to have the images, since none are pulled, and
a default storage class. Services' own addresses are given to the pods: no name service is needed.
"""

import json
import os
import secrets
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from jhub_docker import kubernetes
from jhub_docker.catalog.packages import Catalog, ImageSpec
from jhub_docker.nox import TEST_TAG
from jhub_docker.platform.ports import free_port
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


def offered(catalog: Catalog) -> list[ImageSpec]:
    """The images for people that the nodes have."""
    there, tag = images_there(), os.environ.get(TEST_TAG, "latest")
    return [one for one in catalog.singleuser if f"{one.repository}:{tag}" in there]


class ClusterPlatform:
    """Hub and proxy on a cluster; entering installs them, leaving removes the namespace."""

    def __init__(self, chart: Path, catalog: Catalog) -> None:
        self.chart, self.namespace = chart, f"jhub-test-{secrets.token_hex(4)}"
        there = kubectl("api-versions").split()
        values = kubernetes.values(catalog, REGISTRY, os.environ.get(TEST_TAG, "latest"))
        for one in values["offer"]:  # a request is a node's for good, and that may be a small one
            for size in one["profiles"].values():
                size["cpu_guarantee"] = 0.1
        marimo = next(one for one in values["offer"] if one["name"] == "uv-marimo")
        marimo["profiles"]["tiny"] = {"mem_limit": "20M"}
        self.values: dict[str, Any] = {
            **values,
            "images": {**values["images"], "pullPolicy": "Never"},
            "settings": {"JHUB_SIGNUPS_PER_ADDRESS": "0", "JHUB_START_TIMEOUT": str(PATIENCE)},
            "hub": {"storage": {"size": "1Gi"}},
            "homes": {"size": "1Gi"},
            # What clusters older than 1.21 do not know.
            "servers": {"disruptionBudget": "policy/v1" in there},
        }
        # Its image is on the nodes of who tests it.
        with_dask = values["images"]["dask"].removeprefix("docker.io/") in images_there()
        self.values["dask"] = {**DASK_LIMITS, "enabled": with_dask}
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._forward: subprocess.Popen[bytes] | None = None

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

    def __enter__(self) -> "ClusterPlatform":
        kubectl("create", "namespace", self.namespace)
        try:
            self._apply([one for one in self._objects() if one["kind"] == "Service"])
            names = [
                {"ip": one["spec"]["clusterIP"], "hostnames": [one["metadata"]["name"]]}
                for one in self.items("services")
                if one["spec"]["clusterIP"] != "None"
            ]
            self._apply(self._objects(hostAliases=names))
            self.wait_until_ready()
            self._forward = subprocess.Popen(
                ["kubectl", "-n", self.namespace, "port-forward", "svc/proxy", f"{self.port}:80"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
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
        """Return when hub and proxy are."""
        dask = ["dask-gateway"] if self.values["dask"]["enabled"] else []
        for name in ("hub", "proxy", *dask):
            self.own("rollout", "status", f"deployment/{name}", f"--timeout={PATIENCE}s")

    def one_time_password(self) -> str:
        """The first admin's."""
        command = ("exec", "deploy/hub", "--", "python", "-m", "hub_config", "admin-password")
        return self.own(*command).strip()

    def __exit__(self, *_: object) -> None:
        if self._forward is not None:
            self._forward.kill()
            self._forward.wait()
        kubectl("delete", "namespace", self.namespace, "--wait=false")
