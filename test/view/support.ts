import { BehaviorSubject, Subject } from 'rxjs';
import type { PipelineState, Stats } from '../../src/index.ts';
import { ExportBooks } from '../../src/ledger/exports.ts';
import type { Watchable, WatchedOutcome } from '../../src/view/index.ts';
import type { PipelineSample, Point, SpanRecord, TraceRecord } from '../../src/view/shared/messages.ts';

const NO_ITEMS = {
  ...{ offered: 0, accepted: 0, refused: {}, delivered: 0, possibleDuplicates: 0, rejected: 0 },
  ...{ handedOn: 0, removed: 0, lost: {}, pending: 0 },
};

const IDLE = { running: 0, waiting: 0, limit: 0 };

export function booksOf(given: Partial<Stats> = {}): Stats {
  return {
    ...{
      ...NO_ITEMS,
      between: 0,
      queueSize: 0,
      queueCapacity: 0,
      queueBytes: 0,
      memoryBytes: 0,
      batchSize: 0,
      inFlight: 0,
    },
    ...IDLE,
    ...{ attempts: 0, retries: 0, callbackErrors: 0, stages: {}, routes: {}, places: [] },
    exports: new ExportBooks().stats(),
    ...given,
  };
}

export function stageBooks(given: Partial<Stats['stages'][string]> = {}): Stats['stages'][string] {
  return { ...NO_ITEMS, ...IDLE, ...given };
}

export function pointAt(at: number, given: Partial<Point> = {}): Point {
  return {
    ...{ at, offered: 0, delivered: 0, lost: 0, retries: 0, queue: 0, inFlight: 0, batchSize: 0, p50: null, p99: null },
    ...given,
  };
}

export function sampleOf(stats: Partial<Stats>, hasEnded = false): PipelineSample {
  return { name: 'pipeline', stats: booksOf(stats), point: pointAt(0), roundTrips: null, state: null, hasEnded };
}

export function spanAt(id: string, startMillis: number, durationMillis: number, parentId?: string): SpanRecord {
  return { id, parentId, name: id, service: 'shop', startMillis, durationMillis, isError: false, attributes: [] };
}

export function traceOf(...spans: SpanRecord[]): TraceRecord {
  return { key: 'p/abc', traceId: 'abc', pipeline: 'p', sequence: 1, spans, leftOut: 0, fate: 'delivered' };
}

/** An item as an SDK would give it. */
export function spanItem(traceId: string, spanId = '1', more: object = {}) {
  return {
    name: `work ${spanId}`,
    startTime: [1_700_000_000, 500_000_000] as const,
    duration: [0, 2_000_000] as const,
    status: { code: 0 },
    attributes: {},
    resource: { attributes: { 'service.name': 'shop' } },
    spanContext: () => ({ traceId, spanId }),
    ...more,
  };
}

export function outcomeOf(batch: readonly unknown[], more: Partial<WatchedOutcome> = {}): WatchedOutcome {
  return { batch, attempts: 1, attemptMillis: 5, delivered: batch.length, lost: [], ...more };
}

/** A pipeline that does what the test says. */
export class FakePipeline implements Watchable {
  readonly stats$ = new Subject<Stats>();
  readonly outcomes$ = new Subject<WatchedOutcome>();
  readonly state$ = new BehaviorSubject<PipelineState>('running');
  books: Stats = booksOf();
  reads = 0;

  stats(): Stats {
    this.reads += 1;
    return this.books;
  }
}
