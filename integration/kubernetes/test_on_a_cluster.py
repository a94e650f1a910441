"""A person's path and bad days on a real cluster: as on one host, in the same words.

What is seen here holds for that cluster's version, and says nothing of network policies unless it
enforces them (`./dev invoke k8s.check`).
"""

import re
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from jhub_docker import catalog as catalogs
from jhub_docker.catalog.packages import ImageSpec
from jhub_testing import steps
from jhub_testing.cluster import TINY, ClusterPlatform, killed, offered
from jhub_testing.person import MakePerson, Person
from jhub_testing.waiting import PATIENCE, wait_until

IMAGES = offered(catalogs.load(Path(__file__).parents[2] / "packages"))


@dataclass(frozen=True)
class Case:
    """An image that the nodes have, and someone to use it."""

    image: ImageSpec
    person: Person
    platform: ClusterPlatform

    def is_gone(self) -> bool:
        return not self.platform.servers(self.person.name)


@pytest.fixture(scope="module", params=IMAGES, ids=lambda image: image.name)
def case(
    request: pytest.FixtureRequest, make_person: MakePerson, platform: ClusterPlatform
) -> Case:
    image: ImageSpec = request.param
    # A name with what Kubernetes takes in no name of its own.
    person = make_person(re.sub(r"\W", "", image.name) + ".us-er")
    person.choose(f"{image.name}-small")
    return Case(image, person, platform)


def test_the_nodes_have_images_for_people() -> None:
    assert IMAGES, "the cluster's nodes have none of the images; none are pulled for tests"


def test_default_page(case: Case) -> None:
    steps.opens_its_page(case.person, case.image)


def test_sockets_behind_it(case: Case) -> None:
    steps.works_behind_it(case.person, case.image)


def test_requests_and_limits_are_those_of_the_profile(case: Case) -> None:
    (pod,) = case.platform.servers(case.person.name)
    resources = pod["spec"]["containers"][0]["resources"]
    profile = case.image.profiles["small"]
    memory = str(int(profile.mem_limit.removesuffix("G")) * 2**30)
    assert resources["limits"]["memory"] == resources["requests"]["memory"] == memory
    assert float(resources["limits"]["cpu"]) == profile.cpu_limit


def test_files_are_there_after_stop_and_respawn(case: Case) -> None:
    steps.finds_files_again(case.person, case.image, case.is_gone)


def test_a_pod_that_somebody_deletes_is_missed_and_its_files_are_not(case: Case) -> None:
    (pod,) = case.platform.servers(case.person.name)
    case.platform.own("delete", "pod", pod["metadata"]["name"], "--wait=false")

    def noticed() -> bool:
        user = case.person.hub.get(f"api/users/{case.person.name}").json()
        return user["server"] is None and user["pending"] is None

    wait_until(noticed, "the hub to notice")
    case.person.choose(f"{case.image.name}-small")
    assert case.person.server.get("api/contents/kept.txt").ok


def test_a_hub_that_is_killed_finds_the_servers_again(case: Case) -> None:
    (before,) = case.platform.servers(case.person.name)
    which = "io.jhub-docker.component=hub"
    case.platform.own("delete", "pod", "-l", which, "--grace-period=0", "--force")
    assert case.person.server.get("api").ok, "connections do not go through the hub"
    case.platform.wait_until_ready()

    def known() -> bool:
        user = case.person.hub.get(f"api/users/{case.person.name}")
        return user.ok and user.json()["server"] is not None

    wait_until(known, "the hub to know the server", ignoring=(OSError, ValueError))
    (after,) = case.platform.servers(case.person.name)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert case.person.server.get("api/contents/kept.txt").ok


def api_answers(platform: ClusterPlatform) -> bool:
    platform.own("get", "pods")
    return True


def test_an_api_server_that_is_away_is_said_and_found_again(
    platform: ClusterPlatform, make_person: MakePerson
) -> None:
    ann, ben = make_person("ann"), make_person("ben")
    ann.choose("uv-marimo-small")
    (before,) = platform.servers("ann")
    with killed("kube-apiserver"):
        back = time.monotonic() + 60  # as long as it is to be away

        def minute_is_over() -> bool:
            assert ann.server.get("api").ok, "a server needs no API server"
            assert ann.is_logged_in()
            return time.monotonic() > back

        answer = ben.start_by_api({"profile": "uv-marimo-small"})

        def told() -> bool:
            page = ben.hub.get(f"spawn-pending/{ben.name}").text
            return "The hub cannot reach the cluster" in answer.text + page

        wait_until(told, "the reason to be told")
        wait_until(minute_is_over, "the minute to be over")
    wait_until(lambda: api_answers(platform), "the API server", ignoring=AssertionError)
    wait_until(lambda: "uv-marimo-small" in ben.offered(), "the hub to find it again")
    ben.choose("uv-marimo-small")
    (after,) = platform.servers("ann")
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert ann.server.get("api").ok


def test_a_kubelet_that_is_killed_holds_starts_up_and_ends_nothing(
    platform: ClusterPlatform, make_person: MakePerson
) -> None:
    cat, dan = make_person("cat"), make_person("dan")
    cat.choose("uv-marimo-small")
    (before,) = platform.servers("cat")
    with killed("kubelet"):
        dan.fill("spawn", "profile", profile="uv-marimo-small")
        wait_until(lambda: bool(platform.servers("dan")), "a pod that no node starts")
        assert cat.server.get("api").ok, "a server needs no kubelet"
    dan.wait_until_served()
    wait_until(lambda: cat.server.get("api").ok, "the server", ignoring=OSError)
    (after,) = platform.servers("cat")
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    # It calls no pod ready before its own probes do, so connections that are new were refused.
    platform.wait_until_ready()
    wait_until(
        lambda: requests.get(platform.url, timeout=PATIENCE).ok, "the way in", ignoring=OSError
    )


def test_want_of_memory_is_said_as_on_docker(make_person: MakePerson) -> None:
    person = make_person("tina")
    answer = person.start_by_api({"profile": TINY})

    def told() -> bool:
        page = person.hub.get(f"spawn-pending/{person.name}").text
        return "It needed more memory than the" in answer.text + page

    wait_until(told, "the reason to be told")
