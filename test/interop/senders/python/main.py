"""What `made.ts` says, made by the SDK of Python. Its exporters take their endpoint and compression from the environment."""

import json
import os
from importlib import import_module

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.metrics import Observation
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

PROTOCOL = {"grpc": "grpc", "http/protobuf": "http"}[os.environ["OTEL_EXPORTER_OTLP_PROTOCOL"]]
RESOURCE = Resource(
    {"service.name": "shop", "host.cpus": 2, "list": ["a", "b"]}, "https://schemas.example/resource"
)
SCOPE = ("checkout", "1.2.3")
SCHEMA_URL = "https://schemas.example/checkout"
ATTRIBUTES = {
    **{"text": "Grüße 🛒", "empty": "", "whole": 42, "negative": -7, "large": 2**53 - 1, "part": 0.5},
    **{"yes": True, "no": False, "words": ["a", ""], "numbers": [1, -2], "parts": [0.5, 1.5], "flags": [True, False]},
    **{"largest": 2**63 - 1, "whole double": 2.0},
}
REMOTE = SpanContext(
    trace_id=0x0AF7651916CD43DD8448EB211C80319C,
    span_id=0xB7AD6B7169203331,
    is_remote=True,
    trace_flags=TraceFlags(TraceFlags.SAMPLED),
    trace_state=TraceState([("vendor", "1")]),
)


def exporter(module, name):
    return getattr(import_module(f"opentelemetry.exporter.otlp.proto.{PROTOCOL}.{module}"), name)()


def at(seconds):
    return (1_700_000_000 + seconds) * 10**9 + 1


def inside(span):
    return set_span_in_context(span, Context())


def send_spans():
    limits = SpanLimits(max_events=2, max_links=2)
    provider = TracerProvider(resource=RESOURCE, span_limits=limits, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter("trace_exporter", "OTLPSpanExporter")))
    tracer = provider.get_tracer(*SCOPE, schema_url=SCHEMA_URL)
    caller = inside(NonRecordingSpan(REMOTE))
    order = tracer.start_span("POST /orders", caller, kind=SpanKind.SERVER, start_time=at(1))
    order.set_attributes(ATTRIBUTES)
    links = [Link(REMOTE, {"why": "retry"}), Link(order.get_span_context())]
    select = tracer.start_span("SELECT", inside(order), kind=SpanKind.CLIENT, links=links, start_time=at(2))
    select.add_event("retry", ATTRIBUTES, at(3))
    select.add_event("bare", timestamp=at(4))
    select.set_status(Status(StatusCode.ERROR, "gone 🛒"))
    publish = tracer.start_span("publish", inside(select), kind=SpanKind.PRODUCER, start_time=at(5))
    for _ in range(3):
        publish.add_event("same", timestamp=at(5))
        publish.add_link(order.get_span_context())
    publish.set_status(Status(StatusCode.OK))
    publish.end(at(6))
    select.end(at(8))
    order.end(at(9))
    root = tracer.start_span("root", Context(), start_time=at(7))
    root.end(at(7))
    provider.shutdown()
    return {"POST /orders": order, "SELECT": select, "publish": publish, "root": root}


def send_records(order):
    provider = LoggerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter("_log_exporter", "OTLPLogExporter")))
    logger = provider.get_logger(*SCOPE, schema_url=SCHEMA_URL)

    def emit(seconds, context=None, **fields):
        times = {"timestamp": at(seconds), "observed_timestamp": at(seconds + 100)}
        logger.emit(LogRecord(**times, context=context or Context(), **fields))

    severity = {"severity_number": SeverityNumber.INFO, "severity_text": "INFO"}
    emit(1, inside(order), body="an order came in", attributes=ATTRIBUTES, **severity)
    body = {"cart": ["a", 1], "inner": {"deep": True}, "bytes": bytes([0, 255])}
    emit(2, body=body, severity_number=SeverityNumber.FATAL)
    emit(3, event_name="cart.opened")
    emit(4, body=42, severity_number=SeverityNumber.TRACE)
    emit(5, body=0.5, severity_number=SeverityNumber.DEBUG)
    emit(6, body=True, severity_number=SeverityNumber.ERROR)
    provider.shutdown()


def send_points(order):
    times = {}
    exemplars = []
    reader = PeriodicExportingMetricReader(noting(exporter("metric_exporter", "OTLPMetricExporter"), times, exemplars))
    view = View(instrument_name="size", aggregation=ExponentialBucketHistogramAggregation())
    provider = MeterProvider([reader], RESOURCE, shutdown_on_exit=False, views=[view])
    meter = provider.get_meter(*SCOPE, schema_url=SCHEMA_URL)
    description = "Grüße 🛒"
    orders = meter.create_counter("orders", "{order}", description)
    orders.add(1, {"shop": "a"})
    orders.add(41, {"shop": "a"})
    orders.add(2**40, {"shop": "b", "cpus": 2})
    revenue = meter.create_counter("revenue", "EUR", description)
    revenue.add(0.25)
    revenue.add(0.5)
    meter.create_counter("spanned", "1", description).add(7, context=inside(order))
    opened = meter.create_up_down_counter("open", "1", description)
    opened.add(5)
    opened.add(-8)
    meter.create_gauge("load", "1", description).set(0.75)
    meter.create_gauge("queue", "1", description).set(17)
    meter.create_observable_counter("uptime", [lambda _: [Observation(2**41)]], "s", description)
    boundaries = {"explicit_bucket_boundaries_advisory": [1, 10, 100]}
    duration = meter.create_histogram("duration", "ms", description, **boundaries)
    for value in (0.5, 10, 1_000.25):
        duration.record(value)
    size = meter.create_histogram("size", "By", description)
    for value in (0, 1, 2, 4):
        size.record(value)
    provider.shutdown()
    [exemplar] = exemplars
    return times, exemplar


def noting(inner, times, exemplars):
    """The exporter, which notes the times of the points and of their exemplars."""
    export = inner.export

    def noted(metrics_data, *args, **kwargs):
        for of_resource in metrics_data.resource_metrics:
            for metric in (metric for of_scope in of_resource.scope_metrics for metric in of_scope.metrics):
                for point in metric.data.data_points:
                    name = " ".join([metric.name, *filter(None, [(point.attributes or {}).get("shop")])])
                    exemplars.extend(str(exemplar.time_unix_nano) for exemplar in point.exemplars)
                    times[name] = [str(point.start_time_unix_nano or 0), str(point.time_unix_nano)]
        return export(metrics_data, *args, **kwargs)

    inner.export = noted
    return inner


spans = send_spans()
send_records(spans["POST /orders"])
points, exemplar = send_points(spans["POST /orders"])
ids = {name: f"{span.get_span_context().span_id:016x}" for name, span in spans.items()}
root = spans["root"].get_span_context()
of_root = {"rootTraceId": f"{root.trace_id:032x}", "rootTraceFlags": int(root.trace_flags)}
print(json.dumps({**of_root, "spans": ids, "points": points, "exemplar": exemplar}))
