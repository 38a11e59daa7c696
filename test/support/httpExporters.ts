// Exporters of OpenTelemetry's interface: the official ones, watched; and such as behave badly.

import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';

type Answer = Parameters<SpanExporter['export']>[1];

/** Passes everything on, and counts the calls. */
export class WatchedExporter implements SpanExporter {
  /** Calls that have begun, those that have no answer yet, and the most of them at once. */
  calls = 0;
  underWay = 0;
  maxUnderWay = 0;
  flushes = 0;
  shutdowns = 0;
  readonly #exporter: SpanExporter;

  constructor(exporter: SpanExporter) {
    this.#exporter = exporter;
  }

  export(spans: ReadableSpan[], answer: Answer): void {
    this.calls += 1;
    this.underWay += 1;
    this.maxUnderWay = Math.max(this.maxUnderWay, this.underWay);
    this.#exporter.export(spans, (result) => {
      this.underWay -= 1;
      answer(result);
    });
  }

  async forceFlush(): Promise<void> {
    this.flushes += 1;
    await this.#exporter.forceFlush?.();
  }

  async shutdown(): Promise<void> {
    this.shutdowns += 1;
    await this.#exporter.shutdown();
  }
}

/** Does at each call what it is told, and keeps its answers. */
export class ScriptedExporter implements SpanExporter {
  readonly calls: { readonly spans: ReadableSpan[]; readonly answer: Answer }[] = [];
  readonly #onExport: (answer: Answer, call: number) => unknown;

  constructor(onExport: (answer: Answer, call: number) => unknown) {
    this.#onExport = onExport;
  }

  export(spans: ReadableSpan[], answer: Answer): undefined {
    this.calls.push({ spans, answer });
    // An `async` exporter is assignable to the interface, which says `void`: what it returns goes back as it is.
    return this.#onExport(answer, this.calls.length - 1) as undefined;
  }

  async shutdown(): Promise<void> {}
}
