import { traceRequest } from '../support/otlpSchema.ts';

/** What a backend has of one pipeline. */
export interface Stored {
  /** Spans, each as often as it was stored. */
  readonly spans: number;
  readonly distinct: number;
  /** Spans that were stored more than once. */
  readonly repeated: number;
}

/** What a backend keeps, read by protobufjs. A span's name is unique: that of its pipeline, and a number. */
export class Store {
  /** Requests that have begun to arrive, kept or not. */
  requests = 0;
  readonly #times = new Map<string, Map<string, number>>(); // how often each span came, by pipeline

  keep(message: Uint8Array): void {
    for (const { scopeSpans } of traceRequest.decode(message).resourceSpans) {
      for (const { spans } of scopeSpans) for (const { name } of spans) this.#count(name);
    }
  }

  of(pipeline: string): Stored {
    const times = [...(this.#times.get(pipeline)?.values() ?? [])];
    const spans = times.reduce((sum, count) => sum + count, 0);
    return { spans, distinct: times.length, repeated: times.filter((count) => count > 1).length };
  }

  get pipelines(): readonly string[] {
    return [...this.#times.keys()];
  }

  #count(name: string): void {
    const pipeline = name.slice(0, name.indexOf('#'));
    const times = this.#times.get(pipeline) ?? new Map<string, number>();
    this.#times.set(pipeline, times.set(name, (times.get(name) ?? 0) + 1));
  }
}
