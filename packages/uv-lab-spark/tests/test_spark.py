"""Spark as people use it: a first session without a word about memory, and its pages; and as it
asks a platform for executors.
"""

import json
from pathlib import Path

from bs4 import BeautifulSoup

from jhub_testing.kernel import Kernel
from jhub_testing.subject import Subject

GB = 2**30
LIMITS = {"mem_limit": 2 * GB, "memswap_limit": 2 * GB, "nano_cpus": 1_500_000_000}

SESSION = "from pyspark.sql import SparkSession; spark = SparkSession.builder.getOrCreate()"

SIZE = """
runtime = spark._jvm.java.lang.Runtime.getRuntime()
print(runtime.maxMemory(), spark.sparkContext.defaultParallelism)
"""

FRAMES = """
import pandas
numbers = spark.createDataFrame(pandas.DataFrame({"a": [1, 2, 2]}))
doubled = numbers.groupby("a").applyInPandas(lambda part: part * 2, "a long")
print(doubled.agg({"a": "sum"}).toPandas().iloc[0, 0])
"""
"""There and back by Arrow, and through a worker of Python's."""


def test_a_session_has_the_servers_limits_and_its_pages_are_behind_the_proxy(
    subject: Subject,
) -> None:
    with (
        subject.booted(trust=str(subject.peer.bundle), **LIMITS) as server,
        Kernel(server.client) as kernel,
    ):
        kernel.execute(SESSION)
        heap, cores = map(int, kernel.execute(SIZE).split()[-2:])
        assert 0.9 * GB < heap <= GB
        assert cores == 2
        assert "100000" in kernel.execute("print(spark.range(100_000).repartition(3).count())")
        assert kernel.execute(FRAMES).split()[-1] == "10"
        # Java trusts the operator, who alone knows the peer's CA.
        fetch = f"print(spark._jvm.java.net.URL('{subject.peer.index}').openStream().read() > 0)"
        assert kernel.execute(fetch).split()[-1] == "True"
        link = kernel.execute("print(spark.sparkContext.uiWebUrl)").strip()
        prefix = server.environment()["JUPYTERHUB_SERVICE_PREFIX"]
        # The page, by the link and by where it sends a browser on; all of it is behind the proxy.
        assert link == f"{prefix}proxy/4040/jobs/"
        for address in ("proxy/4040/jobs/", "proxy/4040/"):
            page = server.client.get(address)
            assert "Completed Jobs" in page.text, (page.status_code, page.url, page.text[:500])
            parts = BeautifulSoup(page.text, "html.parser").select("link[href], script[src]")
            wanted = {str(part.get("href") or part.get("src")) for part in parts}
            assert wanted
            assert all(one.startswith(prefix) for one in wanted), wanted
            for one in wanted:
                assert server.client.get(one.removeprefix(prefix)).status_code == 200, one


DRIVING = Path(__file__).with_name("driving.py").read_text(encoding="utf-8")


def test_a_driver_asks_for_executors_as_the_gateway_answers(subject: Subject) -> None:
    """In one container; as pods they are the business of `integration/kubernetes`."""
    said = subject.engine.run(
        subject.reference,
        ["sh", "-c", 'OWN=$(hostname -i) exec python -c "$0"', DRIVING],
        environment={
            "JHUB_SPARK_EXECUTORS": "1",
            "JHUB_SPARK_EXECUTOR_MEMORY": "1G",
            "JHUB_SPARK_EXECUTOR_CPUS": "1",
            "JUPYTERHUB_API_TOKEN": "of-the-server",
        },
        extra_hosts={"spark-gateway": "127.0.0.1"},
    )
    found = json.loads(said.splitlines()[-1])
    assert found["sum"] == sum(range(0, 200, 2))
    assert found["elsewhere"], "Python's part runs beside the executor"
    pods = "/api/v1/namespaces/default/pods"
    assert found["asked"] in (
        [["DELETE", pods], ["GET", pods], ["POST", pods]],
        [["DELETE", pods], ["POST", pods]],  # done before it looked after them
    )
    assert found["as"] == ["Bearer of-the-server"]
    assert found["limits"] == [{"memory": "1024Mi"}]
