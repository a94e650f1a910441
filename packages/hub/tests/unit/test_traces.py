"""Starts as traces, sent to a receiver that reads them as OpenTelemetry says they are written."""

import gzip
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from hub_config import traces
from hub_config.told import Stage, Stages
from hub_config.tracing import Visit


class Receiver(HTTPServer):
    """A collector's OTLP receiver, by HTTP."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.got: list[tuple[str, ExportTraceServiceRequest]] = []
        threading.Thread(target=self.serve_forever).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answer(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        asked = ExportTraceServiceRequest()
        asked.ParseFromString(body)
        self.server.got.append((self.path, asked))
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.end_headers()
        self.wfile.write(ExportTraceServiceResponse().SerializeToString())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made
        traces.end()
        made.shutdown()


def start(result: str = "ok") -> int:
    """A start with two stages; when it began."""
    stages = Stages()
    for stage in (Stage.IMAGE, Stage.SERVER):
        stages.tell(stage)
    stages.end()
    stages.begin()  # as the hub forgets a start that failed
    began = stages.times[0][1] - 1000
    visit = Visit("request-1")
    told = ("ann", "lab", "uv-lab-small", visit)
    traces.started(*told, began=began, stages=stages.times, result=result)
    return began


def attributes(one: Any) -> dict[str, str]:
    return {pair.key: pair.value.string_value for pair in one.attributes}


def test_a_start_is_one_trace_with_its_stages(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test")
    traces.begin()
    began = start()
    start("failed (memory)")
    traces.end()
    spans = []
    for path, asked in receiver.got:
        assert path == "/v1/traces"
        for resource in asked.resource_spans:
            said = attributes(resource.resource)
            assert said["service.name"] == "jupyterhub"
            assert said["deployment.environment"] == "test"
            spans += [one for scope in resource.scope_spans for one in scope.spans]
    good, bad = (one for one in spans if not one.parent_span_id)
    assert good.start_time_unix_nano == began
    assert attributes(good) == {
        "enduser.id": "ann",
        "jupyterhub.server": "lab",
        "jupyterhub.profile": "uv-lab-small",
        "jupyterhub.request": "request-1",
        "jupyterhub.result": "ok",
    }
    stages = [one for one in spans if one.parent_span_id == good.span_id]
    assert {one.name for one in stages} == {"image", "server"}
    assert {one.trace_id for one in stages} == {good.trace_id} != {bad.trace_id}
    for one in stages:
        inside = (began, one.start_time_unix_nano, one.end_time_unix_nano, good.end_time_unix_nano)
        assert list(inside) == sorted(inside)
    assert (bad.status.code, bad.status.message) == (2, "failed (memory)")


def test_a_collector_that_is_away_fails_no_start(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:9/v1/traces")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    with caplog.at_level(logging.CRITICAL):
        traces.begin()
        start()
        traces.end()
    assert not receiver.got


def test_without_one_nothing_of_it_is_loaded() -> None:
    script = (
        "import sys; from hub_config import traces; traces.begin({}); traces.end()\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    assert subprocess.check_output([sys.executable, "-c", script], text=True).strip() == "[]"
