"""Runs in the image: a driver of Spark and its executor, and a gateway in which a pod is a process.

Says as JSON what the driver asked for, and what came of its work.
"""

import json
import os
import subprocess
import tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from pyspark.sql import SparkSession

ASKED: list[tuple[str, str, str]] = []
PODS: dict[str, dict[str, Any]] = {}
LIST = {"kind": "PodList", "apiVersion": "v1", "metadata": {}}
DONE = {"kind": "Status", "apiVersion": "v1", "status": "Success"}


class Gateway(BaseHTTPRequestHandler):
    """Makes, lists and ends."""

    def answer(self, said: dict[str, Any], status: int = 200) -> None:
        ASKED.append((self.command, self.path.split("?")[0], self.headers.get("Authorization", "")))
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        pod = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        folder = Path(tempfile.mkdtemp())
        (container,) = pod["spec"]["containers"]
        for one in container["env"]:
            if "value" in one:
                (folder / one["name"]).write_text(one["value"])
        address = {"POD_ADDRESS": os.environ["OWN"], "PATH": os.environ["PATH"]}
        command = ("/opt/jhub-docker/bin/spark-executor", str(folder))
        subprocess.Popen(command, env=address, stdout=subprocess.DEVNULL)
        name = f"spark-{len(PODS)}"
        about = {"name": name, "namespace": "team", "labels": pod["metadata"]["labels"]}
        made = {"kind": "Pod", "apiVersion": "v1", "metadata": about, "spec": {}}
        PODS[name] = {**made, "status": {"phase": "Running"}}
        PODS[name]["asked"] = container["resources"]["limits"]
        self.answer(PODS[name], 201)

    def do_GET(self) -> None:
        self.answer({**LIST, "items": list(PODS.values())})

    def do_DELETE(self) -> None:
        self.answer(DONE)

    def log_message(self, *_: object) -> None:
        """Nothing."""


server = ThreadingHTTPServer(("127.0.0.1", 8000), Gateway)
Thread(target=server.serve_forever, daemon=True).start()
spark = SparkSession.builder.master("k8s://http://spark-gateway:8000").getOrCreate()
doubled = spark.sparkContext.parallelize(range(100), 4).map(lambda one: (2 * one, os.getppid()))
sums, parents = zip(*doubled.collect(), strict=True)
spark.stop()
print(
    json.dumps(
        {
            "sum": sum(sums),
            "elsewhere": os.getpid() not in parents,
            "asked": sorted({(how, where) for how, where, _ in ASKED}),
            "as": sorted({who for *_, who in ASKED}),
            "limits": [one["asked"] for one in PODS.values()],
        }
    )
)
