"""Servers as pods: what records mean, what pods and claims ask for, what becomes of failures."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernetes_asyncio.client import ApiException
from pydantic import ValidationError

from hub_config import SettingsError, names
from hub_config.first_start import Places, make_secrets, read_all, read_secret, take_over
from hub_config.login.door import Service
from hub_config.offer.images import DeclaredImages
from hub_config.offer.profiles import Profile
from hub_config.offer.room import HostFacts
from hub_config.reconcile.differences import Known, differences
from hub_config.runtime import cluster, kubernetes, records
from hub_config.runtime.cluster import Storage
from hub_config.runtime.interface import AwayError, Place, Volume
from hub_config.runtime.kubernetes import KubernetesRuntime
from hub_config.settings import Settings, reading
from hub_config.settings.gpus import Gpus
from hub_config.settings.tables import DeclaredImage
from hub_config.spawning import pod_spawner, pods
from hub_config.spawning.folders import Folder
from hub_config.spawning.pod_spawner import UserPodSpawner

GB = 2**30
PROFILE = Profile(
    *("uv-lab-small", "small", "registry.example/uv-lab@sha256:1", "JupyterLab", "", 8888, "/lab"),
    memory=2 * GB,
    cpu_limit=2,
)


def pod(**status: Any) -> dict[str, Any]:
    """A record of ann's pod."""
    return {
        "metadata": {
            "name": "jupyter-a--2db",
            "uid": "one",
            "annotations": {names.NAME: "jupyter-a_2db", names.USER: "a-b", names.SERVER: ""},
        },
        "spec": {
            "containers": [
                {"resources": {"limits": {"memory": "2Gi"}, "requests": {"cpu": "500m"}}}
            ]
        },
        "status": status,
    }


def states(**state: Any) -> dict[str, Any]:
    return {"containerStatuses": [{"state": state}]}


def test_a_pod_that_runs_is_known_by_its_annotations() -> None:
    found = cluster.container(pod(phase="Running", podIP="10.1.1.1", **states(running={})))
    assert (found.name, found.key, found.address) == ("jupyter-a_2db", ("a-b", ""), "10.1.1.1")
    assert (found.memory, found.cpus, found.runs, found.why) == (2 * GB, 0.5, True, "")


def test_a_pod_whose_image_is_being_fetched_has_no_address_yet_and_has_not_ended() -> None:
    waits = states(waiting={"reason": "ContainerCreating"})
    found = cluster.container(pod(phase="Pending", podIP="10.1.1.1", **waits))
    assert (found.address, found.runs) == ("", True)


@pytest.mark.parametrize(("code", "reason"), [(137, "OOMKilled"), (0, "Completed"), (3, "Error")])
def test_ends_are_told_in_the_words_of_docker(code: int, reason: str) -> None:
    ended = states(terminated={"exitCode": code, "reason": reason})
    found = cluster.container(pod(phase="Failed", **ended))
    state = {"ExitCode": code, "OOMKilled": reason == "OOMKilled"}
    assert found.why == records.why({"State": state, "HostConfig": {"Memory": 2 * GB}})
    assert found.starved is (reason == "OOMKilled")
    assert not found.runs


def test_what_the_cluster_ends_or_cannot_start_is_told_in_its_words() -> None:
    evicted = cluster.container(pod(phase="Failed", reason="Evicted", message="low on memory"))
    assert evicted.why == "The cluster ended it (Evicted): low on memory"
    waits = states(waiting={"reason": "ImagePullBackOff", "message": "no such image"})
    assert cluster.container(pod(phase="Pending", **waits)).why.endswith(": no such image.")


def test_events_become_stages_in_order() -> None:
    def event(reason: str, at: str, message: str = "") -> dict[str, Any]:
        return {"reason": reason, "message": message, "lastTimestamp": at, "metadata": {}}

    told = cluster.sentences(
        [event("Pulling", "2"), event("FailedScheduling", "1", "0/3 nodes"), event("Odd", "3")]
    )
    assert list(told) == ["No machine has room yet: 0/3 nodes", "Fetching the image"]


