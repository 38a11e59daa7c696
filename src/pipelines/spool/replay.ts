import { Observable, type SchedulerLike, type Subscriber, Subscription } from 'rxjs';
import { HeldBatch, type HeldBatchOwner } from '../../flow/heldBatch.ts';
import { after } from '../../internal/timers.ts';
import type { StageReporter } from '../../ledger/stageReporter.ts';
import type { Batch, FlushUrgency } from '../../model/batch.ts';
import { messageOf } from '../../model/errors.ts';
import type { Tally } from '../../model/tally.ts';
import { giveBack, type SpoolDirectory, STALE_MILLIS, type TakenFile, TOUCH_MILLIS, touch } from './spoolDirectory.ts';
import { SpooledFile, type SpooledFrame } from './spooledFile.ts';

/** A frame that the backend would not take at all is tried again after this time. The export has tried for minutes by then. */
const AGAIN_MILLIS = 30_000;

/** What differs between replays. */
export interface ReplayParts<T> {
  readonly directory: SpoolDirectory;
  readonly maxAgeMillis: number;
  /** Its books: what is out is pending there. */
  readonly reporter: StageReporter<T>;
  readonly decode: (body: Uint8Array) => Promise<readonly T[]>;
  readonly scheduler: SchedulerLike;
  /** These items come from a file, which has them until they have an outcome. */
  readonly onEmit: (items: readonly T[]) => void;
  readonly tell: (message: string) => void;
}

/** Sends what earlier runs have spooled on one way, one batch at a time, beside what is new. */
export class Replay<T> implements HeldBatchOwner<T> {
  readonly batches$: Observable<Batch<T>>;
  readonly #parts: ReplayParts<T>;
  readonly #timers = new Subscription();
  #subscriber: Subscriber<Batch<T>> | undefined;
  #ran: Promise<void> = Promise.resolve(); // when it has nothing more to do
  #isRunning = false;
  #file: TakenFile | undefined; // that is being sent
  #sequence = 0; // of the next batch: how many items came before
  #out: HeldBatch<T> | undefined; // without an outcome
  #settled: (tally: Tally) => void = () => {};
  #urgency: FlushUrgency | undefined; // of the end: what does not go out now stays
  #isStopped = false;
  #wake: () => void = () => {};

  constructor(parts: ReplayParts<T>) {
    this.#parts = parts;
    this.batches$ = new Observable((subscriber) => {
      this.#subscriber = subscriber;
      this.#isRunning = true;
      this.#ran = this.#run().catch((thrown: unknown) => parts.tell(`the spool cannot be read: ${messageOf(thrown)}`));
      void this.#ran.then(() => this.stop());
      subscriber.add(() => this.stop());
    });
  }

  get books(): object {
    return this.#parts.reporter.account;
  }

  /** Whether there may be something to send. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** The pipeline ends: it goes on while its batches arrive, and resolves when one has not, or nothing is left. */
  finish(urgency: FlushUrgency): Promise<void> {
    this.#urgency = urgency;
    this.#out?.flush(urgency);
    this.#wake();
    return this.#ran;
  }

  /** Nothing more is sent. What is not done is left to whoever comes next. */
  stop(): void {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    this.#isStopped = true;
    this.#timers.unsubscribe();
    this.#giveBack();
    this.#wake();
    this.#subscriber?.complete();
  }

  onUnready(): void {}
  onHandedOn(): void {}
  onTakenBack(): void {}
  onTakenOver(): void {}

