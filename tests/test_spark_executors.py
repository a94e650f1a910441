"""Pods for Spark's executors: whatever a driver asks for, it gets one like its own server."""

import json
from copy import deepcopy
from typing import Any

import pytest

from jhub_gateways import executors, pods

SERVER: dict[str, Any] = {
    "metadata": {
        "name": "jupyter-ann",
        "uid": "uid-of-ann",
        "annotations": {"io.jhub-docker.user": "ann", "io.jhub-docker.server": ""},
    },
    "spec": {
        "securityContext": {"runAsUser": 1000, "runAsNonRoot": True},
        "nodeSelector": {"pool": "people"},
        "runtimeClassName": "gvisor",
        "hostUsers": False,
        "containers": [
            {
                "name": "notebook",
                "image": "registry.example.org/uv-lab-spark@sha256:1",
                "securityContext": {"allowPrivilegeEscalation": False},
                "envFrom": [{"secretRef": {"name": "hers"}}],
                "volumeMounts": [{"name": "home", "mountPath": "/home/nebula"}],
            }
        ],
        "volumes": [{"name": "home", "persistentVolumeClaim": {"claimName": "hers"}}],
    },
}
ASKED: dict[str, Any] = {
    "metadata": {
        "name": "count-1-exec-1",
        "labels": {
            "spark-app-selector": "spark-1",
            "spark-role": "executor",
            "spark-exec-id": "1",
            "spark-exec-resourceprofile-id": "0",
        },
    },
    "spec": {
        "containers": [
            {
                "name": "spark-kubernetes-executor",
                "image": "as-the-server",
                "args": ["executor"],
                "env": [
                    {"name": "SPARK_EXECUTOR_ID", "value": "1"},
                    {"name": "_SPARK_AUTH_SECRET", "value": "of-the-session"},
                    {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                ],
                "resources": {"limits": {"memory": "2048Mi"}, "requests": {"memory": "2048Mi"}},
            }
        ]
    },
}
HOSTILE_METADATA: dict[str, Any] = {
    "name": "jupyter-bob",
    "namespace": "kube-system",
    "annotations": {"io.jhub-docker.user": "bob"},
    "ownerReferences": [{"kind": "Node", "name": "forever", "uid": "1"}],
    "finalizers": ["example.org/stay"],
}
HOSTILE_LABELS = {
    "io.jhub-docker.component": "server",
    "io.jhub-docker.platform": "other",
    "io.jhub-docker.cluster": "uid-of-bob",
    "example.org/mine": "yes",
}
HOSTILE_SPEC: dict[str, Any] = {
    **{"hostNetwork": True, "hostPID": True, "hostIPC": True, "nodeName": "control-plane"},
    **{"serviceAccountName": "hub", "automountServiceAccountToken": True},
    "securityContext": {"runAsUser": 0},
    "initContainers": [{"name": "first", "image": "alpine"}],
    "ephemeralContainers": [{"name": "later", "image": "alpine"}],
    "volumes": [
        {"name": "node", "hostPath": {"path": "/"}},
        {"name": "keys", "secret": {"secretName": "jhub-docker"}},
        {"name": "bobs", "persistentVolumeClaim": {"claimName": "bobs"}},
    ],
}
HOSTILE_CONTAINER: dict[str, Any] = {
    "image": "example.org/miner",
    "command": ["/bin/sh"],
    "args": ["-c", "mine"],
    "securityContext": {"privileged": True},
    "volumeMounts": [{"name": "node", "mountPath": "/host"}],
    "envFrom": [{"secretRef": {"name": "jhub-docker"}}],
    "ports": [{"containerPort": 80, "hostPort": 80}],
    "lifecycle": {"preStop": {"exec": {"command": ["mine"]}}},
}
LIMIT = 2 << 30


def made(asked: dict[str, Any]) -> dict[str, Any]:
    wanted = executors.asked(asked, LIMIT)
    return executors.pod("spark-1234", wanted, SERVER, "jhub-docker", cpus=1.5, share=0.1)


def test_an_executor_is_like_the_server_of_its_driver() -> None:
    pod = made(ASKED)
    about, spec = pod["metadata"], pod["spec"]
    assert about["name"] == "spark-1234"
    assert about["ownerReferences"] == [
        {"apiVersion": "v1", "kind": "Pod", "name": "jupyter-ann", "uid": "uid-of-ann"}
    ]
    assert about["labels"] == {
        **ASKED["metadata"]["labels"],
        "io.jhub-docker.platform": "jhub-docker",
        "io.jhub-docker.component": "spark",
        "io.jhub-docker.cluster": "uid-of-ann",
    }
    assert spec["securityContext"] == SERVER["spec"]["securityContext"]
    assert spec["nodeSelector"] == {"pool": "people"}
    assert (spec["runtimeClassName"], spec["hostUsers"]) == ("gvisor", False), "as much apart"
    assert spec["automountServiceAccountToken"] is False
    (container,) = spec["containers"]
    assert container["image"] == "registry.example.org/uv-lab-spark@sha256:1"
    assert container["args"] == [executors.PROGRAM, pods.SECRET]
    assert container["resources"] == {
        "requests": {"memory": str(LIMIT), "cpu": "0.100"},
        "limits": {"memory": str(LIMIT), "cpu": "1.500"},
    }
    assert "persistentVolumeClaim" not in json.dumps(pod), "the home is one node's"
    # What the driver says to it is in a Secret of its own, and not in the pod's record.
    assert "of-the-session" not in json.dumps(pod)
    assert executors.asked(ASKED, LIMIT)["variables"] == {
        "SPARK_EXECUTOR_ID": "1",
        "_SPARK_AUTH_SECRET": "of-the-session",
    }


def test_nothing_else_of_what_is_asked_for_is_taken_over() -> None:
    hostile = deepcopy(ASKED)
    hostile["metadata"] |= HOSTILE_METADATA
    hostile["metadata"]["labels"] |= HOSTILE_LABELS
    hostile["spec"] |= HOSTILE_SPEC
    (container,) = hostile["spec"]["containers"]
    container |= HOSTILE_CONTAINER
    secret = {"secretKeyRef": {"name": "jhub-docker", "key": "crypt_key"}}
    container["env"].append({"name": "KEY", "valueFrom": secret})
    container["env"].append({"name": "../../etc", "value": "x"})
    container["resources"]["requests"]["nvidia.com/gpu"] = "8"
    assert made(hostile) == made(ASKED)
    assert executors.asked(hostile, LIMIT) == executors.asked(ASKED, LIMIT)


def test_more_memory_than_one_may_have_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"2047 MB of memory here, and '2048Mi'"):
        executors.asked(ASKED, LIMIT - 1)


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        {"metadata": {}, "spec": {}},
        {**ASKED, "metadata": {"labels": None}},
        {**ASKED, "spec": {"containers": []}},
        {**ASKED, "spec": {"containers": 2 * ASKED["spec"]["containers"]}},
        {**ASKED, "spec": {"containers": [{"env": 1, "resources": {"limits": {"memory": "1"}}}]}},
        {**ASKED, "spec": {"containers": [{"env": [1], "resources": {"limits": {"memory": "1"}}}]}},
        {**ASKED, "spec": {"containers": [{"env": [], "resources": {"limits": {"memory": 7}}}]}},
    ],
    ids=lambda wrong: json.dumps(wrong)[:60],
)
def test_what_is_no_executor_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="no executor"):
        executors.asked(wrong, LIMIT)


