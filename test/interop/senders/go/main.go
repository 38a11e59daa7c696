// What made.ts says, made by the SDK of Go. Its exporters take their endpoint and compression from the environment.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/metric"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

const (
	scopeName = "checkout"
	version   = "1.2.3"
	schemaURL = "https://schemas.example/checkout"
)

var owner = resource.NewWithAttributes(
	"https://schemas.example/resource",
	attribute.String("service.name", "shop"),
	attribute.Int("host.cpus", 2),
	attribute.StringSlice("list", []string{"a", "b"}),
)

var attributes = []attribute.KeyValue{
	attribute.String("text", "Grüße 🛒"),
	attribute.String("empty", ""),
	attribute.Int("whole", 42),
	attribute.Int("negative", -7),
	attribute.Int64("large", 1<<53-1),
	attribute.Float64("part", 0.5),
	attribute.Bool("yes", true),
	attribute.Bool("no", false),
	attribute.StringSlice("words", []string{"a", ""}),
	attribute.IntSlice("numbers", []int{1, -2}),
	attribute.Float64Slice("parts", []float64{0.5, 1.5}),
	attribute.BoolSlice("flags", []bool{true, false}),
	attribute.Int64("largest", math.MaxInt64),
	attribute.Float64("whole double", 2),
}

func main() {
	ctx := context.Background()
	isGrpc := os.Getenv("OTEL_EXPORTER_OTLP_PROTOCOL") == "grpc"
	spans := sendSpans(ctx, isGrpc)
	sendRecords(ctx, isGrpc, spans["POST /orders"])
	points, exemplar := sendPoints(ctx, isGrpc, spans["POST /orders"])
	ids := map[string]string{}
	for name, span := range spans {
		ids[name] = span.SpanContext().SpanID().String()
	}
	root := spans["root"].SpanContext()
	check(json.NewEncoder(os.Stdout).Encode(map[string]any{
		"rootTraceId":    root.TraceID().String(),
		"rootTraceFlags": int(root.TraceFlags()),
		"spans":          ids,
		"points":         points,
		"exemplar":       exemplar,
	}))
}

func sendSpans(ctx context.Context, isGrpc bool) map[string]trace.Span {
	limits := sdktrace.NewSpanLimits()
	limits.EventCountLimit, limits.LinkCountLimit = 2, 2
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithResource(owner), sdktrace.WithRawSpanLimits(limits), sdktrace.WithBatcher(spanExporter(ctx, isGrpc)))
	tracer := provider.Tracer(scopeName, trace.WithInstrumentationVersion(version), trace.WithSchemaURL(schemaURL))
	remote := remoteContext()
	inOrder, order := tracer.Start(trace.ContextWithRemoteSpanContext(ctx, remote), "POST /orders",
		trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(at(1)))
	order.SetAttributes(attributes...)
	inSelect, selected := tracer.Start(inOrder, "SELECT", trace.WithSpanKind(trace.SpanKindClient),
		trace.WithTimestamp(at(2)), trace.WithLinks(
			trace.Link{SpanContext: remote, Attributes: []attribute.KeyValue{attribute.String("why", "retry")}},
			trace.Link{SpanContext: order.SpanContext()}))
	selected.AddEvent("retry", trace.WithTimestamp(at(3)), trace.WithAttributes(attributes...))
	selected.AddEvent("bare", trace.WithTimestamp(at(4)))
	selected.SetStatus(codes.Error, "gone 🛒")
	_, publish := tracer.Start(inSelect, "publish", trace.WithSpanKind(trace.SpanKindProducer), trace.WithTimestamp(at(5)))
	for range 3 {
		publish.AddEvent("same", trace.WithTimestamp(at(5)))
		publish.AddLink(trace.Link{SpanContext: order.SpanContext()})
	}
	publish.SetStatus(codes.Ok, "")
	publish.End(trace.WithTimestamp(at(6)))
	selected.End(trace.WithTimestamp(at(8)))
	order.End(trace.WithTimestamp(at(9)))
	_, root := tracer.Start(ctx, "root", trace.WithTimestamp(at(7)))
	root.End(trace.WithTimestamp(at(7)))
	check(provider.Shutdown(ctx))
	return map[string]trace.Span{"POST /orders": order, "SELECT": selected, "publish": publish, "root": root}
}

