"""The chart for Kubernetes, as Helm renders it: valid in every version, with no right too many."""

import json
import re
import tomllib
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import Any

import helm_python
import kubernetes_validate
import pytest
import yaml

from jhub_docker import catalog
from jhub_docker.kubernetes import chart as charts
from jhub_docker.kubernetes.judging import OLDEST

from .conftest import CHART, Render

ROOT = CHART.parents[1]
OFFER = charts.values(catalog.load(ROOT / "packages"), "registry.example.org/team", "1.0.0")
SPREAD = {
    "maxSkew": 1,
    "topologyKey": "topology.kubernetes.io/zone",
    "whenUnsatisfiable": "ScheduleAnyway",
}
EVERYTHING: dict[str, Any] = {
    **OFFER,
    "settings": {"JHUB_IDLE_TIMEOUT": "7200", "JHUB_BASE_URL": "/team/"},
    "tables": {"groups": {"ml": {"profiles": ["uv-lab-large"]}}},
    "config": {"own.py": 'c.JupyterHub.log_level = "DEBUG"\n'},
    "secrets": {"existing": "", "provider": "oidc", "mail": "relay"},
    "caBundle": "certificates",
    "folders": {"class": "files", "size": "1Ti"},
    "hub": {"serviceAccount": {"annotations": {"example.org/role": "hub"}}},
    "prepull": {"enabled": True, "nodes": 5},
    "database": {"url": "postgresql+psycopg://hub@db/hub", "secret": "postgres"},
    "ingress": {"host": "hub.example.org", "class": "nginx", "tlsSecret": "hub-tls"},
    "quota": {"memory": "64Gi", "cpus": "16", "servers": "40", "claims": "200"},
    "network": {"allowed": [{"cidr": "10.1.2.3/32", "port": 5432}]},
    "servers": {
        "nodeSelector": {"pool": "people"},
        "tolerations": [{"operator": "Exists"}],
        "topologySpreadConstraints": [SPREAD],
        "serviceAccount": "bucket",
    },
    "dask": {"enabled": True, "clusters": 2, "workers": 5, "worker": {"memory": "3G", "cpus": 2}},
    "spark": {"enabled": True, "executors": 3, "executor": {"memory": "3G", "cpus": 2}},
    "hostAliases": [{"ip": "10.0.0.7", "hostnames": ["hub"]}],
}
KNOWN = {tuple(map(int, one.split("."))) for one in kubernetes_validate.utils.all_versions()}
VERSIONS = [".".join(map(str, one)) for one in sorted(KNOWN) if one >= OLDEST]


def of_kind(objects: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one for one in objects if one["kind"] == kind}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_valid(render: Render, version: str) -> None:
    for one in [*render(EVERYTHING), *(render() if version == VERSIONS[-1] else ())]:
        kubernetes_validate.validate(one, version, strict=True)


def test_the_hub_may_do_what_it_asks_for_in_its_namespace_and_nothing_else(render: Render) -> None:
    objects = render()
    assert not {"ClusterRole", "ClusterRoleBinding"} & {one["kind"] for one in objects}
    rules = of_kind(objects, "Role")["hub"]["rules"]
    may = {
        f"{verb} {what}" for rule in rules for verb in rule["verbs"] for what in rule["resources"]
    }
    source = ROOT / "packages/hub/src/hub_config/runtime/kubernetes.py"
    asked = set(re.findall(r'"(\w+?)_namespaced_(\w+)"', source.read_text(encoding="utf-8")))
    verbs = {"read": "get", "list": "list", "create": "create", "delete": "delete"}
    plurals = {
        "pod": "pods",
        "pod_log": "pods/log",
        "persistent_volume_claim": "persistentvolumeclaims",
        "secret": "secrets",
        "event": "events",
        "resource_quota": "resourcequotas",
    }
    assert may == {f"{verbs[verb]} {plurals[what]}" for verb, what in asked}


