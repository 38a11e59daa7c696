import type { ReadableSpan } from '@opentelemetry/sdk-trace';

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
  readonly spans: ReadableSpan[];
  bytes: number;
  readonly openedAtMillis: number;
  touchedAtMillis: number;
}

/** The spans that wait, by trace, within bounds. It reads no clock. O(1) for each span. */
export class OpenTraces {
  readonly #limits: TraceLimits;
  readonly #byAge = new Map<string, OpenTrace>(); // in the order of their first spans
  readonly #byTouch = new Map<string, OpenTrace>(); // in the order of their last spans; empty if nobody asks for idle ones
  #spans = 0;
  #bytes = 0;

  constructor(limits: TraceLimits) {
    this.#limits = limits;
  }

  get traces(): number {
    return this.#byAge.size;
  }

  get spans(): number {
    return this.#spans;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether a span of this size has room: in its trace if that is open, or else as a trace of its own. */
  fits(traceId: string, bytes: number): boolean {
    const { maxTraces, maxSpans, maxBytes } = this.#limits;
    const hasPlace = this.#byAge.has(traceId) || this.#byAge.size < maxTraces;
    return hasPlace && this.#spans < maxSpans && this.#bytes + bytes <= maxBytes;
  }

  /** The trace that has been open longest. */
  get oldest(): OpenTrace | undefined {
    return this.#byAge.values().next().value;
  }

  /** Adds a span that fits. Returns its trace. */
  add(span: ReadableSpan, traceId: string, bytes: number, nowMillis: number): OpenTrace {
    const trace = this.#byAge.get(traceId) ?? this.#open(traceId, nowMillis);
    trace.spans.push(span);
    trace.bytes += bytes;
    trace.touchedAtMillis = nowMillis;
    this.#spans += 1;
    this.#bytes += bytes;
    if (this.#limits.idleMillis < Number.POSITIVE_INFINITY) {
      this.#byTouch.delete(traceId);
      this.#byTouch.set(traceId, trace);
    }
    return trace;
  }

  isFull(trace: OpenTrace): boolean {
    return trace.spans.length >= this.#limits.maxSpansPerTrace;
  }

  remove(trace: OpenTrace): void {
    this.#byAge.delete(trace.traceId);
    this.#byTouch.delete(trace.traceId);
    this.#spans -= trace.spans.length;
    this.#bytes = this.#byAge.size === 0 ? 0 : this.#bytes - trace.bytes;
  }

  /** When the next one is due; `Infinity` if none is. */
  get dueAtMillis(): number {
    const { maxWaitMillis, idleMillis } = this.#limits;
    const opened = this.oldest?.openedAtMillis ?? Number.POSITIVE_INFINITY;
    const touched = this.#longestIdle?.touchedAtMillis ?? Number.POSITIVE_INFINITY;
    return Math.min(opened + maxWaitMillis, touched + idleMillis);
  }

  /** The next one that is due by now, and why. */
  due(nowMillis: number): readonly [trace: OpenTrace, because: 'wait' | 'idle'] | undefined {
    const { maxWaitMillis, idleMillis } = this.#limits;
    const { oldest } = this;
    if (oldest !== undefined && oldest.openedAtMillis + maxWaitMillis <= nowMillis) return [oldest, 'wait'];
    const idle = this.#longestIdle;
    return idle !== undefined && idle.touchedAtMillis + idleMillis <= nowMillis ? [idle, 'idle'] : undefined;
  }

  get #longestIdle(): OpenTrace | undefined {
    return this.#byTouch.values().next().value;
  }

  #open(traceId: string, nowMillis: number): OpenTrace {
    const trace = { traceId, spans: [], bytes: 0, openedAtMillis: nowMillis, touchedAtMillis: nowMillis };
    this.#byAge.set(traceId, trace);
    return trace;
  }
}
