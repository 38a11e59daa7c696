import type { Observable } from 'rxjs';
import type { Loss } from '../../model/tally.ts';
import type { DiagramOptions } from '../diagrams/diagram.ts';
import { Sketch } from '../diagrams/recordedRows.ts';
import type { Expectation } from '../expectations/expectation.ts';
import { type ExpectedLedger, type HasStats, LedgerExpectation } from '../expectations/ledgerExpectation.ts';
import { RecordingExpectation, type RecordingPlan } from '../expectations/recordingExpectation.ts';
import { SubscriptionExpectation } from '../expectations/subscriptionExpectation.ts';
import { type ToldLoss, witnessesOf } from '../expectations/witnesses.ts';
import { EndlessRun, MarbleFailure } from '../failures/failure.ts';
import { joined, listed, openSubscriptions, type Watched } from '../failures/listedFailures.ts';
import type { VirtualClock } from '../time/clock.ts';
import type { HostTimers } from '../time/hostTimers.ts';
import { HoldWatch } from './holdWatch.ts';
import type { Values } from './kit.ts';
import { Recording } from './recording.ts';
import { Script } from './scriptedSink.ts';
import type { ScriptedSink, ScriptedSinkOptions } from './scriptedSinkApi.ts';
import { coldSource, hotSource, type SourcePlan } from './sources.ts';
import { SpanTable } from './spans.ts';
import { parseMarbles, parseSubscription, type SubscriptionSpan } from './syntax.ts';
import { GivenValues, SpanValues, type ValueTable } from './values.ts';

/** One marble test: what it drew, what it expects, and what is left of it at the end. */
export class MarbleRun {
  readonly clock: VirtualClock;
  readonly spans = new SpanTable();
  readonly #timers: HostTimers;
  readonly #holds = new HoldWatch();
  readonly #sketch = new Sketch();
  readonly #recordings: Recording[] = [];
  readonly #expectations: Expectation[] = [];
  readonly #watched: Watched[] = [];
  readonly #sinks: Script<unknown>[] = [];
  readonly #told: ToldLoss[] = [];

  constructor(clock: VirtualClock, timers: HostTimers) {
    this.clock = clock;
    this.#timers = timers;
  }

  /** Begins to watch who holds batches. What it returns ends that. */
  watchHolds(): () => void {
    return this.#holds.install();
  }

  /** Whether everything that is observed has ended. */
  isOver(): boolean {
    return this.#recordings.length > 0 && this.#recordings.every((recording) => recording.isOver);
  }

