import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.common.KeyValue;
import io.opentelemetry.api.common.Value;
import io.opentelemetry.api.logs.LogRecordBuilder;
import io.opentelemetry.api.logs.Logger;
import io.opentelemetry.api.logs.Severity;
import io.opentelemetry.api.metrics.Meter;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.exporter.otlp.http.logs.OtlpHttpLogRecordExporter;
import io.opentelemetry.exporter.otlp.http.metrics.OtlpHttpMetricExporter;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.exporter.otlp.logs.OtlpGrpcLogRecordExporter;
import io.opentelemetry.exporter.otlp.metrics.OtlpGrpcMetricExporter;
import io.opentelemetry.exporter.otlp.trace.OtlpGrpcSpanExporter;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.logs.SdkLoggerProvider;
import io.opentelemetry.sdk.logs.export.BatchLogRecordProcessor;
import io.opentelemetry.sdk.logs.export.LogRecordExporter;
import io.opentelemetry.sdk.metrics.Aggregation;
import io.opentelemetry.sdk.metrics.InstrumentSelector;
import io.opentelemetry.sdk.metrics.InstrumentType;
import io.opentelemetry.sdk.metrics.SdkMeterProvider;
import io.opentelemetry.sdk.metrics.View;
import io.opentelemetry.sdk.metrics.data.AggregationTemporality;
import io.opentelemetry.sdk.metrics.data.MetricData;
import io.opentelemetry.sdk.metrics.export.MetricExporter;
import io.opentelemetry.sdk.metrics.export.PeriodicMetricReader;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.SpanLimits;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.time.Instant;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** What made.ts says, made by the SDK of Java. The environment says where its exporters send to, and how. */
final class Main {
  private static final boolean IS_GRPC = "grpc".equals(System.getenv("OTEL_EXPORTER_OTLP_PROTOCOL"));
  private static final String ENDPOINT = System.getenv("OTEL_EXPORTER_OTLP_ENDPOINT");
  private static final String COMPRESSION = System.getenv().getOrDefault("OTEL_EXPORTER_OTLP_COMPRESSION", "none");

  private static final String SCOPE = "checkout";
  private static final String VERSION = "1.2.3";
  private static final String SCHEMA_URL = "https://schemas.example/checkout";
  private static final String DESCRIPTION = "Grüße 🛒";
  private static final AttributeKey<String> SHOP = AttributeKey.stringKey("shop");

  private static final Resource RESOURCE =
      Resource.create(
          Attributes.builder()
              .put("service.name", "shop")
              .put("host.cpus", 2)
              .put("list", "a", "b")
              .build(),
          "https://schemas.example/resource");

  private static final Attributes ATTRIBUTES =
      Attributes.builder()
          .put("text", "Grüße 🛒")
          .put("empty", "")
          .put("whole", 42)
          .put("negative", -7)
          .put("large", (1L << 53) - 1)
          .put("part", 0.5)
          .put("yes", true)
          .put("no", false)
          .put("words", "a", "")
          .put("numbers", 1, -2)
          .put("parts", 0.5, 1.5)
          .put("flags", true, false)
          .put("largest", Long.MAX_VALUE)
          .put("whole double", 2.0)
          .build();

  private static final SpanContext REMOTE =
      SpanContext.createFromRemoteParent(
          "0af7651916cd43dd8448eb211c80319c",
          "b7ad6b7169203331",
          TraceFlags.getSampled(),
          TraceState.builder().put("vendor", "1").build());

  public static void main(String[] arguments) {
    Map<String, Span> spans = sendSpans();
    sendRecords(spans.get("POST /orders"));
    Noting noted = sendPoints(spans.get("POST /orders"));
    Map<String, String> ids = new LinkedHashMap<>();
    spans.forEach((name, span) -> ids.put(name, quoted(span.getSpanContext().getSpanId())));
    Map<String, String> printed = new LinkedHashMap<>();
    SpanContext root = spans.get("root").getSpanContext();
    printed.put("rootTraceId", quoted(root.getTraceId()));
    printed.put("rootTraceFlags", Integer.toString(root.getTraceFlags().asByte()));
    printed.put("spans", json(ids));
    printed.put("points", json(noted.times));
    printed.put("exemplar", noted.exemplar);
    System.out.println(json(printed));
  }