@pytest.mark.parametrize(
    ("text", "number"), [("2Gi", 2 * GB), ("500m", 0.5), ("1e3", 1000), ("4", 4), ("1.5G", 1.5e9)]
)
def test_quantities(text: str, number: float) -> None:
    assert cluster.amount(text) == number


async def test_admission_goes_by_the_least_quota_and_asks_no_machine(tmp_path: Any) -> None:
    quotas = [
        {"spec": {"hard": {"requests.memory": "64Gi", "requests.cpu": "16"}}},
        {"spec": {"hard": {"limits.memory": "32Gi", "pods": "9"}}},
    ]

    async def info() -> dict[str, Any]:
        return cluster.house(quotas)

    host = await HostFacts(tmp_path).now(info)
    assert (host.memory, host.memory_available, host.cpus) == (32 * GB, 32 * GB, 16)
    assert cluster.house([])["MemTotal"] == cluster.UNLIMITED


@given(st.text(min_size=1, max_size=9), st.text(max_size=5), st.text(min_size=1, max_size=9))
def test_names_of_pods_are_as_different_as_those_of_containers(
    one: str, server: str, other: str
) -> None:
    mine, theirs = names.container("j", one, server), names.container("j", other, "")
    assert (names.dns(mine) == names.dns(theirs)) == (mine == theirs)
    assert set(names.dns(mine)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_requests_are_what_was_promised() -> None:
    made = pods.size(PROFILE, Settings(gpu_profiles={"uv-lab-small"}, disk_limit_gb=5))
    assert made["mem_guarantee"] == made["mem_limit"] == 2 * GB
    assert made["cpu_guarantee"] == pods.CPU_AT_LEAST
    assert made["extra_resource_limits"] == {
        "ephemeral-storage": "5000000000",
        "nvidia.com/gpu": "1",
    }


def test_gpus_of_a_profile_are_a_limit_of_the_clusters_own_resource() -> None:
    slices = Gpus(count=2, kind="nvidia.com/mig-1g.10gb")
    made = pods.size(replace(PROFILE, gpus=slices), Settings())
    assert made["extra_resource_limits"] == {"nvidia.com/mig-1g.10gb": "2"}
    with pytest.raises(ValidationError, match="where it cannot be had"):
        Settings(runtime="kubernetes", gpu_devices="nvidia.com/gpu=0")


def test_a_pod_is_the_persons_and_has_no_rights() -> None:
    made = pods.rights(PROFILE, Settings(nb_uid=1234, read_only_root=True))
    assert made["pod_security_context"]["runAsUser"] == 1234
    assert made["automount_service_account_token"] is False
    assert made["container_security_context"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "readOnlyRootFilesystem": True,
    }


def test_home_and_folders_are_claims() -> None:
    folders = {"jupyterhub-shared-team": Folder("team", "read-only")}
    made = pods.volumes(PROFILE, Settings(), "jupyterhub-user-a_2db.2", folders)
    claims = [one.get("persistentVolumeClaim", {}).get("claimName") for one in made["volumes"]]
    assert claims[:2] == ["jupyterhub-user-a--2db.2", "jupyterhub-shared-team"]
    home, team, shm = made["volume_mounts"]
    assert home == {"name": "home", "mountPath": "/home/nebula"}
    assert team == {"name": "shared-0", "mountPath": "/srv/shared/team", "readOnly": True}
    assert shm["name"] == "shm"


def test_what_an_operator_adds_to_every_pod_stays() -> None:
    """As the chart does with a CA bundle, and a cloud's IAM wants a label."""
    ca = {"name": "ca", "mountPath": "/etc/x"}
    spawner = SimpleNamespace(
        enforced=Settings(),
        place=Place("a", "", "jupyter-a", "jupyter-a"),
        home=SimpleNamespace(database="here"),
        object_name="jupyter-a",
        extra_pod_config={"hostAliases": []},
        extra_labels={"azure.workload.identity/use": "true", cluster.COMPONENT: "hub"},
        extra_annotations={"a": "b"},
        extra_resource_limits={"example.org/fpga": "1"},
        volumes={"2": {"name": "later"}, "1": {"name": "ca"}},
        volume_mounts=[ca],
        _set=lambda traits: vars(spawner).update(traits),
    )
    UserPodSpawner.use_profile(spawner, PROFILE)  # type: ignore[arg-type]
    assert spawner.extra_labels["azure.workload.identity/use"] == "true"
    assert spawner.extra_labels[cluster.COMPONENT] == cluster.SERVER, "the policies go by it"
    assert {"a", names.USER} <= set(spawner.extra_annotations)
    assert spawner.extra_resource_limits["example.org/fpga"] == "1"
    assert set(spawner.extra_pod_config) == {"hostAliases", *pods.EXTRA}
    own = pods.volumes(PROFILE, Settings(), "home", {})
    for _ in range(2):
        both = pods.beside(spawner.operators, own)
        assert [one["name"] for one in both["volumes"]] == ["ca", "later", "home", "shm"]
        assert both["volume_mounts"] == [ca, *own["volume_mounts"]]


# -- settings ----------------------------------------------------------------------------------


@pytest.mark.parametrize("variable", ["JHUB_SUDO_PROFILES", "JHUB_CA_BUNDLE"])
def test_what_cannot_be_had_is_refused(variable: str) -> None:
    environ = {"JHUB_RUNTIME": "kubernetes", variable: "/a"}
    with pytest.raises(SettingsError, match=f"{variable}.*JHUB_RUNTIME=kubernetes"):
        reading.read(environ, None)


async def test_what_is_declared_is_on_offer_without_an_engine() -> None:
    declared = DeclaredImage.model_validate(
        {
            "reference": "elsewhere.example/uv-lab:1",
            "jupyterhub": "6.1.1",
            "name": "uv-lab",
            "profiles": {"small": {"mem_limit": "2G"}},
        }
    )
    settings = Settings(runtime="kubernetes", images=(declared,))
    store = DeclaredImages(settings)
    offer = await store.on_offer(None)
    assert [profile.key for profile in offer.profiles] == ["uv-lab-small"]
    await store.ensure(offer.profiles[0], None, print)


def test_mounted_secrets_are_used_and_the_ones_before_still_taken(places: Places) -> None:
    make_secrets(places)
    mounted = places.data / "mounted"
    mounted.mkdir()
    before = read_secret(places.cookie_secret)
    (mounted / "cookie_secret").write_text("a" * 64)
    (mounted / "proxy_token").write_text("b" * 64)
    for _ in range(2):
        take_over(mounted, places)
    assert read_all(places.cookie_secret) == ["a" * 64, before]
    assert read_secret(places.proxy_token) == "b" * 64


async def test_the_proxy_is_known_by_its_pods(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def found(name: str) -> Any:
        asked.append(name)
        return name, [], ["10.1.1.1"]

    monkeypatch.setattr("socket.gethostbyname_ex", found)
    service = Service("", "proxy")
    assert await service.is_at("10.1.1.1")
    assert not await service.is_at("10.1.1.2")
    assert set(asked) == {"proxy-pods"}


def test_a_hub_on_docker_carries_nothing_of_it() -> None:
    script = (
        "import sys; from traitlets.config import Config; from hub_config import concerns;"
        "print({'kubernetes_asyncio', 'kubespawner'} & set(sys.modules))"
    )
    told = subprocess.check_output([sys.executable, "-c", script], text=True)
    assert told.strip() == "set()"


# -- the API server ----------------------------------------------------------------------------


class Server:
    """The API server's answers to the calls a test makes; `things` are by method and name."""

    def __init__(self) -> None:
        self.pods: dict[str, Any] = {}
        self.claims: dict[str, Any] = {}
        self.secrets: dict[str, Any] = {}
        self.deleted: list[Any] = []
        self.fails: Callable[[], None] = lambda: None

    def __getattr__(self, method: str) -> Callable[..., Any]:
        kinds = {"claim": self.claims, "secret": self.secrets}
        kept = next((kept for kind, kept in kinds.items() if kind in method), self.pods)

        async def call(name: str = "", **named: Any) -> Any:
            self.fails()
            match method.partition("_")[0]:
                case "create":
                    name = named["body"]["metadata"]["name"]
                    if name in kept:
                        return answer(409, {"message": "already exists"})
                    kept[name] = named["body"]
                case "delete":
                    if name not in kept:
                        return answer(404, {"message": "not found"})
                    self.deleted.append(named.get("body"))
                    return answer(200, kept.pop(name))
                case "list":
                    return answer(200, {"items": list(kept.values())})
            return answer(200, kept[name]) if name in kept else answer(404, {})

        return call


def answer(status: int, record: Any) -> Any:
    async def read() -> bytes:
        return json.dumps(record).encode()

    return SimpleNamespace(status=status, reason="", read=read)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    made = Server()
    monkeypatch.setattr(kubernetes, "shared_client", lambda _: made)
    return made


@pytest.fixture
def runtime() -> KubernetesRuntime:
    return KubernetesRuntime("platform", "jh", Storage("fast", "5Gi"))


HOME = Volume("jupyterhub-user-a_2db", "a-b", "word", "base", "7")


async def test_a_home_is_a_claim_that_says_whose_it_is(
    server: Server, runtime: KubernetesRuntime
) -> None:
    assert await runtime.volume(HOME.name) is None
    assert await runtime.make_volume(HOME) == HOME
    spec = server.claims["jupyterhub-user-a--2db"]["spec"]
    assert (spec["storageClassName"], spec["accessModes"]) == ("fast", ["ReadWriteOnce"])
    other = Volume(HOME.name, "a-b", "another", "base", "8")
    assert await runtime.make_volume(other) == HOME, "the one that is there"
    assert (await runtime.view()).volumes == (HOME,)


def test_what_comes_from_an_engine_has_room_and_says_whose_it_is() -> None:
    """By the volume's labels, which say the same as a claim that the hub made."""
    storage = Storage("disks", "5Gi", "ReadWriteOnce", "files", "1Gi")
    said = {names.USER: HOME.user, names.HOME: HOME.token, names.OWNER: HOME.owner}
    labels = {**said, names.DATABASE: HOME.database}
    home = cluster.moved_claim(HOME.name, labels, 2 * GB, "platform", storage)
    assert home == cluster.home_claim(HOME, "platform", storage)
    assert cluster.volume(home) == HOME
    folder = {names.FOLDER: "team", names.HOME: "word"}
    made = cluster.moved_claim("shared-team", folder, 2 * GB, "platform", storage)
    assert made["spec"]["resources"]["requests"]["storage"] == str(2 * GB)
    assert made["spec"]["storageClassName"] == "files"


async def test_a_shared_folder_has_a_class_and_a_size_of_its_own(server: Server) -> None:
    """A cloud's disks are one node's at a time, and its file systems begin at a terabyte."""
    storage = Storage("disks", "5Gi", "ReadWriteOnce", "files", "1Ti")
    await KubernetesRuntime("platform", "jh", storage).make_folder("shared-team", "team", "word")
    assert server.claims["shared-team"]["spec"] == {
        "accessModes": ["ReadWriteMany"],
        "resources": {"requests": {"storage": "1Ti"}},
        "storageClassName": "files",
    }


async def test_admins_are_told_what_can_be_typed_on_a_cluster(
    server: Server, runtime: KubernetesRuntime
) -> None:
    server.pods["jupyter-a--2db"] = pod(phase="Running", **states(running={}))
    (found,) = differences(await runtime.view(), Known("another"))
    assert "kubectl delete pod jupyter-a--2db ends it" in found.sentence
    assert "docker" not in found.sentence


async def test_a_home_that_is_being_removed_is_handed_to_nobody(
    server: Server, runtime: KubernetesRuntime
) -> None:
    await runtime.make_volume(HOME)
    server.claims["jupyterhub-user-a--2db"]["metadata"]["deletionTimestamp"] = "now"
    assert await runtime.volume(HOME.name) is None
    assert (await runtime.view()).volumes == ()
    with pytest.raises(AwayError, match="is just being removed"):
        await runtime.make_volume(HOME)


async def test_a_pod_is_ended_by_its_uid(server: Server, runtime: KubernetesRuntime) -> None:
    server.pods["jupyter-a--2db"] = pod(phase="Running", **states(running={}))
    found = await runtime.look("jupyter-a_2db")
    assert found is not None
    await runtime.end(found)
    assert server.deleted == [{"gracePeriodSeconds": 10, "preconditions": {"uid": "one"}}]
    assert runtime.known == {}
    await runtime.end(found)  # gone already


async def test_a_pods_secrets_go_with_it(server: Server, runtime: KubernetesRuntime) -> None:
    made = await runtime.begin("jupyter-a_2db", pod())
    await runtime.hand_over("jupyter-a--2db-1", {"TOKEN": "word"}, made)
    secret = server.secrets["jupyter-a--2db-1"]
    assert secret["stringData"] == {"TOKEN": "word"}
    (owner,) = secret["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"], owner["name"]) == ("Pod", "one", "jupyter-a--2db")


async def test_a_pod_whose_record_alone_is_left_is_over(
    server: Server, runtime: KubernetesRuntime
) -> None:
    left = pod(phase="Running", **states(terminated={"exitCode": 143}))
    left["metadata"]["deletionTimestamp"] = "now"
    server.pods["jupyter-a--2db"] = left
    assert (await runtime.view()).containers == ()
    found = await runtime.look("jupyter-a_2db")
    assert found is not None
    assert (found.runs, found.why) == (False, cluster.REMOVED)

    def gone_at_the_second_question() -> None:
        server.fails = server.pods.clear

    server.fails = gone_at_the_second_question
    made = await runtime.begin("jupyter-a_2db", {**pod(), "metadata": {**pod()["metadata"]}})
    assert made.name == "jupyter-a_2db"


async def test_one_that_stops_waiting_stops_nothing(
    server: Server, runtime: KubernetesRuntime
) -> None:
    making = asyncio.ensure_future(runtime.make_volume(HOME))
    await asyncio.sleep(0)
    making.cancel()
    await runtime.settled("jupyterhub-user-a--2db")
    assert "jupyterhub-user-a--2db" in server.claims


async def test_an_api_server_that_is_away_is_no_end_of_servers(
    server: Server, runtime: KubernetesRuntime
) -> None:
    def fails() -> None:
        raise OSError("no route")

    server.fails = fails
    with pytest.raises(AwayError, match="no route"):
        await runtime.look("jupyter-a_2db")


@pytest.mark.parametrize(
    ("status", "message", "words", "code"),
    [
        (403, "pods x is forbidden: exceeded quota: platform", pod_spawner.NO_ROOM, 503),
        (403, "violates PodSecurity restricted", pod_spawner.REFUSED, 500),
        (409, "already exists", pod_spawner.CONFLICT, 409),
        (503, "etcd is away", pod_spawner.AWAY, 503),
    ],
)
async def test_what_the_cluster_refuses_is_said(
    server: Server, runtime: KubernetesRuntime, status: int, message: str, words: str, code: int
) -> None:
    def fails() -> None:
        refused = ApiException(status)
        refused.body = json.dumps({"message": message})
        raise refused

    server.fails = fails
    with pytest.raises(AwayError) as raised:
        await runtime.begin("jupyter-a_2db", {"metadata": {"name": "x"}})
    told = UserPodSpawner.trouble(SimpleNamespace(), raised.value)  # type: ignore[arg-type]
    assert told is not None
    assert told.jupyterhub_message.startswith(words)
    assert told.status_code == code