  onSettled(batch: HeldBatch<T>, tally: Tally): void {
    this.#parts.reporter.account.settle(batch.size, tally);
    this.#out = undefined;
    this.#settled(tally);
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const { file, isShared } = await this.#parts.directory.take(() => !this.#isStopped);
      if (file !== undefined) {
        if (!(await this.#attempt(file))) return;
      } else if (isShared && this.#urgency === undefined) await this.#pause(STALE_MILLIS);
      else return;
    }
  }

  /** Returns whether the next file may be sent. One that cannot be opened, read or removed holds up no other one. */
  async #attempt(file: TakenFile): Promise<boolean> {
    try {
      return await this.#send(file);
    } catch (thrown) {
      const { directory, tell } = this.#parts;
      directory.skip(file);
      this.#giveBack();
      tell(`${file.freePath} cannot be sent before the next start: ${messageOf(thrown)}`);
      return !this.#isStopped;
    }
  }

  /** Returns whether all of it has an outcome: then it is gone. */
  async #send(file: TakenFile): Promise<boolean> {
    this.#file = file;
    if (this.#isStopped) return this.#giveBack();
    this.#touchLater(file);
    let damagedBytes = 0;
    const spooled = await SpooledFile.open(file.path, (bytes) => {
      damagedBytes += bytes;
    });
    try {
      for await (const frame of spooled.frames()) {
        if (!(await this.#deliver(file, frame))) return this.#giveBack();
        await spooled.done(frame);
      }
    } finally {
      await spooled.close();
      if (damagedBytes > 0) this.#damaged(`${file.freePath} is damaged`, damagedBytes);
    }
    await process.getBuiltinModule('node:fs').promises.unlink(file.path);
    this.#file = undefined;
    return true;
  }

  #giveBack(): false {
    if (this.#file !== undefined) giveBack(this.#file);
    this.#file = undefined;
    return false;
  }

  /** Sends a frame until all of it has an outcome, and returns whether it has. What a backend would not take is not in the books while it waits here: the file has it. */
  async #deliver(file: TakenFile, frame: SpooledFrame): Promise<boolean> {
    const { maxAgeMillis, reporter } = this.#parts;
    const { account } = reporter;
    let left = await this.#decoded(file, frame);
    for (let isFirst = true; left.length > 0; isFirst = false) {
      if (this.#isStopped) return false;
      if (isFirst) account.accept(left.length);
      else account.takeBack(left.length);
      if (Date.now() - file.writtenAtMillis > maxAgeMillis) {
        reporter.lost('expired', left);
        return true;
      }
      const { stored = 0 } = await this.#emit(left, frame.body.length);
      left = left.slice(left.length - stored);
      if (stored === 0) return true;
      if (this.#isStopped || this.#urgency !== undefined) return false;
      await this.#pause(AGAIN_MILLIS);
    }
    return true;
  }

  async #decoded({ freePath }: TakenFile, { body }: SpooledFrame): Promise<readonly T[]> {
    try {
      return await this.#parts.decode(body);
    } catch (thrown) {
      this.#damaged(`${freePath} holds what is no request (${messageOf(thrown)})`, body.length);
      return [];
    }
  }

  #emit(items: readonly T[], bytes: number): Promise<Tally> {
    const { onEmit, reporter, scheduler } = this.#parts;
    const { account } = reporter;
    onEmit(items);
    const batch = new HeldBatch<T>(this, { items, bytes, closedBy: 'count' }, this.#sequence, scheduler.now());
    this.#sequence += items.length;
    this.#out = batch;
    const settled = new Promise<Tally>((resolve) => {
      this.#settled = resolve;
    });
    account.emit(items.length);
    if (this.#urgency !== undefined) batch.flush(this.#urgency);
    account.passOn((value) => this.#subscriber?.next(value), batch);
    batch.emitted();
    return settled;
  }

  #damaged(what: string, bytes: number): void {
    this.#parts.reporter.account.figure('damagedBytes', bytes);
    this.#parts.tell(`${what}: ${bytes} bytes of it are lost, and the rest is sent`);
  }

  #touchLater(file: TakenFile): void {
    const again = after(this.#parts.scheduler, TOUCH_MILLIS, () => {
      this.#timers.remove(again);
      if (file !== this.#file) return;
      void touch(file);
      this.#touchLater(file);
    });
    this.#timers.add(again);
  }

  /** At the end of the pipeline there is none. */
  #pause(millis: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isStopped || this.#urgency !== undefined) return resolve();
      const over = after(this.#parts.scheduler, millis, () => this.#wake());
      this.#timers.add(over);
      this.#wake = () => {
        this.#timers.remove(over);
        over.unsubscribe();
        resolve();
      };
    });
  }
}
