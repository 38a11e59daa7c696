import { BehaviorSubject, Subject, type VirtualTimeScheduler } from 'rxjs';
import { expect } from 'vitest';
import {
  type BackupStats,
  exponentialBackoff,
  type Outcome,
  type PipelineChanges,
  type SpanPipeline,
  spanPipeline,
} from '../../src/index.ts';
import { checkBooks } from './books.ts';
import { backupOf, type ChaosWiring, layersOf, protectedBackend } from './chaosWirings.ts';
import { ChaosBackend, type ChaosEvent, type ChaosSchedule } from './chaosWorld.ts';
import { type Item, itemOf, virtualTime } from './world.ts';

/** A pipeline in virtual time, to which a schedule happens. The books are checked at each step. */
export class ChaosRun {
  readonly pipeline: SpanPipeline;
  readonly backends: readonly [one: ChaosBackend, two: ChaosBackend];
  /** Where a backup copy goes. */
  readonly copies: ChaosBackend;
  readonly outcomes: Outcome<Item>[] = [];
  /** What is thrown inside a stream would be reported elsewhere. */
  readonly violations: unknown[] = [];
  offered = 0;
  isClosed = false;
  readonly #scheduler: VirtualTimeScheduler = virtualTime();
  readonly #random = numbers();
  readonly #limits = new BehaviorSubject(2);
  readonly #holds = new BehaviorSubject(false);
  readonly #changes = new Subject<PipelineChanges>();
  readonly #schedule: ChaosSchedule;
  readonly #wayOut: ReturnType<ChaosWiring['wayOut']>;
  #isEnding = false;

  constructor(schedule: ChaosSchedule, wiring: ChaosWiring) {
    this.#schedule = schedule;
    this.backends = [this.#backend('one', 0), this.#backend('two', 1)];
    this.copies = this.#backend('copies', 2);
    this.#wayOut = this.#wired(wiring);
    this.pipeline = this.#opened();
    this.pipeline.outcomes$.subscribe({
      next: (outcome) => {
        this.outcomes.push(outcome as Outcome<Item>);
        this.#check();
      },
      complete: () => {
        this.isClosed = true;
      },
    });
  }

  /** The books of the copies, where there are some. */
  get backup(): BackupStats | undefined {
    return 'sink' in this.#wayOut ? backupOf(this.#wayOut.sink) : undefined;
  }

  /** Plays the schedule to its end. */
  async play(): Promise<this> {
    for (const event of this.#schedule.events) {
      this.#scheduler.schedule(() => {
        this.#acts[event.kind](event as never);
        this.#check();
      }, event.atMillis);
    }
    this.#scheduler.schedule(() => this.#shutdown(500), 1_000);
    this.#scheduler.flush();
    // What ends a pipeline are promises, and timers in between.
    await this.pipeline.shutdown();
    this.#scheduler.flush();
    this.#check();
    return this;
  }

  #backend(name: string, index: number): ChaosBackend {
    return new ChaosBackend(name, this.#schedule.answers[index] ?? [], this.#scheduler);
  }

  #wired({ wayOut }: ChaosWiring): ReturnType<ChaosWiring['wayOut']> {
    const { aroundSinks, perBranch } = this.#schedule.layers;
    const sinkOf = (backend: ChaosBackend) => (aroundSinks ? protectedBackend(backend, this.#chance) : backend);
    const [one, two] = this.backends;
    const ofBranch = () => (perBranch ? this.#layers() : {});
    return wayOut({ sinks: [sinkOf(one), sinkOf(two)], copies: this.copies, ofBranch, scheduler: this.#scheduler });
  }

  #opened(): SpanPipeline {
    return spanPipeline({
      ...(this.#wayOut as { sink: never }),
      ...this.#commonLayers(),
      overflow: this.#schedule.overflow,
      priorityOf: (span) => (span as Item).id % 10,
      maxQueueSize: 40,
      maxExportBatchSize: 5,
      scheduledDelayMillis: 20,
      maxUnsettledBatches: 8,
      attemptTimeoutMillis: 100,
      retry: { backoff: exponentialBackoff({ initialMillis: 10, maxMillis: 200 }), maxElapsedMillis: 1_000 },
      pauseWhen: this.#holds,
      settings$: this.#changes,
      warnIntervalMillis: 0,
      environment: {},
      ...this.#chance,
    });
  }

  /** A breaker is for one backend. */
  #commonLayers(): object {
    const layers = this.#layers();
    return 'sinks' in this.#wayOut ? { ...layers, breaker: undefined } : layers;
  }

  #layers(): object {
    return layersOf(this.#schedule.layers, this.#limits, this.#chance);
  }

  get #chance() {
    return { scheduler: this.#scheduler, random: this.#random };
  }

  readonly #acts: Record<ChaosEvent['kind'], (event: never) => void> = {
    items: ({ count }: { count: number }) => {
      for (let index = 0; index < count; index += 1) this.pipeline.processor.onEnd(itemOf(this.offered++));
    },
    limit: ({ limit }: { limit: number }) => this.#limits.next(limit),
    settings: ({ maxExportBatchSize, attemptTimeoutMillis }: Required<PipelineChanges>) =>
      this.#changes.next({ maxExportBatchSize, attemptTimeoutMillis }),
    flush: () => void this.pipeline.forceFlush({ timeoutMillis: 300 }).catch(() => {}),
    pause: () => this.pipeline.pause(),
    resume: () => this.pipeline.resume(),
    hold: () => this.#holds.next(true),
    release: () => this.#holds.next(false),
    shutdown: () => this.#shutdown(500),
    abandon: () => {
      const isFirst = !this.#isEnding; // a second shutdown ends with the first one
      this.#shutdown(0);
      if (isFirst) this.#scheduler.schedule(() => this.#expectNoAttempts(), 1);
    },
  };

  #shutdown(deadlineMillis: number): void {
    this.#isEnding = true;
    void this.pipeline.shutdown({ deadlineMillis });
  }

  #expectNoAttempts(): void {
    const attempts = () => this.backends.reduce((sum, backend) => sum + backend.attempts, 0);
    const before = attempts();
    const check = () => expect(attempts(), 'no attempt after a shutdown').toBe(before);
    this.#scheduler.schedule(() => this.#checking(check), 1_000);
  }

  #check(): void {
    this.#checking(() => {
      checkBooks(this.pipeline);
      if (this.backup !== undefined) checkBackup(this.backup);
    });
  }

  #checking(check: () => void): void {
    try {
      check();
    } catch (violation) {
      this.violations.push(violation);
    }
  }
}

/** Copies have books of their own. */
function checkBackup({ offered, delivered, failed, dropped, pending }: BackupStats): void {
  expect(offered, 'each copy is somewhere').toBe(delivered + failed + dropped + pending);
}

/** Numbers that look random and are the same in each run. */
function numbers(): () => number {
  let state = 42;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return state / 0x8000_0000;
  };
}