  private static Map<String, Span> sendSpans() {
    SdkTracerProvider provider =
        SdkTracerProvider.builder()
            .setResource(RESOURCE)
            .setSpanLimits(SpanLimits.builder().setMaxNumberOfEvents(2).setMaxNumberOfLinks(2).build())
            .addSpanProcessor(BatchSpanProcessor.builder(spanExporter()).build())
            .build();
    Tracer tracer =
        provider.tracerBuilder(SCOPE).setInstrumentationVersion(VERSION).setSchemaUrl(SCHEMA_URL).build();
    Span order =
        tracer
            .spanBuilder("POST /orders")
            .setSpanKind(SpanKind.SERVER)
            .setParent(Context.root().with(Span.wrap(REMOTE)))
            .setStartTimestamp(at(1))
            .startSpan();
    order.setAllAttributes(ATTRIBUTES);
    Span select =
        tracer
            .spanBuilder("SELECT")
            .setSpanKind(SpanKind.CLIENT)
            .setParent(Context.root().with(order))
            .setStartTimestamp(at(2))
            .addLink(REMOTE, Attributes.builder().put("why", "retry").build())
            .addLink(order.getSpanContext())
            .startSpan();
    select.addEvent("retry", ATTRIBUTES, at(3));
    select.addEvent("bare", at(4));
    select.setStatus(StatusCode.ERROR, "gone 🛒");
    Span publish =
        tracer
            .spanBuilder("publish")
            .setSpanKind(SpanKind.PRODUCER)
            .setParent(Context.root().with(select))
            .setStartTimestamp(at(5))
            .startSpan();
    for (int count = 0; count < 3; count++) {
      publish.addEvent("same", at(5));
      publish.addLink(order.getSpanContext());
    }
    publish.setStatus(StatusCode.OK);
    publish.end(at(6));
    select.end(at(8));
    order.end(at(9));
    Span root = tracer.spanBuilder("root").setNoParent().setStartTimestamp(at(7)).startSpan();
    root.end(at(7));
    shutDown(provider.shutdown());
    return Map.of("POST /orders", order, "SELECT", select, "publish", publish, "root", root);
  }

  private static void sendRecords(Span order) {
    SdkLoggerProvider provider =
        SdkLoggerProvider.builder()
            .setResource(RESOURCE)
            .addLogRecordProcessor(BatchLogRecordProcessor.builder(logExporter()).build())
            .build();
    Logger logger =
        provider.loggerBuilder(SCOPE).setInstrumentationVersion(VERSION).setSchemaUrl(SCHEMA_URL).build();
    record(logger, 1)
        .setContext(Context.root().with(order))
        .setBody("an order came in")
        .setSeverity(Severity.INFO)
        .setSeverityText("INFO")
        .setAllAttributes(ATTRIBUTES)
        .emit();
    record(logger, 2)
        .setBody(
            Value.of(
                KeyValue.of("cart", Value.of(Value.of("a"), Value.of(1))),
                KeyValue.of("inner", Value.of(KeyValue.of("deep", Value.of(true)))),
                KeyValue.of("bytes", Value.of(new byte[] {0, (byte) 255}))))
        .setSeverity(Severity.FATAL)
        .emit();
    record(logger, 3).setEventName("cart.opened").emit();
    record(logger, 4).setBody(Value.of(42)).setSeverity(Severity.TRACE).emit();
    record(logger, 5).setBody(Value.of(0.5)).setSeverity(Severity.DEBUG).emit();
    record(logger, 6).setBody(Value.of(true)).setSeverity(Severity.ERROR).emit();
    shutDown(provider.shutdown());
  }

  private static LogRecordBuilder record(Logger logger, long seconds) {
    return logger
        .logRecordBuilder()
        .setContext(Context.root())
        .setTimestamp(at(seconds))
        .setObservedTimestamp(at(seconds + 100));
  }

