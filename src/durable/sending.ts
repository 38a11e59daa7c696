import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import {
  BehaviorSubject,
  combineLatest,
  defer,
  finalize,
  from,
  map,
  of,
  Subject,
  type Subscription,
  startWith,
  throwError,
} from 'rxjs';
import { exported } from '../destination/exported.ts';
import { HeldBatch, type HeldBatchOwner } from '../flow/heldBatch.ts';
import { bodyMemory } from '../flow/memory.ts';
import { DueTurn } from '../internal/timers.ts';
import type { Batch } from '../model/batch.ts';
import type { SignalName } from '../model/signal.ts';
import { ExportError, type ObservableSink, type Sink } from '../model/sink.ts';
import type { LossReason, Tally } from '../model/tally.ts';
import { exportTo } from '../operators/exportTo/exportTo.ts';
import { type SignalViewing, viewChecked } from '../otlp/decode/viewRequest.ts';
import { logsViewing } from '../otlp/logs/decode/viewLogs.ts';
import { metricsViewing } from '../otlp/metrics/decode/viewMetrics.ts';
import { DECODE_DEFAULTS } from '../otlp/protobuf/decodeLimits.ts';
import { tracesViewing } from '../otlp/traces/decode/viewTraces.ts';
import { type DurableBooks, withReason } from './books.ts';
import type { DurableSettings } from './options.ts';
import type { StoredBatch } from './protocol.ts';

const VIEWINGS: Readonly<Record<SignalName, SignalViewing<never>>> = {
  traces: tracesViewing as SignalViewing<ReadableSpan> as SignalViewing<never>,
  logs: logsViewing as SignalViewing<never>,
  metrics: metricsViewing as SignalViewing<never>,
};

/** We have written it ourselves, and its checksum is right: no limit keeps it from being read. */
const LIMITS = { ...DECODE_DEFAULTS, maxItems: Number.POSITIVE_INFINITY, maxDecodedBytes: Number.POSITIVE_INFINITY };

/** A batch that was lost so is not lost: it is on disk, and is sent after the next start. */
const KEPT: ReadonlySet<LossReason> = new Set(['shutdown', 'unsubscribed']);

/** A batch that was read and has no outcome. */
interface Sent {
  readonly row: number;
  readonly items: number;
  readonly bytes: number;
  /** When it becomes too old, in the scheduler's time. */
  readonly expiresAtMillis: number;
  /** Whether it still lies there. */
  isOnDisk: boolean;
}

interface SendingParts<T> {
  readonly sink: Sink<T>;
  readonly settings: DurableSettings<T>;
  readonly books: DurableBooks<T>;
  /** A row has ended: it can be removed. */
  readonly onEnded: (row: number, itemsOnDisk: number) => void;
}

/** The way of stored batches to the backend: bounded by bytes, oldest first, and each settled by its row. */
export class Sending<T> implements HeldBatchOwner<T> {
  readonly books: object;
  readonly #parts: SendingParts<T>;
  readonly #batches = new Subject<Batch<T>>();
  readonly #sent = new Map<number, Sent>(); // by row
  readonly #rows = new WeakMap<object, Sent>(); // by batch
  readonly #waiting: StoredBatch[] = []; // that were read, and have not been given to the exporter
  readonly #turn: DueTurn;
  readonly #isPaused = new BehaviorSubject(false);
  readonly #stop = new Subject<void>();
  readonly #subscription: Subscription;
  readonly #quiet = new Set<() => void>(); // who waits until no attempt is in flight
  #bytes = 0; // of all that was read and has no outcome
  #attempts = 0; // in flight
  #closing = false;

  constructor(parts: SendingParts<T>) {
    this.#parts = parts;
    this.books = parts.books.account;
    this.#turn = new DueTurn(parts.settings.scheduler, () => this.#emitNext());
    this.#subscription = this.#export();
  }

  /** How many bytes more may be read. */
  get roomBytes(): number {
    return this.#closing ? 0 : Math.max(0, this.#parts.settings.maxSendingBytes - this.#bytes);
  }