func sendRecords(ctx context.Context, isGrpc bool, order trace.Span) {
	provider := sdklog.NewLoggerProvider(
		sdklog.WithResource(owner), sdklog.WithProcessor(sdklog.NewBatchProcessor(logExporter(ctx, isGrpc))))
	logger := provider.Logger(scopeName, log.WithInstrumentationVersion(version), log.WithSchemaURL(schemaURL))
	record := func(seconds int64, severity log.Severity, body attribute.Value) log.Record {
		var made log.Record
		made.SetTimestamp(at(seconds))
		made.SetObservedTimestamp(at(seconds + 100))
		made.SetSeverity(severity)
		made.SetBody(body)
		return made
	}
	first := record(1, log.SeverityInfo, attribute.StringValue("an order came in"))
	first.SetSeverityText("INFO")
	first.AddAttributes(attributes...)
	logger.Emit(trace.ContextWithSpan(ctx, order), first)
	logger.Emit(ctx, record(2, log.SeverityFatal, attribute.MapValue(
		attribute.Slice("cart", attribute.StringValue("a"), attribute.IntValue(1)),
		attribute.Map("inner", attribute.Bool("deep", true)),
		attribute.ByteSlice("bytes", []byte{0, 255}))))
	named := record(3, log.SeverityUndefined, attribute.Value{})
	named.SetEventName("cart.opened")
	logger.Emit(ctx, named)
	logger.Emit(ctx, record(4, log.SeverityTrace, attribute.IntValue(42)))
	logger.Emit(ctx, record(5, log.SeverityDebug, attribute.Float64Value(0.5)))
	logger.Emit(ctx, record(6, log.SeverityError, attribute.BoolValue(true)))
	check(provider.Shutdown(ctx))
}

func sendPoints(ctx context.Context, isGrpc bool, order trace.Span) (map[string][2]string, string) {
	exporter := &noting{Exporter: metricExporter(ctx, isGrpc), times: map[string][2]string{}}
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithResource(owner),
		sdkmetric.WithReader(sdkmetric.NewPeriodicReader(exporter)),
		sdkmetric.WithView(sdkmetric.NewView(sdkmetric.Instrument{Name: "size"},
			sdkmetric.Stream{Aggregation: sdkmetric.AggregationBase2ExponentialHistogram{MaxSize: 160, MaxScale: 20}})))
	meter := provider.Meter(scopeName, metric.WithInstrumentationVersion(version), metric.WithSchemaURL(schemaURL))
	description := metric.WithDescription("Grüße 🛒")
	shop := func(attributes ...attribute.KeyValue) metric.MeasurementOption {
		return metric.WithAttributes(attributes...)
	}
	orders := must(meter.Int64Counter("orders", metric.WithUnit("{order}"), description))
	orders.Add(ctx, 1, shop(attribute.String("shop", "a")))
	orders.Add(ctx, 41, shop(attribute.String("shop", "a")))
	orders.Add(ctx, 1<<40, shop(attribute.String("shop", "b"), attribute.Int("cpus", 2)))
	revenue := must(meter.Float64Counter("revenue", metric.WithUnit("EUR"), description))
	revenue.Add(ctx, 0.25)
	revenue.Add(ctx, 0.5)
	must(meter.Int64Counter("spanned", metric.WithUnit("1"), description)).Add(trace.ContextWithSpan(ctx, order), 7)
	open := must(meter.Int64UpDownCounter("open", metric.WithUnit("1"), description))
	open.Add(ctx, 5)
	open.Add(ctx, -8)
	must(meter.Float64Gauge("load", metric.WithUnit("1"), description)).Record(ctx, 0.75)
	must(meter.Int64Gauge("queue", metric.WithUnit("1"), description)).Record(ctx, 17)
	must(meter.Int64ObservableCounter("uptime", metric.WithUnit("s"), description,
		metric.WithInt64Callback(func(_ context.Context, observer metric.Int64Observer) error {
			observer.Observe(1 << 41)
			return nil
		})))
	duration := must(meter.Float64Histogram("duration", metric.WithUnit("ms"), description,
		metric.WithExplicitBucketBoundaries(1, 10, 100)))
	for _, value := range []float64{0.5, 10, 1_000.25} {
		duration.Record(ctx, value)
	}
	size := must(meter.Float64Histogram("size", metric.WithUnit("By"), description))
	for _, value := range []float64{0, 1, 2, 4} {
		size.Record(ctx, value)
	}
	check(provider.Shutdown(ctx))
	return exporter.times, exporter.exemplar
}

