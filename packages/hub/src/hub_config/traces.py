"""Each start of a server as a trace, where OpenTelemetry's own variables say who collects traces.

Nothing of OpenTelemetry is loaded, and none of its memory taken, unless one of them is set
(OpenTelemetry specification 1.50, OTLP exporter configuration).
"""

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

from hub_config.tracing import Visit

VARIABLES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

SERVICE = "jupyterhub"
"""What the platform is called there, unless OTEL_SERVICE_NAME says otherwise."""

Stage = tuple[str, int, int]
"""What was done, its begin and its end, in nanoseconds since the epoch."""

_provider: Any = None


def begin(environ: Mapping[str, str] = os.environ) -> None:
    """From now on starts are told to whom the variables name; called once, at the hub's start."""
    global _provider  # noqa: PLW0603  one for the whole process
    if not any(environ.get(name) for name in VARIABLES):
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    name = environ.get("OTEL_SERVICE_NAME") or SERVICE
    # A collector that is away holds nobody up: a thread sends, and drops what it cannot.
    _provider = TracerProvider(resource=Resource.create({"service.name": name}))
    _provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))


def end() -> None:
    """Send what waits, and tell nothing more."""
    global _provider  # noqa: PLW0603
    if _provider is not None:
        _provider.shutdown()
    _provider = None


def started(
    name: str,
    server: str,
    profile: str,
    visit: Visit,
    *,
    began: int,
    stages: Sequence[Stage],
    result: str,
) -> None:
    """A start is over, for better or worse: one span, and one for each of its stages in it."""
    if _provider is None:
        return
    from opentelemetry import trace  # noqa: PLC0415
    from opentelemetry.context import Context  # noqa: PLC0415

    tracer = _provider.get_tracer(__package__)
    attributes = {
        "enduser.id": name,
        "jupyterhub.server": server,
        "jupyterhub.profile": profile,
        "jupyterhub.request": visit.id,
        "jupyterhub.result": result,
    }
    span = tracer.start_span(
        "start", Context(), trace.SpanKind.SERVER, attributes, start_time=began
    )
    inside = trace.set_span_in_context(span)
    for stage, first, last in stages:
        tracer.start_span(stage, inside, start_time=first).end(last)
    if result != "ok":
        span.set_status(trace.StatusCode.ERROR, result)
    span.end(time.time_ns())
