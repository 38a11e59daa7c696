import { Observable, type Subscriber } from 'rxjs';
import { holdProcess, outsideAnyContext, turnOfHost } from '../../internal/timers.ts';
import { untraced } from '../../internal/tracingSuppression.ts';
import { settingsOf } from '../../internal/validation.ts';
import { flushWithin } from '../../internal/withinTime.ts';
import { openInput, Stage } from '../../ledger/stage.ts';
import type { Batch, FlushUrgency } from '../../model/batch.ts';
import { SpanflowError } from '../../model/errors.ts';
import type { SignalItems, SignalName } from '../../model/signal.ts';
import { findKafka } from '../../peers/kafka.ts';
import { registerInput } from '../runInput.ts';
import { FlushRequests, outsideCaller } from '../shared/flushRequests.ts';
import type { KafkaInput, KafkaInputStats } from './api.ts';
import { Consumption } from './consumption.ts';
import { Counts } from './counts.ts';
import { type FromKafkaOptions, type FromKafkaSettings, fromKafkaSettings, STAGE, TIMEOUT_RULES } from './options.ts';

/**
 * Reads a topic of Kafka as a member of a consumer group, in the formats of the OpenTelemetry Collector's Kafka receiver: a message is an OTLP export request. Those in protobuf are views, read from their bytes when they are asked for.
 *
 * ```
 * partition 0     m0 m1 m2 m3        offsets 0 … 3
 * batches$        ─m0─m1─m2─m3──
 * settled         ────m1─m0────m3─m2
 * committed       ───────2────────4──      what is before it is settled, all of it
 * ```
 *
 * **Commits.** An offset is committed when its batch and all before it in the partition are settled: delivered, rejected, lost and counted, or handed on to operators that hold nothing. At least once: what was settled and not committed at a crash comes again. A batch that was lost only because this program ended (`shutdown`, `unsubscribed`) is not committed; one that was lost so
 * while the reading goes on is read again, and what came after it in its partition, too. An operator in between that takes batches apart (`mergeMap((batch) => batch.items)`) holds none, so its spans count as handed on: what `tailSample` has in memory at a crash is lost.
 *
 * **Rebalances.** When members come or go, nothing more is emitted; what is out is flushed and waited for (`rebalanceWaitMillis`) and committed, and the group divides the partitions anew. What was not settled by then comes again: at the next owner of its partition, or nowhere if that is this member.
 *
 * **Demand.** The next message is emitted when every holder of the batches before is ready for another one, within `maxUnsettledBatches` and `maxUnsettledBytes`, and while the gate is open. Meanwhile the member stays in its group.
 *
 * **Poison.** A message that cannot be read is counted, given to `onPoison`, and passed over. How many items it held is unknown, so the ledger has none of them.
 *
 * **Emits** a batch for each message that holds items. **Completes** at the shutdown. It does not **error** for brokers that fail: it tries again each `retryDelayMillis`, tells the first failure to `diag.warn`, and counts them. **Unsubscribed**, it commits what is settled and leaves the group. Until then it keeps the process alive.
 *
 * **Order**: within a partition that of the topic, but for what is read again.
 *
 * **Loss**: `leaseExpired`, a batch that its holders never settled.
 *
 * @throws InvalidOptionError when an option is missing, out of its range, or unknown
 * @throws SpanflowError `MISSING_PACKAGE` when `@platformatic/kafka` is not installed
 *
 * @example
 * ```ts
 * const { fromKafka } = await import('spanflow/kafka');
 * const input = fromKafka({ brokers: ['127.0.0.1:9092'], topic: 'otlp_spans', groupId: 'exporters' });
 * const pipeline = runPipeline(input, input.batches$.pipe(exportTo(otlpHttp())));
 * await pipeline.shutdown();
 * await input.shutdown(); // commits, and leaves the group
 * ```
 *
 * @see toKafka
 */
export function fromKafka<S extends SignalName = 'traces'>(options: FromKafkaOptions<S>): KafkaInput<SignalItems[S]> {
  const settings = fromKafkaSettings(options);
  findKafka(STAGE);
  return new GroupInput<SignalItems[S]>(settings);
}

/** A member of a group, while it is subscribed. */
class GroupInput<T> implements KafkaInput<T> {
  readonly batches$: Observable<Batch<T>>;
  readonly #settings: FromKafkaSettings;
  readonly #stage: Stage;
  readonly #flushes = new FlushRequests();
  readonly #counts = new Counts();
  #present: { readonly consumption: Consumption<T>; readonly subscriber: Subscriber<Batch<T>> } | undefined;
  #closed: Promise<void> = Promise.resolve(); // resolves when the members before have left
  #isEnded = false;
  #flushed: Promise<void> = Promise.resolve(); // resolves when what was out at the end has its outcomes
  #shutdown: Promise<void> | undefined;

