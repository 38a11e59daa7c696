import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Observable, type Subscriber } from 'rxjs';
import { HeldBatch } from '../../flow/heldBatch.ts';
import { holdProcess } from '../../internal/timers.ts';
import { warn } from '../../internal/tracingSuppression.ts';
import type { Account } from '../../ledger/account.ts';
import { openInput, Stage } from '../../ledger/stage.ts';
import { StageReporter } from '../../ledger/stageReporter.ts';
import type { Batch } from '../../model/batch.ts';
import { messageOf, SpanflowError } from '../../model/errors.ts';
import type { SignalItems, SignalName } from '../../model/signal.ts';
import { lostTally } from '../../model/tally.ts';
import { Demand } from '../shared/demand.ts';
import { chunksOf } from './chunks.ts';
import { itemsOf } from './contents.ts';
import {
  type FileProgress,
  type FromOtlpFileOptions,
  type FromOtlpFileSettings,
  fromOtlpFileSettings,
  STAGE,
} from './options.ts';
import { ProgressMeter } from './progress.ts';
import { recordsOf } from './records.ts';

/** A file that is read. */
export interface OtlpFile<T> {
  /** One batch for each record that holds items. It can be subscribed to once. */
  readonly batches$: Observable<Batch<T>>;
  /** How far it is: now, once per `progressIntervalMillis` of reading, and at the end, with which it completes. */
  readonly progress$: Observable<FileProgress>;
}

/**
 * Reads a file of OTLP as the file exporter of the OpenTelemetry Collector writes it, and {@link toOtlpFile}: lines of JSON, or protobuf messages behind four bytes of length, as a whole or each by itself compressed with Zstandard (or the whole with gzip). The file says which it is.
 *
 * ```
 * file        record record damaged record
 * batches$    ─batch──batch─────────batch─|      the next one when those who hold the last are ready for it
 * ```
 *
 * **Demand.** The next record is read when every holder of the batches before is ready for another one (`exportTo` is when an attempt could begin), within `maxUnsettledBatches` and `maxUnsettledBytes`, and while the gate is open. An operator in between that takes batches apart
 * (`mergeMap((batch) => batch.items)`) holds none: give the stage behind it and this input the same gate.
 *
 * **Emits** a batch for each request. **Completes** at the end of the file, which may be growing: what comes later is not read. **Errors** when the file cannot be opened or read, naming it. **Unsubscribed**, it closes the file. Until then it keeps the process alive, also while it waits for a backend that is down.
 *
 * **Order**: that of the file.
 *
 * **Loss**: a record that is damaged (no JSON, no message, too long, torn at the end of the file) is passed over, counted in `progress$`, and the first of them is told with its place by OpenTelemetry's `diag.warn`. Behind a length that reaches beyond the end of the file nothing can be read (`unreadBytes`). How many items a damaged record
 * held is unknown, so the ledger has none of them. A batch that a holder has not settled within `holdLeaseMillis` is given up: `onLoss` is told `leaseExpired`, and the file is read on.
 *
 * @param path of the file, or its `file:` URL
 *
 * @throws InvalidOptionError when there is no path, or an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const { batches$, progress$ } = fromOtlpFile('traces.jsonl');
 * progress$.subscribe(({ readBytes, totalBytes }) => console.log(readBytes / totalBytes));
 * const pipeline = runPipeline(batches$, batches$.pipe(exportTo(otlpHttp())));
 * ```
 *
 * @see toOtlpFile
 */
export function fromOtlpFile<S extends SignalName = 'traces'>(
  path: string | URL,
  options: FromOtlpFileOptions<S> = {},
): OtlpFile<SignalItems[S]> {
  const settings = fromOtlpFileSettings(path, options);
  const stage = new Stage(settings.ledger, 'input', settings.name ?? STAGE);
  const meter = new ProgressMeter(settings.scheduler, settings.progressIntervalMillis);
  const file = path instanceof URL ? fileURLToPath(path) : path;
  let taken = false;
  const batches$ = new Observable<Batch<SignalItems[S]>>((subscriber) => {
    if (taken) throw new SpanflowError('CLOSED', `${STAGE}: a file can be subscribed to once; share() it`);
    taken = true;
    new Reading<S>(file, settings, subscriber, openInput(stage), meter).run().then(
      () => subscriber.complete(),
      (error: unknown) => subscriber.error(error),
    );
  });
  return { batches$, progress$: meter.progress$ };
}