  private static Noting sendPoints(Span order) {
    Noting exporter = new Noting(metricExporter());
    SdkMeterProvider provider =
        SdkMeterProvider.builder()
            .setResource(RESOURCE)
            .registerMetricReader(PeriodicMetricReader.create(exporter))
            .registerView(
                InstrumentSelector.builder().setName("size").build(),
                View.builder().setAggregation(Aggregation.base2ExponentialBucketHistogram()).build())
            .build();
    Meter meter = provider.meterBuilder(SCOPE).setInstrumentationVersion(VERSION).setSchemaUrl(SCHEMA_URL).build();
    var orders = meter.counterBuilder("orders").setUnit("{order}").setDescription(DESCRIPTION).build();
    orders.add(1, Attributes.of(SHOP, "a"));
    orders.add(41, Attributes.of(SHOP, "a"));
    orders.add(1L << 40, Attributes.builder().put(SHOP, "b").put("cpus", 2).build());
    var revenue = meter.counterBuilder("revenue").ofDoubles().setUnit("EUR").setDescription(DESCRIPTION).build();
    revenue.add(0.25);
    revenue.add(0.5);
    meter
        .counterBuilder("spanned")
        .setUnit("1")
        .setDescription(DESCRIPTION)
        .build()
        .add(7, Attributes.empty(), Context.root().with(order));
    var open = meter.upDownCounterBuilder("open").setUnit("1").setDescription(DESCRIPTION).build();
    open.add(5);
    open.add(-8);
    meter.gaugeBuilder("load").setUnit("1").setDescription(DESCRIPTION).build().set(0.75);
    meter.gaugeBuilder("queue").ofLongs().setUnit("1").setDescription(DESCRIPTION).build().set(17);
    meter
        .counterBuilder("uptime")
        .setUnit("s")
        .setDescription(DESCRIPTION)
        .buildWithCallback(measurement -> measurement.record(1L << 41));
    var duration =
        meter
            .histogramBuilder("duration")
            .setUnit("ms")
            .setDescription(DESCRIPTION)
            .setExplicitBucketBoundariesAdvice(List.of(1.0, 10.0, 100.0))
            .build();
    for (double value : new double[] {0.5, 10, 1_000.25}) duration.record(value);
    var size = meter.histogramBuilder("size").setUnit("By").setDescription(DESCRIPTION).build();
    for (double value : new double[] {0, 1, 2, 4}) size.record(value);
    shutDown(provider.shutdown());
    return exporter;
  }

  /** Exports, and notes the times of the points and of the exemplar. */
  private static final class Noting implements MetricExporter {
    final Map<String, String> times = new LinkedHashMap<>();
    String exemplar;
    private final MetricExporter inner;

    Noting(MetricExporter inner) {
      this.inner = inner;
    }

    @Override
    public CompletableResultCode export(Collection<MetricData> metrics) {
      for (MetricData metric : metrics) {
        for (var point : metric.getData().getPoints()) {
          for (var each : point.getExemplars()) exemplar = quoted(Long.toString(each.getEpochNanos()));
          String shop = point.getAttributes().get(SHOP);
          String name = metric.getName() + (shop == null ? "" : " " + shop);
          String start = quoted(Long.toString(point.getStartEpochNanos()));
          String end = quoted(Long.toString(point.getEpochNanos()));
          times.put(name, "[" + start + "," + end + "]");
        }
      }
      return inner.export(metrics);
    }

    @Override
    public CompletableResultCode flush() {
      return inner.flush();
    }

    @Override
    public CompletableResultCode shutdown() {
      return inner.shutdown();
    }

    @Override
    public AggregationTemporality getAggregationTemporality(InstrumentType type) {
      return inner.getAggregationTemporality(type);
    }
  }

  private static SpanExporter spanExporter() {
    return IS_GRPC
        ? OtlpGrpcSpanExporter.builder().setEndpoint(ENDPOINT).setCompression(COMPRESSION).build()
        : OtlpHttpSpanExporter.builder().setEndpoint(ENDPOINT + "/v1/traces").setCompression(COMPRESSION).build();
  }

  private static LogRecordExporter logExporter() {
    return IS_GRPC
        ? OtlpGrpcLogRecordExporter.builder().setEndpoint(ENDPOINT).setCompression(COMPRESSION).build()
        : OtlpHttpLogRecordExporter.builder().setEndpoint(ENDPOINT + "/v1/logs").setCompression(COMPRESSION).build();
  }

  private static MetricExporter metricExporter() {
    return IS_GRPC
        ? OtlpGrpcMetricExporter.builder().setEndpoint(ENDPOINT).setCompression(COMPRESSION).build()
        : OtlpHttpMetricExporter.builder().setEndpoint(ENDPOINT + "/v1/metrics").setCompression(COMPRESSION).build();
  }

  private static void shutDown(CompletableResultCode result) {
    if (!result.join(30, TimeUnit.SECONDS).isSuccess()) throw new IllegalStateException("the shutdown has failed");
  }

  private static Instant at(long seconds) {
    return Instant.ofEpochSecond(1_700_000_000 + seconds, 1);
  }

  private static String json(Map<String, String> values) {
    return values.entrySet().stream()
        .map(entry -> quoted(entry.getKey()) + ":" + entry.getValue())
        .collect(Collectors.joining(",", "{", "}"));
  }

  /** None of the texts has a character that JSON escapes. */
  private static String quoted(String text) {
    return '"' + text + '"';
  }
}
