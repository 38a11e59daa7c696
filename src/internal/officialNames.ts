/** What an option of OpenTelemetry's own processors and exporters is called here. */
interface Counterpart {
  /** The option of the called function that stands in its place. Where there is none, the sentence would mislead. */
  readonly among: string;
  readonly sentence: string;
}

const COUNTERPARTS: Readonly<Record<string, readonly Counterpart[]>> = {
  exportTimeoutMillis: [
    {
      among: 'retry',
      sentence:
        "OpenTelemetry's exportTimeoutMillis bounds all attempts at a batch, which is retry.maxElapsedMillis here; attemptTimeoutMillis bounds one attempt",
    },
  ],
  exporter: [{ among: 'sink', sentence: "pass OpenTelemetry's exporter as sink: toExporter(exporter)" }],
  concurrencyLimit: [
    { among: 'encoding', sentence: 'how many exports run at a time is concurrency of exportTo and of the pipelines' },
  ],
  httpAgentOptions: [
    { among: 'dispatcher', sentence: "the agent's settings belong to an undici dispatcher: dispatcher: new Agent(…)" },
  ],
};

/** What to write instead of an option that the official packages have, for those who come from there. */
export function officialCounterpart(name: string, known: readonly string[]): string | undefined {
  const counterparts = Object.hasOwn(COUNTERPARTS, name) ? COUNTERPARTS[name] : undefined;
  return counterparts?.find(({ among }) => known.includes(among))?.sentence;
}