/** One pass through a file. */
class Reading<S extends SignalName> {
  readonly #path: string;
  readonly #settings: FromOtlpFileSettings<S>;
  readonly #subscriber: Subscriber<Batch<SignalItems[S]>>;
  readonly #account: Account;
  readonly #reporter: StageReporter<SignalItems[S]>;
  readonly #meter: ProgressMeter;
  readonly #demand: Demand<SignalItems[S]>;
  #hasWarned = false;
  #sequence = 0; // of the next batch: how many items came before

  constructor(
    path: string,
    settings: FromOtlpFileSettings<S>,
    subscriber: Subscriber<Batch<SignalItems[S]>>,
    account: Account,
    meter: ProgressMeter,
  ) {
    this.#path = path;
    this.#settings = settings;
    this.#subscriber = subscriber;
    this.#account = account;
    this.#meter = meter;
    this.#reporter = new StageReporter(account, settings);
    this.#demand = new Demand(settings, subscriber, { onExpired: (batch) => this.#expire(batch) });
  }

  async run(): Promise<void> {
    // While nobody is ready for the next batch, nothing else may be there that keeps the process alive.
    this.#subscriber.add(holdProcess(this.#settings.scheduler, 'whileWaiting'));
    try {
      this.#meter.start((await stat(this.#path)).size);
      const chunks = chunksOf(this.#path, (readBytes) => this.#meter.add({ readBytes }));
      for await (const record of recordsOf(chunks, this.#settings.maxRecordBytes)) {
        if ('damage' in record) this.#damaged(record.place, record.damage, record.unreadBytes);
        else await this.#record(record.content, record.place);
        if (this.#subscriber.closed) return;
      }
    } finally {
      this.#meter.end();
    }
  }

  async #record(content: Uint8Array, place: string): Promise<void> {
    await this.#demand.next(content.length);
    if (this.#subscriber.closed) return;
    const items = await this.#decoded(content, place);
    if (items === undefined || this.#subscriber.closed) return;
    this.#meter.add({ records: 1, items: items.length, empty: items.length === 0 ? 1 : 0 });
    if (items.length > 0) this.#emit(items, content.length);
  }

  async #decoded(content: Uint8Array, place: string): Promise<readonly SignalItems[S][] | undefined> {
    const { signal, maxRecordBytes } = this.#settings;
    try {
      return await itemsOf(content, signal as S, maxRecordBytes);
    } catch (thrown) {
      this.#damaged(place, messageOf(thrown));
      return undefined;
    }
  }

  #emit(items: readonly SignalItems[S][], bytes: number): void {
    const { scheduler } = this.#settings;
    this.#account.accept(items.length);
    this.#account.handOn(items.length);
    const batch = new HeldBatch<SignalItems[S]>(
      this.#demand,
      { items, bytes, closedBy: 'count', origins: [{}] },
      this.#sequence,
      scheduler.now(),
    );
    this.#sequence += items.length;
    this.#demand.emit(batch, () => this.#account.passOn(() => this.#subscriber.next(batch), batch));
  }

  /** A holder has forgotten the batch. It was handed on: how it ended stays unknown. */
  #expire(batch: HeldBatch<SignalItems[S]>): void {
    const loss = { count: batch.size, reason: 'leaseExpired', stage: this.#account.stage } as const;
    this.#reporter.report(loss, batch.items);
    batch.expire(lostTally(loss.count, loss.reason, loss.stage));
  }

  #damaged(place: string, why: string, unreadBytes = 0): void {
    const what = `${this.#path}${place}: ${withoutLine(why)}`;
    this.#meter.damaged(what, unreadBytes);
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    warn(`spanflow: ${STAGE} passes over damaged records; the first: ${what}`);
  }
}

/** V8 says a line, too, which is the first one always, since it was given one. */
function withoutLine(why: string): string {
  return why.replace(/ \(line 1 column \d+\)/, ' of the record');
}
