"""A count on two executors of Spark, on a real cluster: as pods of the server's image, within
limits, and gone with the server.
"""

import json
import re

from jhub_testing.cluster import SPARK_LIMITS, ClusterPlatform
from jhub_testing.kernel import Kernel
from jhub_testing.person import MakePerson
from jhub_testing.waiting import PATIENCE, wait_until

SESSION = """
from pyspark.sql import SparkSession
builder = SparkSession.builder.master("k8s://http://spark-gateway:8000")
try:
    builder.config("spark.executor.instances", 40).getOrCreate()
except Exception as error:
    print(str(error))
"""

COUNT = f"""
import json, socket, time
spark = builder.config("spark.executor.instances", 2).getOrCreate()
context, deadline = spark.sparkContext, time.monotonic() + {PATIENCE}
while context._jsc.sc().getExecutorMemoryStatus().size() < 3 and time.monotonic() < deadline:
    time.sleep(0.2)
def place(_):
    import socket
    return socket.gethostname()
where = sorted(set(context.parallelize(range(200), 200).map(place).collect()))
print(json.dumps({{
    "count": spark.range(1_000_000).repartition(8).count(),
    "where": where,
    "driver": socket.gethostname(),
}}))
"""


def test_a_count_on_two_executors_ends_with_the_server(
    make_person: MakePerson, platform: ClusterPlatform
) -> None:
    assert platform.values["spark"]["enabled"], "the cluster's nodes lack packages/gateways"
    person = make_person("sarah")
    person.choose("uv-lab-spark-small")
    with Kernel(person.server) as kernel:
        refused = kernel.execute(SESSION)
        # Java's own words are in the notebook too, and where they end is no line's end.
        said = json.loads(re.findall(r'\{"count".*\}', kernel.execute(COUNT))[-1])
        pods = {one["metadata"]["name"]: one for one in platform.items("pods", "spark")}
        assert said["count"] == 1_000_000
        assert said["where"] == sorted(pods), "one place is one pod"
        assert len(pods) == SPARK_LIMITS["executors"]
        assert said["driver"] not in pods
        assert f"max executor number {SPARK_LIMITS['executors']}" in refused
        (server,) = platform.servers("sarah")
        images = {one["spec"]["containers"][0]["image"] for one in (server, *pods.values())}
        assert len(images) == 1
        person.stop()
    wait_until(lambda: not platform.items("pods", "spark"), "executors to go with their server")
