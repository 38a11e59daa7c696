import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace';
import { Observable, type SchedulerLike, Subject } from 'rxjs';
import { placesInHeap } from '../flow/memory.ts';
import { Ring } from '../flow/ring.ts';
import { monotonicScheduler } from '../internal/scheduler.ts';
import { DueTurn } from '../internal/timers.ts';
import { aScheduler, millis, oneOf, type Rules, requireRule, settingsOf, whole } from '../internal/validation.ts';
import { flushWithin } from '../internal/withinTime.ts';
import type { Account } from '../ledger/account.ts';
import { createLedger, type Ledger } from '../ledger/ledger.ts';
import { STAGE_RULES, StageReporter } from '../ledger/stageReporter.ts';
import type { FlushRequest, FlushUrgency } from '../model/batch.ts';
import type { Loss, LossReason } from '../model/tally.ts';
import { registerInput } from './runInput.ts';
import { DeferredLosses } from './shared/deferredLosses.ts';
import { FlushRequests, outsideCaller } from './shared/flushRequests.ts';
import { Multicast } from './shared/multicast.ts';
import { Unsubscribed } from './shared/unsubscribed.ts';

/** A trace flag of W3C Trace Context. OpenTelemetry's enum would load its whole API. */
const SAMPLED = 1;

export interface FromSpanProcessorOptions {
  /** What the stage is called in losses and statistics. Default `fromSpanProcessor`. */
  name?: string;
  /**
   * Ended spans that wait to be drained into the stream, at most: 1 or more. Default: one for each 20 KiB of V8's heap limit, at most 32,768 (11,468 with `--max-old-space-size=128`, 32,768 from 640 MiB on). A ring full of spans of 5
   * KB takes a quarter of the heap. The ring is emptied once per turn of the event loop, so this bounds
   * what can end within one turn, and what ends before the first subscription. Bytes are not bounded here: measuring a span would be work inside of `span.end()`, so the batcher measures it, a turn later.
   */
  maxQueueSize?: number;
  /** What happens to a span that meets a full ring: `dropNewest` (the default) refuses it, `dropOldest` loses the one that has waited longest. */
  overflow?: 'dropNewest' | 'dropOldest';
  /** How long `forceFlush` and `shutdown` wait for the outcomes, in milliseconds: 1 or more, default 30,000. Then they reject. */
  flushTimeoutMillis?: number;
  /** Called for the losses at this stage (`queueFull`, `alreadyShutdown`, `noSubscriber`), once per turn, and never from within `onEnd`. */
  onLoss?: (loss: Loss) => void;
  /** Called when `onLoss` or a subscriber of `spans$` throws. Never called from within `onEnd`. */
  onCallbackError?: (thrown: unknown) => void;
  /** Counts what comes and what becomes of it. Default: that of the run ({@link runPipeline}), or else one of its own, which is not shown anywhere. */
  ledger?: Ledger;
  /** Where time comes from. Default {@link monotonicScheduler}. */
  scheduler?: SchedulerLike;
}

/** Every option with its value. */
type Settings = Required<Omit<FromSpanProcessorOptions, Optional>> & {
  [K in Optional]: FromSpanProcessorOptions[K] | undefined;
};

type Optional = 'name' | 'onLoss' | 'onCallbackError' | 'ledger';

export const FROM_SPAN_PROCESSOR_DEFAULTS: Readonly<Settings> = Object.freeze({
  maxQueueSize: 32_768,
  overflow: 'dropNewest',
  flushTimeoutMillis: 30_000,
  name: undefined,
  onLoss: undefined,
  onCallbackError: undefined,
  ledger: undefined,
  scheduler: monotonicScheduler,
});

const FROM_SPAN_PROCESSOR_RULES: Rules<Settings> = {
  ...STAGE_RULES,
  maxQueueSize: whole(1),
  overflow: oneOf('dropNewest', 'dropOldest'),
  flushTimeoutMillis: millis(1),
  scheduler: aScheduler,
};

/** A `SpanProcessor` for OpenTelemetry's SDK, and the stream of the spans that it was given. */
export interface SpanInput extends SpanProcessor {
  /** Sampled spans, in the order in which they ended. It completes at `shutdown`. */
  readonly spans$: Observable<ReadableSpan>;
  /** A request for each `forceFlush` and for the `shutdown`: for `adaptiveBatch({ flushWhen })`. */
  readonly flush$: Observable<FlushRequest>;
  /** @param options `timeoutMillis` instead of `flushTimeoutMillis`, for this call */
  forceFlush(options?: { timeoutMillis?: number }): Promise<void>;
  shutdown(options?: { timeoutMillis?: number }): Promise<void>;
}

/** Spans that were accepted and then lost. */
export interface LostSpans {
  readonly loss: Loss;
  readonly spans: readonly ReadableSpan[];
}

