"""The gateways' image as it stands, before a hub and an API server that are told (`asking.py`);
real clusters are the business of `integration/kubernetes`.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from jhub_testing.subject import Subject

PROGRAM = Path(__file__).with_name("asking.py")


@pytest.fixture(scope="module")
def found(subject: Subject) -> dict[str, Any]:
    command = ["/opt/gateway/bin/python", "-c", PROGRAM.read_text(encoding="utf-8")]
    said = subject.engine.run(
        subject.reference,
        command,
        network_mode="none",
        read_only=True,
        tmpfs={"/tmp": ""},  # noqa: S108
    )
    return json.loads(said.splitlines()[-1])


def test_servers_that_run_get_clusters_as_many_as_are_allowed(found: dict[str, Any]) -> None:
    said = [(token, status) for token, status, _ in found["said"]]
    assert said == [
        ("", 401),
        ("gone", 401),
        ("ann-reader", 422),
        ("ann-all", 422),
        ("bob-server", 422),
        ("ann-server", 422),
        ("ann-server", 201),
        ("ann-server", 422),
        ("ann-server", 422),
    ]
    words = [words for _, _, words in found["said"]]
    assert "ask from a notebook" in words[2] == words[3]
    assert "not running" in words[4] == words[8]
    assert "image" in words[5], "nobody chooses another image"
    assert "as many Dask clusters as one may have here (1)" in words[7]


def test_pods_are_like_the_servers_and_go_with_it(found: dict[str, Any]) -> None:
    assert not found["left_over"], "what another gateway made is ended"
    scheduler, *workers = found["pods"].values()
    assert len(workers) == 2, "a scheduler that asks for seven gets what is allowed"
    assert found["refused"] in found["pods"], "who found no room waits for it"
    assert [one["metadata"]["ownerReferences"][0]["uid"] for one in found["pods"].values()] == [
        "uid-of-ann",
        *2 * [scheduler["metadata"]["uid"]],
    ]
    for pod in (scheduler, *workers):
        spec = pod["spec"]
        (container,) = spec["containers"]
        assert container["image"] == "registry.example.org/uv-lab@sha256:1"
        assert spec["securityContext"] == {"runAsUser": 1000}
        assert spec["serviceAccountName"] == "bucket"
        assert spec["automountServiceAccountToken"] is False
        assert "envFrom" not in container
        volumes = {one["name"]: one for one in spec["volumes"]}
        assert "configMap" in volumes["ca"]
        assert "emptyDir" in volumes["home"], "the person's is one node's"
        memory = container["resources"]
        assert memory["limits"]["memory"] == memory["requests"]["memory"] == str(2 * 2**30)


def test_credentials_are_in_a_secret_alone(found: dict[str, Any]) -> None:
    about = found["secret"]["metadata"]
    assert about["ownerReferences"][0]["name"] == about["name"] == found["scheduler"]
    for value in found["secret"]["stringData"].values():
        assert value not in json.dumps(found["pods"])


def test_the_proxy_leads_where_the_pod_is_whatever_its_scheduler_says(
    found: dict[str, Any],
) -> None:
    address = found["pods"][found["scheduler"]]["status"]["podIP"]
    own = "http://127.0.0.1:8001"
    assert set(found["routes"]) == {own, f"tls://{address}:8786", f"http://{address}:8787"}


def test_drivers_get_executors_like_their_server_as_many_as_are_allowed(
    found: dict[str, Any],
) -> None:
    spark = found["drivers"]
    said = [(token, status) for token, status, _ in spark["said"]]
    assert said == [
        ("gone", 401),
        ("ann-reader", 422),
        ("bob-server", 403),
        ("ann-server", 201),
        ("ann-server", 403),
        ("cem-server", 422),
        ("ann-server", 429),  # of nine that ask at once; as many as may wait do
        ("ann-server", 413),
        ("ann-server", 200),
        ("cem-server", 200),
        ("cem-server", 200),
        ("cem-server", 404),
        ("ann-server", 200),
        ("ann-server", 201),  # who was told, waits for room
    ]
    words = [words for _, _, words in spark["said"]]
    assert "ask from a notebook" in words[1]
    assert "not running" in words[2]
    assert "as many executors as one may have here (1)" in words[4]
    pod, secret = spark["pod"], spark["secret"]
    (container,) = pod["spec"]["containers"]
    assert container["image"] == "registry.example.org/uv-lab@sha256:1"
    assert pod["metadata"]["ownerReferences"][0]["uid"] == "uid-of-ann"
    assert secret["metadata"]["ownerReferences"][0]["uid"] == pod["metadata"]["uid"]
    assert secret["stringData"] == {"_SPARK_AUTH_SECRET": "of-the-session"}


def test_a_driver_sees_and_ends_its_own_servers_executors_alone(found: dict[str, Any]) -> None:
    spark = found["drivers"]
    assert spark["listed"] == {"ann": [spark["name"]], "cem": []}
    assert spark["kept"]
    assert spark["ended"]
