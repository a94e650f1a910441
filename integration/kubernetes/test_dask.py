"""A sum on two workers, on a real cluster: as pods of the server's image, within limits, and gone
with the server.
"""

import json
from collections.abc import Mapping
from typing import Any

from jhub_testing.cluster import DASK_LIMITS, ClusterPlatform
from jhub_testing.kernel import Kernel
from jhub_testing.person import MakePerson
from jhub_testing.waiting import PATIENCE, wait_until

# A cluster that does not end with its kernel ends with the server.
CLUSTER = """
import json, warnings
from dask_gateway import Gateway
cluster = Gateway().new_cluster(shutdown_on_close=False)
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    cluster.scale(40)
client = cluster.get_client()
"""

SUM = f"""
client.wait_for_workers(2, timeout={PATIENCE})
def squared(number):
    import socket
    return number ** 2, socket.gethostname()
found = client.gather(client.map(squared, range(200)))
print(json.dumps({{
    "sum": sum(number for number, _ in found),
    "where": sorted({{place for _, place in found}}),
    "told": [str(one.message) for one in told],
    "link": cluster.dashboard_link,
}}))
"""

ONE_MORE = """
try:
    Gateway().new_cluster()
except ValueError as error:
    print(error)
"""


def image(pod: Mapping[str, Any]) -> str:
    """What its container is started from."""
    named: str = pod["spec"]["containers"][0]["image"]
    return named


def test_a_sum_on_two_workers_ends_with_the_server(
    make_person: MakePerson, platform: ClusterPlatform
) -> None:
    assert platform.values["dask"]["enabled"], "the cluster's nodes lack packages/gateways"
    person = make_person("dora")
    person.choose("uv-lab-small")
    with Kernel(person.server) as kernel:
        kernel.execute(CLUSTER)
        said = json.loads(kernel.execute(SUM))
        refused = kernel.execute(ONE_MORE)
    assert said["sum"] == sum(number**2 for number in range(200))
    pods = {one["metadata"]["name"]: one for one in platform.items("pods", "dask")}
    assert len(pods) == 3, "a scheduler and as many workers as one may have"
    assert set(said["where"]) <= set(pods)
    (server,) = platform.servers("dora")
    assert {image(one) for one in pods.values()} == {image(server)}
    assert f"limit of {DASK_LIMITS['workers']} workers" in said["told"][0]
    assert "as many Dask clusters as one may have here (1)" in refused
    page = person.server.get(said["link"].split("/user/dora/", 1)[1])
    assert page.ok, page.status_code
    assert "Dask" in page.text, page.text[:300]
    person.stop()
    wait_until(lambda: not platform.items("pods", "dask"), "the cluster to go with its server")