/** What an input offers our own stages, beyond a `SpanProcessor`. */
export interface SpanSource extends SpanInput {
  /** `onEnd`, and returns why the span was refused, if it was. A span that is not sampled, or an object that is no span, is not counted as offered. */
  offer(span: ReadableSpan): LossReason | undefined;
  readonly lost: Observable<LostSpans>;
  /** Its key in the ledger. */
  readonly stage: string;
  /** `forceFlush` without a timeout. */
  flush(urgency: FlushUrgency): Promise<void>;
  /** `shutdown` without a timeout. */
  end(urgency: FlushUrgency): Promise<void>;
}

const STAGE = 'fromSpanProcessor';

const TIMEOUT = millis(0, 'orInfinity');

/** Spans that are drained before the event loop has its next turn. */
const SPANS_PER_TURN = 4_096;

/**
 * Lets spans in: a real `SpanProcessor` (SDK 3 and 2) on one side, an Observable on the other.
 *
 * ```text
 * onEnd       -a-b----c-d-|
 * subscriber  ----(s|)
 * subscribed  ^-----------!
 *             fromSpanProcessor: subscribed at s
 * spans$      ----(ab)c-d-|
 * ```
 *
 * `onEnd` pushes the span into a bounded ring and does nothing more: no operator, no encoding, no export runs inside `span.end()`. One immediate drains the ring
 * into the stream, outside the asynchronous context of the code that ended a span. Spans that are not sampled are skipped.
 *
 * **Emits** nothing before the first subscription; the spans wait in the ring. **Completes** at `shutdown`. It never **errors**. Without subscribers it keeps spans in the ring again.
 *
 * `forceFlush` resolves when everything that ended before it has an outcome, delivered or lost, and rejects at its timeout. `shutdown` does the same, and ends the stream.
 *
 * **Order**: that of `onEnd`. **Loss**: `queueFull`, `alreadyShutdown`, and `noSubscriber` for what still waits at the shutdown.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const input = fromSpanProcessor();
 * const provider = new TracerProvider({ spanProcessors: [input] });
 * input.spans$.pipe(adaptiveBatch({ flushWhen: input.flush$ }), exportTo(otlpHttp())).subscribe();
 * ```
 *
 * @see spanPipeline
 */
export function fromSpanProcessor(options: FromSpanProcessorOptions = {}): SpanInput {
  return spanSource(options);
}

/** {@link fromSpanProcessor}, for our own stages. */
export function spanSource(options: FromSpanProcessorOptions): SpanSource {
  const maxQueueSize = placesInHeap(FROM_SPAN_PROCESSOR_DEFAULTS.maxQueueSize);
  const defaults = { ...FROM_SPAN_PROCESSOR_DEFAULTS, maxQueueSize };
  const settings = settingsOf<Settings>(STAGE, defaults, FROM_SPAN_PROCESSOR_RULES, options);
  const ledger = settings.ledger ?? createLedger();
  const account = ledger.open('input', settings.name ?? STAGE);
  const input = new RingInput(settings, account);
  const books = { ledger, isGiven: settings.ledger !== undefined, account };
  const { flush$ } = input;
  const flush = (urgency: FlushUrgency) => input.flush(urgency);
  const end = (urgency: FlushUrgency) => void input.end(urgency);
  registerInput([input, input.spans$], { books, flush$, flush, end });
  return input;
}