// noting exports, and notes the times of the points and of the exemplar.
type noting struct {
	sdkmetric.Exporter
	times    map[string][2]string
	exemplar string
}

func (exporter *noting) Export(ctx context.Context, collection *metricdata.ResourceMetrics) error {
	for _, ofScope := range collection.ScopeMetrics {
		for _, each := range ofScope.Metrics {
			exporter.note(each)
		}
	}
	return exporter.Exporter.Export(ctx, collection)
}

func (exporter *noting) note(each metricdata.Metrics) {
	one := func(attributes attribute.Set, start, end time.Time) {
		name := each.Name
		if shop, has := attributes.Value("shop"); has {
			name += " " + shop.AsString()
		}
		exporter.times[name] = [2]string{nanos(start), nanos(end)}
	}
	switch data := each.Data.(type) {
	case metricdata.Sum[int64]:
		for _, point := range data.DataPoints {
			for _, exemplar := range point.Exemplars {
				exporter.exemplar = nanos(exemplar.Time)
			}
			one(point.Attributes, point.StartTime, point.Time)
		}
	case metricdata.Sum[float64]:
		for _, point := range data.DataPoints {
			one(point.Attributes, point.StartTime, point.Time)
		}
	case metricdata.Gauge[int64]:
		for _, point := range data.DataPoints {
			one(point.Attributes, point.StartTime, point.Time)
		}
	case metricdata.Gauge[float64]:
		for _, point := range data.DataPoints {
			one(point.Attributes, point.StartTime, point.Time)
		}
	case metricdata.Histogram[float64]:
		for _, point := range data.DataPoints {
			one(point.Attributes, point.StartTime, point.Time)
		}
	case metricdata.ExponentialHistogram[float64]:
		for _, point := range data.DataPoints {
			one(point.Attributes, point.StartTime, point.Time)
		}
	default:
		panic(fmt.Sprintf("%s is a %T", each.Name, data))
	}
}

func spanExporter(ctx context.Context, isGrpc bool) sdktrace.SpanExporter {
	if isGrpc {
		return must(otlptracegrpc.New(ctx))
	}
	return must(otlptracehttp.New(ctx))
}

func logExporter(ctx context.Context, isGrpc bool) sdklog.Exporter {
	if isGrpc {
		return must(otlploggrpc.New(ctx))
	}
	return must(otlploghttp.New(ctx))
}

func metricExporter(ctx context.Context, isGrpc bool) sdkmetric.Exporter {
	if isGrpc {
		return must(otlpmetricgrpc.New(ctx))
	}
	return must(otlpmetrichttp.New(ctx))
}

func remoteContext() trace.SpanContext {
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID:    must(trace.TraceIDFromHex("0af7651916cd43dd8448eb211c80319c")),
		SpanID:     must(trace.SpanIDFromHex("b7ad6b7169203331")),
		TraceFlags: trace.FlagsSampled,
		TraceState: must(trace.ParseTraceState("vendor=1")),
		Remote:     true,
	})
}

func at(seconds int64) time.Time { return time.Unix(1_700_000_000+seconds, 1) }

func nanos(moment time.Time) string {
	if moment.IsZero() {
		return "0"
	}
	return strconv.FormatInt(moment.UnixNano(), 10)
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