def there(
    name: str, user: str, uid: str, phase: str, session: str = "spark-1", at: int = 0
) -> dict[str, Any]:
    return {
        "metadata": {
            "name": name,
            "creationTimestamp": f"2026-11-30T20:00:{at:02}Z",
            "annotations": {"io.jhub-docker.user": user},
            "labels": {"io.jhub-docker.cluster": uid, "spark-app-selector": session},
        },
        "spec": {"nodeName": "node-7"},
        "status": {"phase": phase, "hostIP": "192.168.1.5"},
    }


def test_executors_count_for_the_person_and_what_ended_is_taken_away() -> None:
    all_there = [
        there("running", "ann", "uid-of-ann", "Running"),
        there("of-another-server", "ann", "uid-of-anns-second", "Pending"),
        there("of-this-session", "ann", "uid-of-ann", "Failed"),
        there("of-the-last", "ann", "uid-of-ann", "Failed", "spark-0"),
        there("bobs", "bob", "uid-of-bob", "Running"),
        there("bobs-last", "bob", "uid-of-bob", "Failed", "spark-0"),
    ]
    assert executors.counted(all_there, SERVER) == 2
    assert executors.over(all_there, SERVER, "spark-1", 4) == ["of-the-last"]


def test_of_those_that_ended_a_driver_hears_and_no_more_of_them_are_kept() -> None:
    ended = [there(f"ended-{at}", "ann", "uid-of-ann", "Failed", at=at) for at in (3, 1, 2)]
    running = there("running", "ann", "uid-of-ann", "Running")
    assert executors.over([*ended, running], SERVER, "spark-1", 2) == ["ended-1"]


def test_a_driver_learns_nothing_of_nodes() -> None:
    told = executors.shown(there("running", "ann", "uid-of-ann", "Running"))
    assert told["status"] == {"phase": "Running"}
    assert "node" not in json.dumps(told)