def test_secrets_are_files(render: Render) -> None:
    objects = render(EVERYTHING)
    for name, one in of_kind(objects, "Deployment").items():
        (container,) = one["spec"]["template"]["spec"]["containers"]
        for variable in container.get("env", []):
            file = variable["name"].endswith("_FILE")
            secret = re.search("SECRET|TOKEN|KEY|PASSWORD", variable["name"])
            assert file or not secret, f"{name}: {variable['name']}"
            assert "valueFrom" not in variable
    assert set(of_kind(objects, "Secret")) == {"jhub-docker"}
    assert not of_kind(render({"secrets": {"existing": "mine"}}), "Secret")


def test_nothing_runs_as_root_or_writes_beside_its_volumes(render: Render) -> None:
    for one in of_kind(render(), "Deployment").values():
        pod = one["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container)
        assert one["spec"]["strategy"] == {"type": "Recreate"}


def test_the_hub_gets_what_the_catalog_offers(render: Render) -> None:
    config = tomllib.loads(of_kind(render(EVERYTHING), "ConfigMap")["hub"]["data"]["config.toml"])
    assert [image["name"] for image in config["images"]] == [one["name"] for one in OFFER["offer"]]
    assert config["groups"] == EVERYTHING["tables"]["groups"]
    small = next(one for one in config["images"] if one["name"] == "uv-lab")["profiles"]["small"]
    assert small["mem_limit"].endswith("G")


def test_probes_ask_below_the_base_url_over_which_people_come(render: Render) -> None:
    objects = render(EVERYTHING)
    hub = of_kind(objects, "Deployment")["hub"]["spec"]["template"]["spec"]["containers"][0]
    assert hub["readinessProbe"]["httpGet"]["path"] == "/team/hub/health"
    variables = {one["name"]: one["value"] for one in hub["env"]}
    assert variables["JHUB_PUBLIC_URL"] == "https://hub.example.org/team/"
    ingress = of_kind(objects, "Ingress")["proxy"]["spec"]
    assert ingress["rules"][0]["http"]["paths"][0]["path"] == "/team/"
    assert ingress["tls"] == [{"hosts": ["hub.example.org"], "secretName": "hub-tls"}]


def test_what_an_operator_says_of_servers_reaches_the_spawner(render: Render) -> None:
    """By Python that the hub loads, so that is what is run."""
    text = of_kind(render(EVERYTHING), "ConfigMap")["hub-python"]["data"]["00-servers.py"]
    pods, shared = SimpleNamespace(), SimpleNamespace(environment={"JHUB_IDLE_TIMEOUT": "60"})
    exec(text, {"c": SimpleNamespace(UserPodSpawner=pods, Spawner=shared)})  # noqa: S102
    assert shared.environment["JHUB_IDLE_TIMEOUT"] == "60"
    assert shared.environment["DASK_GATEWAY__ADDRESS"] == "http://dask-gateway:8000"
    assert shared.environment["JHUB_SPARK_EXECUTORS"] == "3"
    assert shared.environment["JHUB_SPARK_EXECUTOR_MEMORY"] == "3G"
    assert pods.node_selector == {"pool": "people"}
    assert pods.service_account == "bucket"
    assert pods.extra_pod_config["topologySpreadConstraints"] == [SPREAD]
    assert pods.extra_pod_config["hostAliases"] == EVERYTHING["hostAliases"]
    assert pods.volumes == [{"name": "ca", "configMap": {"name": "certificates"}}]
    assert pods.volume_mounts[0]["mountPath"] == "/etc/jhub-docker"


def test_the_mail_relays_password_and_certificates_are_files(render: Render) -> None:
    pod = of_kind(render(EVERYTHING), "Deployment")["hub"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    variables = {one["name"]: one["value"] for one in container["env"]}
    mounts = {one["mountPath"]: one["name"] for one in container["volumeMounts"]}
    volumes = {one["name"]: one for one in pod["volumes"]}
    for variable, kind in (("JHUB_MAIL_PASSWORD_FILE", "secret"), ("SSL_CERT_FILE", "configMap")):
        folder = str(PurePosixPath(variables[variable]).parent)
        assert kind in volumes[mounts[folder]]
    assert volumes["mail"]["secret"]["secretName"] == "relay"
    assert (variables["JHUB_FOLDER_CLASS"], variables["JHUB_FOLDER_SIZE"]) == ("files", "1Ti")


def test_nodes_fetch_what_is_offered_before_anybody_waits(render: Render) -> None:
    objects = render(EVERYTHING)
    pod = of_kind(objects, "DaemonSet")["prepull"]["spec"]["template"]["spec"]
    offered = [one["reference"] for one in OFFER["offer"]]
    assert [one["image"] for one in pod["initContainers"]] == list(dict.fromkeys(offered))
    assert [one["image"] for one in pod["containers"]] == [OFFER["images"]["hub"]]
    assert pod["automountServiceAccountToken"] is False
    assert pod["nodeSelector"] == EVERYTHING["servers"]["nodeSelector"]
    hard = of_kind(objects, "ResourceQuota")["platform"]["spec"]["hard"]
    assert hard["pods"] == "49", "40 servers, hub, proxy, two gateways, one on each of 5 nodes"
    assert not of_kind(render(), "DaemonSet")


def gateway(objects: list[dict[str, Any]], name: str) -> dict[str, str]:
    """How it is started."""
    pod = of_kind(objects, "Deployment")[name]["spec"]["template"]["spec"]
    _, *arguments = pod["containers"][0]["args"]
    return dict(one.removeprefix("--").split("=") for one in arguments)


@pytest.mark.parametrize("name", ["dask", "spark"])
def test_a_gateway_is_there_for_who_wants_it_and_may_make_pods_alone(
    render: Render, name: str
) -> None:
    assert name not in yaml.safe_dump_all(render()).lower()
    assert f"{name}-gateway" not in of_kind(render({**EVERYTHING, name: {}}), "Deployment")
    rules = of_kind(render(EVERYTHING), "Role")[f"{name}-gateway"]["rules"]
    may = {(what, verb) for one in rules for what in one["resources"] for verb in one["verbs"]}
    verbs = ("list", "create", "delete")
    assert may == {("secrets", "create"), *(("pods", verb) for verb in verbs)}
    with pytest.raises(helm_python.HelmError, match=r"images\.gateways"):
        render({name: {"enabled": True}})


def test_gateways_know_what_an_operator_allows(render: Render) -> None:
    objects = render(EVERYTHING)
    given = gateway(objects, "dask-gateway")
    assert given["PodBackend.clusters_per_person"] == "2"
    assert given["PodClusterConfig.cluster_max_workers"] == "5"
    assert given["PodClusterConfig.worker_memory"] == "3G"
    assert given["JupyterHubAuthenticator.jupyterhub_api_url"].endswith(":8081/team/hub/api")
    given = gateway(objects, "spark-gateway")
    assert given.pop("hub").endswith(":8081/team/hub/api")
    assert given == {
        **{"platform": "jhub-docker", "executors": "3", "share": "0.1"},
        **{"memory": "3G", "cpus": "2"},
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"homes": {"size": "much"}},
        {"settings": {"JHUB_PROVIDER_SECRET": "x"}},
        {"settings": {"JHUB_RUNTIME": "docker"}},
        {"settings": {"JHUB_CA_BUNDLE": "/etc/ca.pem"}},
        {"network": {"dns": {"addresses": ["node"]}}},
        {"database": {"url": "postgresql+psycopg://hub:word@db/hub"}},
        {"networks": {}},
        {"dask": {"worker": {"memory": "much"}}},
        {"spark": {"executor": {"memory": "much"}}},
        {"network": {"blocked": ["everything"]}},
        {"offer": [{"reference": "uv-lab", "jupyterhub": "6", "name": "x", "profiles": {}}]},
    ],
    ids=json.dumps,
)
def test_wrong_values_are_refused(render: Render, wrong: dict[str, Any]) -> None:
    with pytest.raises(helm_python.HelmError, match=r"(?i)values"):
        render(wrong)


def test_values_that_are_written_are_what_helm_reads(tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(charts.written(OFFER))
    assert yaml.safe_load(file.read_text()) == OFFER
    known = charts.with_defaults(CHART, [file])
    assert known["images"] == {
        "hub": OFFER["images"]["hub"],
        "proxy": OFFER["images"]["proxy"],
        "gateways": OFFER["images"]["gateways"],
        "pullPolicy": "IfNotPresent",
        "pullSecrets": [],
    }
