import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { type Link, LinkedQueue } from '../../flow/linkedQueue.ts';
import { heapBytesOf, type MemoryAccount } from '../../flow/memory.ts';

/** What may be held of traces. */
export interface TraceLimits {
  readonly maxTraces: number;
  readonly maxSpans: number;
  readonly maxBytes: number;
  readonly maxSpansPerTrace: number;
  readonly maxWaitMillis: number;
  readonly idleMillis: number;
}

/** A trace whose spans are being gathered. */
export interface OpenTrace {
  readonly traceId: string;
  /** How many traces had been opened before it. */
  readonly sequence: number;
  readonly spans: ReadableSpan[];
  bytes: number;
  readonly openedAtMillis: number;
  touchedAtMillis: number;
}

/** Where a trace is in the queues. */
interface Place {
  readonly trace: OpenTrace;
  readonly byAge: Link<OpenTrace>;
  byTouch: Link<OpenTrace> | undefined;
}

/**
 * The spans that wait, by trace, within bounds and a budget of memory. It reads no clock. O(1) for each span.
 *
 * **Why queues beside the map?** A map has an order, too. But to find its first entry, an engine passes over those that were deleted before it, as many as the map has room for.
 */
export class OpenTraces {
  readonly #limits: TraceLimits;
  readonly #places = new Map<string, Place>();
  readonly #byAge = new LinkedQueue<OpenTrace>(); // in the order of their first spans
  readonly #byTouch = new LinkedQueue<OpenTrace>(); // in the order of their last spans; empty if nobody asks for idle ones
  readonly #memory: MemoryAccount;
  #spans = 0;
  #bytes = 0;
  #opened = 0; // traces so far
  #dueBefore = 0; // those that were opened before this one are due, because a flush asks for them

  constructor(limits: TraceLimits, memory: MemoryAccount) {
    this.#limits = limits;
    this.#memory = memory;
  }

  get traces(): number {
    return this.#places.size;
  }

  get spans(): number {
    return this.#spans;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Traces that have been opened so far. */
  get opened(): number {
    return this.#opened;
  }

  /** How many traces had been opened before the oldest one that is open; if none is, before the next one. */
  get earliestSequence(): number {
    return this.oldest?.sequence ?? this.#opened;
  }

  /** Whether a span of this size can ever be held. */
  admits(bytes: number): boolean {
    return bytes <= this.#limits.maxBytes && this.#memory.admits(heapBytesOf(1, bytes));
  }

  /** Takes room for a span of this size, if there is any: in its trace if that is open, or else as a trace of its own. */
  takeRoom(traceId: string, bytes: number): boolean {
    const { maxTraces, maxSpans, maxBytes } = this.#limits;
    const hasPlace = this.#places.has(traceId) || this.#places.size < maxTraces;
    const fits = hasPlace && this.#spans < maxSpans && this.#bytes + bytes <= maxBytes;
    return fits && this.#memory.take(heapBytesOf(1, bytes));
  }

  /** A trace of a span that finds no room, although nothing is held here. */
  unheld(span: ReadableSpan, traceId: string, bytes: number, nowMillis: number): OpenTrace {
    return { ...this.#newTrace(traceId, nowMillis), spans: [span], bytes };
  }

  /** The trace that has been open longest. */
  get oldest(): OpenTrace | undefined {
    return this.#byAge.first?.value;
  }

  /** Adds a span that has taken its room. Returns its trace. */
  add(span: ReadableSpan, traceId: string, bytes: number, nowMillis: number): OpenTrace {
    const place = this.#places.get(traceId) ?? this.#open(traceId, nowMillis);
    const { trace } = place;
    trace.spans.push(span);
    trace.bytes += bytes;
    trace.touchedAtMillis = nowMillis;
    this.#spans += 1;
    this.#bytes += bytes;
    if (this.#limits.idleMillis < Number.POSITIVE_INFINITY) {
      if (place.byTouch !== undefined) this.#byTouch.remove(place.byTouch);
      place.byTouch = this.#byTouch.push(trace);
    }
    return trace;
  }

  isFull(trace: OpenTrace): boolean {
    return trace.spans.length >= this.#limits.maxSpansPerTrace;
  }

  /** Its memory is given back; other accounts of the budget learn of that with the next `give`. */
  remove({ traceId, spans, bytes }: OpenTrace): void {
    const place = this.#places.get(traceId);
    if (place === undefined) return;
    this.#places.delete(traceId);
    this.#byAge.remove(place.byAge);
    if (place.byTouch !== undefined) this.#byTouch.remove(place.byTouch);
    this.#memory.swap(heapBytesOf(spans.length, bytes));
    this.#spans -= spans.length;
    this.#bytes = this.#places.size === 0 ? 0 : this.#bytes - bytes;
  }

  /** All that are open are due, because a flush asks for them. */
  makeAllDue(): void {
    this.#dueBefore = this.#opened;
  }

  /** When the next one is due; `Infinity` if none is. */
  get dueAtMillis(): number {
    if (this.#isAskedFor) return Number.NEGATIVE_INFINITY;
    const { maxWaitMillis, idleMillis } = this.#limits;
    const opened = this.oldest?.openedAtMillis ?? Number.POSITIVE_INFINITY;
    const touched = this.#longestIdle?.touchedAtMillis ?? Number.POSITIVE_INFINITY;
    return Math.min(opened + maxWaitMillis, touched + idleMillis);
  }

  /** The next one that is due by now, and why. */
  due(nowMillis: number): readonly [trace: OpenTrace, because: 'flush' | 'wait' | 'idle'] | undefined {
    const { maxWaitMillis, idleMillis } = this.#limits;
    const { oldest } = this;
    if (oldest !== undefined && this.#isAskedFor) return [oldest, 'flush'];
    if (oldest !== undefined && oldest.openedAtMillis + maxWaitMillis <= nowMillis) return [oldest, 'wait'];
    const idle = this.#longestIdle;
    return idle !== undefined && idle.touchedAtMillis + idleMillis <= nowMillis ? [idle, 'idle'] : undefined;
  }

  get #isAskedFor(): boolean {
    return this.earliestSequence < this.#dueBefore;
  }

  get #longestIdle(): OpenTrace | undefined {
    return this.#byTouch.first?.value;
  }

  #open(traceId: string, nowMillis: number): Place {
    const trace = this.#newTrace(traceId, nowMillis);
    const place: Place = { trace, byAge: this.#byAge.push(trace), byTouch: undefined };
    this.#places.set(traceId, place);
    return place;
  }

  #newTrace(traceId: string, nowMillis: number): OpenTrace {
    const sequence = this.#opened++;
    return { traceId, sequence, spans: [], bytes: 0, openedAtMillis: nowMillis, touchedAtMillis: nowMillis };
  }
}
