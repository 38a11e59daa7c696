// A pipeline out of the parts, as somebody would compose it, between a cargo and a server on a real socket.

import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { lastValueFrom, reduce, tap } from 'rxjs';
import {
  adaptiveBatch,
  createGate,
  createLedger,
  exportTo,
  fromAsyncIterable,
  type OtlpHttpOptions,
  otlpHttp,
  type Stats,
} from '../../src/index.ts';
import { total } from '../../src/ledger/stageStats.ts';
import { type OtlpBackend, otlpBackend } from '../../src/testing/index.ts';
import { Arrivals } from './arrivals.ts';
import type { Cargo } from './cargo.ts';

export interface ShippingOptions extends Pick<OtlpHttpOptions, 'compression' | 'maxRequestBytes'> {
  /** Default 500. */
  readonly maxExportBatchSize?: number;
  /** Default 4 MiB. */
  readonly maxExportBatchBytes?: number;
}

const MAX_UNSETTLED_BATCHES = 4;

/** What both sides have to say when everything is over. */
export interface Shipped {
  readonly arrivals: Arrivals;
  readonly stats: Stats;
  /** Requests, and spans by a third count: that of the fake backend, which reads nothing else. */
  readonly backend: Pick<OtlpBackend, 'requestCount' | 'spans'>;
  readonly encodings: ReadonlySet<string | undefined>;
  /** What the exports that failed had to say, and how many spans the others delivered. */
  readonly outcomes: { readonly delivered: number; readonly errors: readonly string[] };
  /** Looked at with each span that was pulled. */
  readonly ahead: Watch;
  /** What it may have seen: the gate closes at two full batches, and so many may be out. */
  readonly bounds: { readonly queued: number; readonly pending: number };
  /** How often the gate was closed. */
  readonly closings: number;
}

export async function ship(cargo: Cargo, options: ShippingOptions = {}): Promise<Shipped> {
  const { maxExportBatchSize = 500, maxExportBatchBytes = 4 * 1024 * 1024, ...http } = options;
  const arrivals = new Arrivals();
  const encodings = new Set<string | undefined>();
  await using backend = await otlpBackend({
    maxRequests: 1,
    decode: (body, headers) => {
      encodings.add(headers['content-encoding']);
      arrivals.receive(body);
    },
  });
  const gate = createGate();
  let closings = 0;
  gate.saturated$.subscribe((saturated) => {
    if (saturated) closings += 1;
  });
  const ledger = createLedger();
  const ahead = new Watch();
  // Nothing may be sent twice because two busy processors were slow: the timeout has tests of its own.
  const sink = otlpHttp({ url: backend.url, environment: {}, timeoutMillis: 60_000, ...http });
  const outcomes$ = fromAsyncIterable(announced(cargo, arrivals), { gate, ledger }).pipe(
    tap(() => ahead.look(ledger.stats(), arrivals.count.spans)),
    adaptiveBatch({
      gate,
      ledger,
      maxExportBatchSize,
      initialExportBatchSize: maxExportBatchSize,
      maxExportBatchBytes,
      maxUnsettledBatches: MAX_UNSETTLED_BATCHES,
    }),
    exportTo(sink, { ledger, concurrency: 2 }),
    reduce(
      (sum, { delivered, error }) => ({
        delivered: sum.delivered + delivered,
        errors: error === undefined ? sum.errors : [...sum.errors, error.message],
      }),
      { delivered: 0, errors: [] as readonly string[] },
    ),
  );
  const outcomes = await lastValueFrom(outcomes$);
  await sink.shutdown?.();
  const { requestCount, spans } = backend;
  const bounds = { queued: 2 * maxExportBatchSize, pending: (2 + MAX_UNSETTLED_BATCHES) * maxExportBatchSize };
  return {
    arrivals,
    stats: ledger.stats(),
    backend: { requestCount, spans },
    ...{ encodings, outcomes, ahead, bounds, closings },
  };
}

function* announced(cargo: Cargo, arrivals: Arrivals): Generator<ReadableSpan> {
  for (const { spans, twin } of cargo.crates()) {
    arrivals.announce(twin);
    yield* spans;
  }
}

/** The most that was seen at once, and whether the books balanced each time. */
export class Watch {
  queued = 0;
  pending = 0;
  /** Pulled, and not seen by the server: a count that is not the ledger's. */
  notArrived = 0;
  unbalanced = 0;
  #pulled = 0;

  look(stats: Stats, arrived: number): void {
    this.#pulled += 1;
    this.queued = Math.max(this.queued, stats.queueSize);
    this.pending = Math.max(this.pending, stats.pending);
    this.notArrived = Math.max(this.notArrived, this.#pulled - arrived);
    const { delivered, rejected, handedOn, removed, lost, pending, between } = stats;
    const ended = delivered + rejected + handedOn + removed + total(lost);
    if (stats.accepted !== ended + pending + between || stats.accepted !== this.#pulled) this.unbalanced += 1;
  }
}