  get rows(): number[] {
    return [...this.#sent.keys()];
  }

  get attemptsInFlight(): number {
    return this.#attempts;
  }

  /** Items that are not on the disk any more, and are sent from memory. */
  get itemsElsewhere(): number {
    return [...this.#sent.values()].reduce((sum, { isOnDisk, items }) => sum + (isOnDisk ? 0 : items), 0);
  }

  /** Whether no batch up to this row is without an outcome. */
  isPast(row: number): boolean {
    return [...this.#sent.keys()].every((sent) => sent > row);
  }

  add(stored: readonly StoredBatch[]): void {
    const { maxAgeMillis, scheduler } = this.#parts.settings;
    for (const batch of stored) {
      const bytes = batch.body.length;
      const expiresAtMillis = scheduler.now() + maxAgeMillis - batch.ageMillis;
      this.#sent.set(batch.row, { row: batch.row, items: batch.items, bytes, expiresAtMillis, isOnDisk: true });
      this.#bytes += bytes;
      bodyMemory().hold(bytes);
      this.#waiting.push(batch);
    }
    if (this.#waiting.length > 0) this.#turn.arm();
  }

  /** These do not lie on the disk any more. */
  missing(rows: readonly number[]): void {
    for (const row of rows) {
      const sent = this.#sent.get(row);
      if (sent !== undefined) sent.isOnDisk = false;
    }
  }

  /** No further attempt begins. Resolves when none is in flight. */
  pause(): Promise<void> {
    this.#closing = true;
    this.#isPaused.next(true);
    if (this.#attempts === 0) return Promise.resolve();
    return new Promise((resolve) => this.#quiet.add(resolve));
  }

  /** Attempts that are in flight are aborted. What is in memory alone is lost. */
  stop(): void {
    this.#closing = true;
    this.#stop.next();
    this.#subscription.unsubscribe();
    this.#waiting.length = 0;
    for (const sent of [...this.#sent.values()]) {
      this.#forget(sent);
      if (!sent.isOnDisk) this.#parts.books.lost(sent.items, 'shutdown');
    }
  }

  onUnready(): void {}
  onTakenOver(): void {}
  onTakenBack(): void {}
  onHandedOn(): void {}

  onSettled(batch: HeldBatch<T>, tally: Tally): void {
    const sent = this.#rows.get(batch);
    if (sent === undefined || !this.#sent.has(sent.row)) return;
    this.#forget(sent);
    if (sent.isOnDisk && this.#isKept(tally)) return;
    const isExpired = this.#parts.settings.scheduler.now() >= sent.expiresAtMillis;
    this.#parts.books.ended(sent.items, isExpired ? withReason(tally, 'permanent', 'expired') : tally);
    this.#parts.onEnded(sent.row, sent.isOnDisk ? sent.items : 0);
  }

  /** While it shuts down, an attempt that was aborted is no loss either, although it may have arrived. */
  #isKept({ lost }: Tally): boolean {
    return lost.some(({ reason }) => this.#closing || KEPT.has(reason));
  }

  #forget(sent: Sent): void {
    if (!this.#sent.delete(sent.row)) return;
    this.#bytes -= sent.bytes;
    bodyMemory().give(sent.bytes);
  }

  /** One batch in a turn: the host may have something to do in between. */
  #emitNext(): void {
    const stored = this.#waiting.shift();
    if (stored === undefined || this.#closing) return;
    const sent = this.#sent.get(stored.row);
    if (sent !== undefined) this.#emit(stored, sent);
    if (this.#waiting.length > 0) this.#turn.arm();
  }

  #emit({ body, row }: StoredBatch, sent: Sent): void {
    const { settings, books } = this.#parts;
    const items = itemsOf<T>(body, settings.signal);
    if (items === undefined) {
      this.#forget(sent);
      books.lost(sent.items, 'damaged');
      this.#parts.onEnded(row, sent.isOnDisk ? sent.items : 0);
      return;
    }
    const taken = { items, bytes: body.length, closedBy: 'count' } as const;
    const batch = new HeldBatch(this, taken, row, settings.scheduler.now());
    this.#rows.set(batch, sent);
    books.account.emit(sent.items);
    this.#batches.next(batch);
    batch.emitted();
  }

  #export(): Subscription {
    const { settings, books, sink } = this.#parts;
    const { send, onLoss, onCallbackError, random, scheduler } = settings;
    const { pauseWhen = of(false) } = send;
    const pause = combineLatest([from(pauseWhen).pipe(startWith(false)), this.#isPaused]).pipe(
      map(([user, own]) => user || own),
    );
    const operator = exportTo<T>(this.#withinAge(sink), {
      ...send,
      retry: { maxElapsedMillis: Number.POSITIVE_INFINITY, ...send.retry },
      pauseWhen: pause,
      stopWhen: this.#stop,
      // The bytes are bounded here.
      maxPendingItems: Number.POSITIVE_INFINITY,
      maxPendingBytes: Number.POSITIVE_INFINITY,
      ...(onLoss !== undefined && { onLoss }),
      ...(onCallbackError !== undefined && { onCallbackError }),
      ledger: books.ledger,
      // What is on disk is sent after the next start.
      processHold: 'never',
      random,
      scheduler,
    });
    return this.#batches.pipe(operator).subscribe((outcome) => {
      if (!this.#closing) books.warnings.outcome(outcome);
    });
  }

  /** The sink, with attempts counted, and none for a batch that is too old. */
  #withinAge(sink: Sink<T>): ObservableSink<T> {
    const { maxConcurrency, attemptTimeoutMillis, component } = sink;
    return {
      name: sink.name,
      ...(maxConcurrency !== undefined && { maxConcurrency }),
      ...(attemptTimeoutMillis !== undefined && { attemptTimeoutMillis }),
      ...(component !== undefined && { component }),
      export: (batch, attempt) => {
        const { scheduler, maxAgeMillis } = this.#parts.settings;
        const sent = this.#rows.get(batch.partOf ?? batch);
        if (sent !== undefined && scheduler.now() >= sent.expiresAtMillis)
          return throwError(
            () => new ExportError({ kind: 'permanent' }, `it is older than maxAgeMillis ${maxAgeMillis}`),
          );
        return defer(() => {
          this.#attempts += 1;
          return exported(sink, batch, attempt);
        }).pipe(finalize(() => this.#attemptEnded()));
      },
    };
  }

  #attemptEnded(): void {
    this.#attempts -= 1;
    if (this.#attempts > 0) return;
    for (const resolve of this.#quiet) resolve();
    this.#quiet.clear();
  }
}

function itemsOf<T>(body: Uint8Array, signal: SignalName): T[] | undefined {
  try {
    return viewChecked<T>(body, LIMITS, () => {}, VIEWINGS[signal] as unknown as SignalViewing<T>);
  } catch {
    return undefined;
  }
}