  /** Keeps what is to be compared, then unsubscribes what the kit subscribed. */
  stop(): void {
    for (const expectation of this.#expectations) expectation.freeze();
    for (const recording of this.#recordings) recording.stop();
  }

  /** Throws everything that is wrong. */
  conclude(leaks: 'fail' | 'allow'): void {
    const failures = this.#failures();
    const leaked = leaks === 'fail' ? this.#leaks() : [];
    if (leaked.length > 0) failures.push(listed('when the run was over, this was left behind', leaked));
    // A test that fails draws nothing that is worth keeping.
    if (failures.length === 0) failures.push(...this.#sketch.keepDiagrams());
    if (failures.length > 0) throw joined(failures);
  }

  /** A run without an end shows what it had seen. Any other error stays as it is. */
  withFailures(error: unknown): unknown {
    if (!(error instanceof EndlessRun)) return error;
    const timers = [...this.#timers.pending].map((timer) => timer.describe());
    this.stop();
    const scheduled = timers.length === 0 ? [] : [listed('this is still scheduled', timers)];
    return joined([error, ...scheduled, ...this.#failures()]);
  }

  source(kind: 'hot' | 'cold', title: string, plan: Omit<SourcePlan, 'valueOf'>, given?: Values<unknown>) {
    const values = this.valuesOf(given);
    const make = kind === 'hot' ? hotSource<never> : coldSource<never>;
    const source = make(this.clock, { ...plan, valueOf: (letter) => values.valueOf(letter) });
    const drawing = `${title}('${plan.marbles.trim()}')`;
    this.#watched.push({ titleOf: () => drawing, subscriptions: source.subscriptions });
    this.#sketch.source(drawing, parseMarbles(plan.marbles, kind).marks, this.clock.now());
    return source;
  }

  sink<T>(script: readonly (string | ScriptedSinkOptions)[]): ScriptedSink<T> {
    const marbles = script.filter((item) => typeof item === 'string');
    const options = script.find((item) => typeof item !== 'string') ?? {};
    const sink = new Script<T>(this.clock, marbles, options);
    this.#sinks.push(sink as Script<unknown>);
    const titleOf = (index: number) => `attempt ${index + 1} of the sink ${sink.name} [${this.#carried(sink, index)}]`;
    this.#watched.push({ titleOf, subscriptions: sink.attempts });
    return sink;
  }

  record(title: string, source: Observable<unknown>, subscription = '^'): (plan: RecordingPlan) => void {
    const atMillis = this.clock.now();
    const recording = new Recording(this.clock, source, parseSubscription(subscription));
    const expectation = new RecordingExpectation(recording, title);
    this.#recordings.push(recording);
    this.#expectations.push(expectation);
    return (plan) => {
      this.clock.drawn(this.clock.now() + expectation.toBe(plan));
      this.#sketch.result(
        `${title}.toBe('${plan.marbles.trim()}')`,
        parseMarbles(plan.marbles, 'expected').marks,
        atMillis,
      );
    };
  }

  expectSubscriptions(log: readonly SubscriptionSpan[], marbles: string | readonly string[]): void {
    this.#sketch.subscriptions(`expectSubscriptions(…).toBe('${[marbles].flat().join("', '")}')`, log);
    this.#expectations.push(
      new SubscriptionExpectation({
        title: 'the subscriptions',
        none: 'nobody subscribed',
        log,
        marbles: [marbles].flat(),
      }),
    );
  }

  expectAttempts<T>(sink: ScriptedSink<T>, marbles: string | readonly string[], labels?: readonly string[]): void {
    const letters = (index: number) => this.#carried(sink, index);
    this.#sketch.attempts(sink.name, sink.attempts, letters);
    const title = `the attempts of the sink ${sink.name}`;
    const labelOf = (index: number) => `[${letters(index)}]`;
    const none = 'there was no attempt';
    const plan = { title, none, log: sink.attempts, marbles: [marbles].flat(), labels, labelOf };
    this.#expectations.push(new SubscriptionExpectation(plan));
  }

  expectLedger(books: HasStats, expected: ExpectedLedger): void {
    const attempts = () => this.#sinks.flatMap((sink) => sink.attempts);
    const seen = { attempts, told: this.#told, recordings: this.#recordings };
    const witnesses = witnessesOf(seen, (items) => this.lettersOf(items));
    this.#expectations.push(new LedgerExpectation(books, expected, witnesses));
  }

  tell(loss: Loss, items: readonly unknown[]): void {
    this.#told.push({ loss, items });
  }

  diagram(name: string, options: DiagramOptions): void {
    this.#sketch.want(name, options);
  }

  valuesOf(given?: Values<unknown>): ValueTable {
    return given === undefined ? new SpanValues(this.spans) : new GivenValues(given, this.spans);
  }

  /** Items as letters; `?` is one that has none. */
  lettersOf(items: readonly unknown[]): string {
    const values = this.valuesOf();
    return items.map((item) => values.letterOf(item) ?? '?').join('');
  }

  #carried<T>(sink: ScriptedSink<T>, index: number): string {
    return this.lettersOf(sink.attempts[index]?.batch.items ?? []);
  }

  #failures(): MarbleFailure[] {
    const broken = this.#expectations.map((expectation) => expectation.check());
    const refused = this.#sinks.filter((sink) => sink.refusals > 0);
    return [
      ...broken.filter((failure) => failure !== undefined),
      ...refused.map(({ name, refusals }) => {
        return new MarbleFailure(
          `the sink ${name} was asked for ${refusals} attempts more than its script has marbles`,
        );
      }),
    ];
  }

  /** What is left: timers whoever set them, subscriptions to what was drawn, and batches without an end. */
  #leaks(): string[] {
    const timers = [...this.#timers.pending].map((timer) => timer.describe());
    const holds = this.#holds.describe((items) => `[${this.lettersOf(items)}]`);
    return [...timers, ...openSubscriptions(this.#watched), ...holds];
  }
}
