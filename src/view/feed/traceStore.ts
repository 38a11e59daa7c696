import type { WatchedOutcome } from '../options.ts';
import type { Fate, SpanRecord, TraceRecord } from '../shared/messages.ts';
import { isSpan, type SpanLike, spanRecord } from './spanRecord.ts';

/** How much is kept and sent, and how many spans are looked at between two samples. */
export const TRACE_BOUNDS = Object.freeze({
  maxTraces: 50,
  maxSpans: 64,
  maxLookedAt: 2_000,
  maxNewTraces: 5,
  maxTracesInMessage: 10,
});

interface Kept extends TraceRecord {
  sequence: number;
  readonly spans: SpanRecord[];
  leftOut: number;
  fate: Fate;
}

/** The newest traces, bounded in every direction: of the traces that begin between two samples it takes a few, and of those it keeps as many spans as it gets to see. */
export class TraceStore {
  readonly #kept = new Map<string, Kept>(); // the one that came first is first
  #sequence = 0;
  #lookedAt = 0; // since the last sample
  #newTraces = 0; // since the last sample
  #unseen = 0; // since the last sample

  look(pipeline: string, outcome: WatchedOutcome): void {
    const items: readonly unknown[] = 'items' in outcome.batch ? outcome.batch.items : outcome.batch;
    if (!isSpan(items[0])) return;
    const room = Math.min(items.length, TRACE_BOUNDS.maxLookedAt - this.#lookedAt);
    this.#lookedAt += room;
    this.#unseen += items.length - room;
    const fate = fateOf(outcome, items.length);
    for (let index = 0; index < room; index += 1) this.#lookAt(pipeline, items[index] as SpanLike, fate);
  }

  /** What changed after that sequence number, the oldest first, as many as one message takes. */
  newerThan(sequence: number): TraceRecord[] {
    const newer = [...this.#kept.values()].filter((trace) => trace.sequence > sequence);
    return newer.sort((a, b) => a.sequence - b.sequence).slice(0, TRACE_BOUNDS.maxTracesInMessage);
  }

  /** A sample was taken: a new interval begins. Returns how many spans were not looked at in the old one. */
  nextInterval(): number {
    const unseen = this.#unseen;
    this.#lookedAt = 0;
    this.#newTraces = 0;
    this.#unseen = 0;
    return unseen;
  }

  clear(): void {
    this.#kept.clear();
  }

  #lookAt(pipeline: string, span: SpanLike, fate: Fate): void {
    const traceId = traceIdOf(span);
    if (traceId === undefined) return;
    const trace = this.#kept.get(`${pipeline}/${traceId}`) ?? this.#begin(pipeline, traceId, fate);
    if (trace === undefined) return;
    this.#sequence += 1;
    trace.sequence = this.#sequence;
    if (trace.fate !== fate) trace.fate = 'partly lost';
    const record = trace.spans.length < TRACE_BOUNDS.maxSpans ? spanRecord(span) : undefined;
    if (record === undefined) trace.leftOut += 1;
    else trace.spans.push(record);
  }

  #begin(pipeline: string, traceId: string, fate: Fate): Kept | undefined {
    if (this.#newTraces >= TRACE_BOUNDS.maxNewTraces) return undefined;
    this.#newTraces += 1;
    const key = `${pipeline}/${traceId}`;
    const trace: Kept = { key, traceId, pipeline, sequence: 0, spans: [], leftOut: 0, fate };
    this.#kept.set(key, trace);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > TRACE_BOUNDS.maxTraces) this.#kept.delete(oldest as string);
    return trace;
  }
}

function traceIdOf(span: SpanLike): string | undefined {
  try {
    const { traceId } = span.spanContext();
    return typeof traceId === 'string' && traceId.length <= 64 ? traceId : undefined;
  } catch {
    return undefined;
  }
}

function fateOf({ delivered, lost }: WatchedOutcome, count: number): Fate {
  if (lost.length === 0) return 'delivered';
  const sum = lost.reduce((all, loss) => all + loss.count, 0);
  return delivered === 0 && sum >= count ? 'lost' : 'partly lost';
}