class RingInput implements SpanSource {
  readonly #settings: Settings;
  readonly #account: Account;
  readonly #reporter: StageReporter<never>;
  readonly #ring = new Ring<ReadableSpan>();
  readonly #spans = new Multicast<ReadableSpan>();
  #mayEmit = 0; // spans that may still leave before the next turn
  readonly #emitAll = () => this.#account.passOn(this.#emit, this.#ring);
  readonly #emit = (ring: Ring<ReadableSpan>) => {
    while (this.#hasNext) {
      this.#mayEmit -= 1;
      this.#account.handOn(1);
      this.#spans.next(ring.shift() as ReadableSpan);
    }
  };
  readonly #flushes = new FlushRequests();
  readonly #losses: DeferredLosses;
  #whenEmpty: (() => void)[] = []; // flushes that wait for a subscriber
  readonly #turn: DueTurn;
  readonly #unsubscribed: Unsubscribed;
  #draining = false;
  #ending: { readonly onDone: () => void; readonly urgency: FlushUrgency } | undefined; // a shutdown that came from within the stream
  #shutdown: Promise<void> | undefined;
  #ended: Promise<void> | undefined; // resolves when everything has its outcome
  #isClosed = false; // from the beginning of the shutdown, which sends what waits before its promise is there

  readonly spans$ = new Observable<ReadableSpan>((subscriber) => {
    subscriber.add(this.#spans.values$.subscribe(subscriber));
    if (this.#ring.length > 0) this.#drainSoon();
  });
  readonly flush$ = this.#flushes.requests$;
  readonly lost = new Subject<LostSpans>();

  constructor(settings: Settings, account: Account) {
    this.#settings = settings;
    this.#account = account;
    this.#reporter = new StageReporter(account, settings);
    this.#unsubscribed = new Unsubscribed(settings.scheduler, {
      what: `${account.stage}: spans have ended`,
      stream: 'spans$',
      isObserved: () => this.#spans.observed,
    });
    this.#turn = new DueTurn(settings.scheduler, () => {
      this.#losses.report();
      this.#drain(SPANS_PER_TURN);
    });
    this.#losses = new DeferredLosses(this.#reporter);
    account.watch({ queueSize: () => this.#ring.length });
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    this.offer(span);
  }

  offer(span: ReadableSpan): LossReason | undefined {
    try {
      if ((span.spanContext().traceFlags & SAMPLED) === 0) return 'unsampled';
      return this.#push(span);
    } catch {
      // Only an object that is no span gets here. It is counted: nothing throws into `span.end()`, and no callback runs there.
      this.#account.callbackFailed();
      return 'unencodable';
    }
  }

  get stage(): string {
    return this.#account.stage;
  }

  forceFlush({ timeoutMillis = this.#settings.flushTimeoutMillis } = {}): Promise<void> {
    requireRule(`${STAGE}.forceFlush.timeoutMillis`, timeoutMillis, TIMEOUT);
    const { scheduler } = this.#settings;
    return flushWithin(scheduler, timeoutMillis, 'forceFlush', () => this.flush({ timeoutMillis, isEnding: false }));
  }

  shutdown({ timeoutMillis = this.#settings.flushTimeoutMillis } = {}): Promise<void> {
    requireRule(`${STAGE}.shutdown.timeoutMillis`, timeoutMillis, TIMEOUT);
    const { scheduler } = this.#settings;
    this.#shutdown ??= flushWithin(scheduler, timeoutMillis, 'shutdown', () =>
      this.end({ timeoutMillis, isEnding: true }),
    );
    return this.#shutdown;
  }

  flush(urgency: FlushUrgency): Promise<void> {
    return this.#ended ?? outsideCaller((onDone) => this.#flush(onDone, urgency));
  }

  end(urgency: FlushUrgency): Promise<void> {
    this.#isClosed = true;
    this.#ended ??= outsideCaller((onDone) => this.#end(onDone, urgency));
    return this.#ended;
  }

  #push(span: ReadableSpan): LossReason | undefined {
    if (this.#isClosed) return this.#refuse('alreadyShutdown');
    if (this.#ring.length >= this.#settings.maxQueueSize) {
      if (this.#settings.overflow === 'dropNewest') return this.#refuse('queueFull');
      this.#evict();
    }
    this.#account.accept(1);
    this.#ring.push(span);
    this.#drainSoon();
    return undefined;
  }

  #evict(): void {
    const evicted = this.#ring.shift() as ReadableSpan;
    this.#account.lose(1, 'queueFull');
    this.#tellSoon('queueFull');
    this.lost.next({ loss: { count: 1, reason: 'queueFull', stage: this.#account.stage }, spans: [evicted] });
  }

  #refuse(reason: LossReason): LossReason {
    this.#account.refuse(1, reason);
    this.#tellSoon(reason);
    return reason;
  }

  #tellSoon(reason: LossReason): void {
    this.#losses.add(1, reason);
    this.#drainSoon();
  }

  #drainSoon(): void {
    if (this.#turn.isArmed) return;
    if (this.#spans.observed || !this.#losses.isEmpty) this.#turn.arm();
    this.#unsubscribed.check();
  }

  #drain(atMost: number): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#mayEmit = atMost;
    // Once for many spans. When a subscriber throws, it goes on with the next one.
    while (this.#hasNext) this.#reporter.guard(this.#emitAll);
    this.#draining = false;
    const ending = this.#ending;
    this.#ending = undefined;
    if (ending !== undefined) this.#end(ending.onDone, ending.urgency);
    else if (this.#ring.length > 0) this.#drainSoon();
    else for (const flush of this.#whenEmpty.splice(0)) flush();
  }

  get #hasNext(): boolean {
    return this.#mayEmit > 0 && this.#ring.length > 0 && this.#spans.observed;
  }

  /** Sends a flush request behind everything that has ended so far. */
  #flush(onDone: () => void, urgency: FlushUrgency): void {
    this.#drain(Number.POSITIVE_INFINITY);
    const send = () => this.#flushes.send(onDone, urgency);
    if (this.#ring.length === 0 && !this.#draining) send();
    else this.#whenEmpty.push(send);
  }

  #end(onDone: () => void, urgency: FlushUrgency): void {
    // Called from within the stream, it ends when what is being drained has passed.
    if (this.#draining) {
      this.#ending = { onDone, urgency };
      return;
    }
    this.#drain(Number.POSITIVE_INFINITY);
    const left = this.#ring.take(this.#ring.length);
    if (left.length > 0) {
      const loss: Loss = { count: left.length, reason: 'noSubscriber', stage: this.#account.stage };
      this.#account.lose(loss.count, loss.reason);
      this.#losses.add(loss.count, loss.reason);
      this.lost.next({ loss, spans: left });
    }
    for (const flush of this.#whenEmpty.splice(0)) flush();
    this.#flushes.send(onDone, urgency);
    this.#spans.complete();
    this.#flushes.complete();
    this.#losses.report();
  }
}
