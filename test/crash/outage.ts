import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { of, throwError } from 'rxjs';
import { durable } from '../../src/durable/index.ts';
import { exponentialBackoff } from '../../src/index.ts';
import { ExportError, type ObservableSink } from '../../src/model/sink.ts';
import { exportOnce } from '../support/exportOnce.ts';
import { spanWith } from '../support/spans.ts';

export interface OutagePlan {
  readonly spans: number;
  readonly sync: 'full' | 'normal';
}

export interface Outage {
  readonly spans: number;
  /** While the backend was away. */
  readonly writtenPerSecond: number;
  readonly bytesOnDisk: number;
  /** When it was back. */
  readonly sentPerSecond: number;
  readonly maxResidentMiB: number;
  readonly missing: number;
  readonly twice: number;
  readonly lost: Readonly<Record<string, number>>;
}

const SPANS_PER_BATCH = 512;
const AT_ONCE = 8;
const SPAN_ID_DIGITS = 16;

/** Spans come at full speed while the backend is away; then it is back. Each span is known by its id. */
export async function outage({ spans, sync }: OutagePlan): Promise<Outage> {
  const directory = mkdtempSync(join(tmpdir(), 'spanflow-outage-'));
  const backend = new Backend(spans);
  const backoff = exponentialBackoff({ initialMillis: 10, maxMillis: 1_000 });
  const queue = durable(backend.sink, { directory, sync, flush: 'delivered', send: { retry: { backoff } } });
  try {
    await queue.opened();
    const begun = performance.now();
    await writeAll(queue, spans);
    const written = performance.now();
    const { fileBytes: bytesOnDisk, items } = queue.stats().disk;
    if (items !== spans) throw new Error(`of ${spans} spans ${items} are on disk`);
    backend.isAway = false;
    const alive = setInterval(() => {}, 60_000);
    await queue.forceFlush();
    clearInterval(alive);
    return {
      ...{ spans, bytesOnDisk, lost: queue.stats().lost },
      writtenPerSecond: Math.round((spans * 1_000) / (written - begun)),
      sentPerSecond: Math.round((spans * 1_000) / (performance.now() - written)),
      maxResidentMiB: Math.round(process.resourceUsage().maxRSS / 1_024),
      ...backend.counts,
    };
  } finally {
    await queue.shutdown();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function writeAll(queue: ObservableSink<ReadableSpan>, spans: number): Promise<void> {
  let begun = 0;
  const writer = async () => {
    while (begun < spans) {
      const [from, to] = [begun, Math.min(spans, begun + SPANS_PER_BATCH)];
      begun = to;
      const batch = Array.from({ length: to - from }, (_, index) => spanOf(from + index));
      await exportOnce(queue, batch);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, writer));
}

function spanOf(index: number): ReadableSpan {
  // An id of zeros is none.
  const spanId = (index + 1).toString(16).padStart(SPAN_ID_DIGITS, '0');
  const context = { traceId: '0123456789abcdef0123456789abcdef', spanId, traceFlags: 1 };
  return spanWith({ name: `step ${index % 20}`, spanContext: () => context });
}

class Backend {
  isAway = true;
  readonly #received: Uint8Array; // how often, by the number of the span

  constructor(spans: number) {
    this.#received = new Uint8Array(spans);
  }

  get sink(): ObservableSink<ReadableSpan> {
    return {
      name: 'backend',
      export: ({ items }) => {
        if (this.isAway) return throwError(() => new ExportError({ kind: 'retryable' }, 'away'));
        for (const span of items) {
          const index = Number.parseInt(span.spanContext().spanId, 16) - 1;
          this.#received[index] = (this.#received[index] ?? 0) + 1;
        }
        return of({});
      },
    };
  }

  get counts(): { missing: number; twice: number } {
    let [missing, twice] = [0, 0];
    for (const count of this.#received) {
      if (count === 0) missing += 1;
      if (count > 1) twice += 1;
    }
    return { missing, twice };
  }
}
