/** What to write instead of an option that OpenTelemetry's packages have, or that belongs to another place here. */
interface Counterpart {
  /** The called function has one of these options. Where it has none, the sentence would mislead. */
  readonly among: readonly string[];
  readonly sentence: string;
}

/** An option that only functions that retry have: those that are given a sink. */
const PIPELINE = ['retry'];

const COUNTERPARTS: Readonly<Record<string, readonly Counterpart[]>> = {
  exportTimeoutMillis: [
    {
      among: PIPELINE,
      sentence:
        "OpenTelemetry's exportTimeoutMillis bounds all attempts at a batch, which is retry.maxElapsedMillis here; attemptTimeoutMillis bounds one attempt",
    },
  ],
  exporter: [
    {
      among: ['sink'],
      sentence:
        "pass OpenTelemetry's exporter as sink: toExporter(exporter), with { signal: 'logs' } or { signal: 'metrics' } if it is one of these",
    },
  ],
  concurrencyLimit: [
    { among: ['encoding'], sentence: 'how many exports run at a time is concurrency of exportTo and of the pipelines' },
  ],
  httpAgentOptions: [
    {
      among: ['dispatcher'],
      sentence:
        'certificates are tls: { ca, cert, key }, and other settings of the agent belong to an undici dispatcher: dispatcher: new Agent(…)',
    },
  ],
  keepAlive: [{ among: ['dispatcher'], sentence: 'connections are always kept alive: leave it out' }],
  url: [ofTheSink('url')],
  headers: [ofTheSink('headers')],
  timeoutMillis: [ofTheSink('timeoutMillis')],
  compression: [ofTheSink('compression')],
  endpoint: [
    { among: ['url'], sentence: "did you mean 'url'?" },
    { among: PIPELINE, sentence: 'the endpoint belongs to the sink: otlpHttp({ url })' },
  ],
  attempts: [{ among: ['maxAttempts'], sentence: "did you mean 'maxAttempts'?" }],
  maxRetries: [
    { among: ['maxAttempts'], sentence: 'maxAttempts is one more than maxRetries: it counts the first attempt too' },
    { among: PIPELINE, sentence: 'it is retry: { maxAttempts }, which counts the first attempt too' },
  ],
  minMillis: [{ among: ['initialMillis'], sentence: "did you mean 'initialMillis'?" }],
  selfObsMeterProvider: [
    {
      among: ['url', ...PIPELINE],
      sentence: 'metrics about exports come from statsToMetrics(pipeline, { meterProvider }) of spanflow/observability',
    },
  ],
};

function ofTheSink(name: string): Counterpart {
  return { among: PIPELINE, sentence: `it belongs to the sink: otlpHttp({ ${name} })` };
}

/** What to write instead of such an option. */
export function officialCounterpart(name: string, known: readonly string[]): string | undefined {
  const counterparts = Object.hasOwn(COUNTERPARTS, name) ? COUNTERPARTS[name] : undefined;
  return counterparts?.find(({ among }) => among.some((option) => known.includes(option)))?.sentence;
}
