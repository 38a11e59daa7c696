import { setTimeout as sleep } from 'node:timers/promises';
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter as GrpcTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as JsonTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace';
import type { MetricDataPoint } from '../../../src/model/metricDataPoint.ts';
import { collectionOf } from './items.ts';
import { OfficialBooks } from './officialBooks.ts';
import type {
  Client,
  ClientSettings,
  Encoding,
  Item,
  ProcessorSettings,
  Protocol,
  SignalName,
  Subject,
  Tracing,
  Verdict,
} from './subject.ts';
import { spanSource } from './tracer.ts';

/** An exporter of any signal, as the SDK calls it. */
interface Exporter {
  export(items: unknown, answer: (result: { readonly code: number; readonly error?: Error }) => void): void;
  shutdown(): Promise<void>;
}

type Options = ConstructorParameters<typeof ProtobufTraceExporter>[0];

const TRACES = { protobuf: ProtobufTraceExporter, json: JsonTraceExporter } as const;
const OTHER_SIGNALS = { logs: OTLPLogExporter, metrics: OTLPMetricExporter } as const;

/** Its first wait is a second, 20 % less or more, and cannot be set: by now it waits, unless it does not try again. */
const WAITS_BY_MILLIS = 300;

/** The official exporters, behind the official processor where a rule is about one. */
export function official(protocol: Protocol, encoding: Encoding): Subject {
  const hasAllSignals = protocol === 'http' && encoding === 'protobuf';
  return {
    name:
      protocol === 'grpc'
        ? 'exporter-trace-otlp-grpc'
        : `exporter-trace-otlp-${encoding === 'json' ? 'http' : 'proto'}`,
    ...{ who: 'official', protocol, encoding },
    signals: hasAllSignals ? ['traces', 'logs', 'metrics'] : ['traces'],
    lacks: new Set(['maxRequestBytes', 'maxResponseBytes', 'maxElapsedMillis', 'seed', 'holdsWaits']),
    decodesAnswers: protocol === 'grpc',
    laterSeconds: 2,
    timeoutMillis: 500,
    open: (settings) => new OfficialClient(protocol, encoding, settings),
    openTracing: (urls, settings) =>
      tracingOf(
        urls.map((url) => officialExporter(protocol, encoding, url)),
        settings,
      ),
    processorFor: (exporter, settings) => new BatchSpanProcessor({ exporter, ...settings }),
    ...(hasAllSignals && { metricExporter: (url: string) => new OTLPMetricExporter({ url }) }),
  };
}

/** The official exporter of spans, for whoever's processor. */
export function officialExporter(protocol: Protocol, encoding: Encoding, url: string): SpanExporter {
  return exporterOf(protocol, encoding, { url }, new OfficialBooks()) as unknown as SpanExporter;
}

/** Variables are those of the process, which official exporters read while they are made. */
function exporterOf(protocol: Protocol, encoding: Encoding, settings: ClientSettings, books: OfficialBooks): Exporter {
  const { url, signal = 'traces', environment = {}, compression, timeoutMillis, concurrency, userAgent } = settings;
  const options = {
    selfObsMeterProvider: books.meterProvider,
    ...(url !== undefined && { url }),
    ...(compression !== undefined && { compression }),
    ...(timeoutMillis !== undefined && { timeoutMillis }),
    ...(concurrency !== undefined && { concurrencyLimit: concurrency }),
    ...(userAgent !== undefined && { userAgent }),
  } as Options;
  const before = { ...process.env };
  Object.assign(process.env, environment);
  try {
    return made(protocol, encoding, signal, options);
  } finally {
    for (const name of Object.keys(environment)) {
      const value = before[name];
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

function made(protocol: Protocol, encoding: Encoding, signal: SignalName, options: Options): Exporter {
  if (signal !== 'traces') return new OTHER_SIGNALS[signal](options) as Exporter;
  if (protocol === 'grpc') return new GrpcTraceExporter(options as object) as Exporter;
  return new TRACES[encoding](options) as Exporter;
}

class OfficialClient implements Client {
  readonly #books = new OfficialBooks();
  readonly #signal: SignalName;
  readonly #exporter: Exporter;

  constructor(protocol: Protocol, encoding: Encoding, settings: ClientSettings) {
    this.#signal = settings.signal ?? 'traces';
    this.#exporter = exporterOf(protocol, encoding, settings, this.#books);
  }

  export(items: readonly Item[]): Promise<Verdict> {
    const began = this.now();
    const given = this.#signal === 'metrics' ? collectionOf(items as readonly MetricDataPoint[]) : items;
    return new Promise((resolve) => {
      this.#exporter.export(given, ({ code, error }) => {
        const [delivered, lost] = code === 0 ? [items.length, 0] : [0, items.length];
        resolve({ delivered, rejected: 0, lost, said: error?.message ?? '', elapsedMillis: this.now() - began });
      });
    });
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown();
  }

  books() {
    return this.#books.of(/^otel\.sdk\.exporter\.\w+\.exported$/);
  }

  now(): number {
    return performance.now();
  }

  pass(millis: number): Promise<void> {
    return sleep(millis);
  }

  waiting(): Promise<void> {
    return sleep(WAITS_BY_MILLIS);
  }

  goOn(): void {}
}

/** A processor for each exporter, as programs have it that send to several backends. */
function tracingOf(exporters: readonly SpanExporter[], settings: ProcessorSettings = {}): Tracing {
  const books = new OfficialBooks();
  const processors = exporters.map(
    (exporter) => new BatchSpanProcessor({ exporter, ...settings, selfObsMeterProvider: books.meterProvider }),
  );
  const all = async (work: (processor: BatchSpanProcessor) => Promise<void>) => {
    await Promise.all(processors.map(work));
  };
  return {
    end: spanSource(processors),
    forceFlush: () => all((processor) => processor.forceFlush()),
    shutdown: () => all((processor) => processor.shutdown()),
    books: () => books.of(/^otel\.sdk\.processor\.span\.processed$/),
  };
}