  constructor(settings: FromKafkaSettings) {
    this.#settings = settings;
    this.#stage = new Stage(settings.ledger, 'input', settings.name ?? STAGE);
    this.batches$ = new Observable((subscriber) => this.#subscribe(subscriber));
    registerInput([this, this.batches$], {
      isHot: true,
      ledger: settings.ledger,
      flush$: this.flush$,
      flush: (urgency) => this.#flush(urgency),
      end: (urgency) => this.#end(urgency),
    });
  }

  get flush$() {
    return this.#flushes.requests$;
  }

  stats(): KafkaInputStats {
    const { batches, bytes } = this.#present?.consumption.out ?? { batches: 0, bytes: 0 };
    const partitions = this.#present?.consumption.partitions ?? [];
    return { ...this.#counts, partitions, unsettledBatches: batches, unsettledBytes: bytes };
  }

  forceFlush(options: { timeoutMillis?: number } = {}): Promise<void> {
    const timeoutMillis = this.#timeoutOf('forceFlush', options);
    const flush = () => this.#flush({ timeoutMillis, isEnding: false });
    return flushWithin(this.#settings.scheduler, timeoutMillis, `${STAGE}.forceFlush`, flush);
  }

  shutdown(options: { timeoutMillis?: number } = {}): Promise<void> {
    const timeoutMillis = this.#timeoutOf('shutdown', options);
    this.#shutdown ??= outsideAnyContext(() => untraced(() => this.#drain(timeoutMillis)));
    return this.#shutdown;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  #timeoutOf(method: string, options: { timeoutMillis?: number }): number {
    const defaults = { timeoutMillis: this.#settings.shutdownTimeoutMillis };
    return settingsOf(`${STAGE}.${method}`, defaults, TIMEOUT_RULES, options).timeoutMillis;
  }

  #subscribe(subscriber: Subscriber<Batch<T>>): void {
    if (this.#isEnded) subscriber.complete();
    else if (this.#present === undefined) this.#begin(subscriber);
    else subscriber.error(new SpanflowError('CLOSED', `${STAGE}: one subscription at a time; share() it`));
  }

  #begin(subscriber: Subscriber<Batch<T>>): void {
    const { scheduler } = this.#settings;
    const account = openInput(this.#stage);
    outsideAnyContext(() =>
      untraced(() => {
        const consumption = new Consumption<T>(this.#settings, subscriber, account, this.#counts);
        this.#present = { consumption, subscriber };
        subscriber.add(holdProcess(scheduler, 'whileWaiting'));
        subscriber.add(() => this.#unsubscribed(consumption));
        this.#closed.then(() => consumption.run()).catch((error: unknown) => subscriber.error(error));
      }),
    );
  }

  /** Stages settle what they had a moment after they have unsubscribed. */
  #unsubscribed(consumption: Consumption<T>): void {
    if (this.#isEnded || this.#present?.consumption !== consumption) return;
    this.#present = undefined;
    consumption.stop();
    const settled = new Promise<void>((resolve) => void turnOfHost()(resolve));
    this.#closed = settled.then(() => outsideAnyContext(() => untraced(() => consumption.close())));
  }

  #flush(urgency: FlushUrgency): Promise<void> {
    const answered = outsideCaller((onDone) => this.#flushes.send(onDone, urgency));
    return Promise.all([answered, this.#present?.consumption.flush(urgency)]).then(() => {});
  }

  /** Reads no more, and leaves the group when what is out has its outcomes, or the time is up. */
  #end(urgency: FlushUrgency): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const { consumption, subscriber } = this.#present ?? {};
    consumption?.stop();
    this.#flushed = this.#flush(urgency);
    this.#flushes.complete();
    subscriber?.complete();
    const flushed = () => this.#flushed;
    flushWithin(this.#settings.scheduler, urgency.timeoutMillis, STAGE, flushed)
      .catch(() => {})
      .then(() => outsideAnyContext(() => untraced(() => consumption?.close())));
  }

  async #drain(timeoutMillis: number): Promise<void> {
    this.#end({ timeoutMillis, isEnding: true });
    const why = () => '; what has no outcome comes again';
    const flushed = () => this.#flushed;
    try {
      await flushWithin(this.#settings.scheduler, timeoutMillis, `${STAGE}.shutdown`, flushed, why);
    } finally {
      await Promise.all([this.#closed, this.#present?.consumption.close()]);
      this.#present = undefined;
    }
  }
}
