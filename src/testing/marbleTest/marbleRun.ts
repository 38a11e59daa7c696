import type { Observable } from 'rxjs';
import type { Loss } from '../../model/tally.ts';
import type { DiagramOptions } from '../diagrams/diagram.ts';
import { DiagramRecorder } from '../diagrams/diagramRecorder.ts';
import type { Expectation } from '../expectations/expectation.ts';
import { type ExpectedLedger, type HasStats, LedgerExpectation } from '../expectations/ledgerExpectation.ts';
import { lettersByFate, type ReportedLoss } from '../expectations/lettersByFate.ts';
import { RecordingExpectation, type RecordingPlan } from '../expectations/recordingExpectation.ts';
import { SubscriptionExpectation } from '../expectations/subscriptionExpectation.ts';
import { EndlessRun, type MarbleFailure } from '../failures/failure.ts';
import { joinFailures, listFailure } from '../failures/joinedFailures.ts';
import { LogTable } from '../marbles/logs.ts';
import { PointTable } from '../marbles/points.ts';
import { Recording } from '../marbles/recording.ts';
import { ScriptedMarbleSink } from '../marbles/scriptedSink.ts';
import type { ScriptedSink, ScriptedSinkOptions } from '../marbles/scriptedSinkApi.ts';
import { coldSource, hotSource, type SourcePlan } from '../marbles/sources.ts';
import { SpanTable } from '../marbles/spans.ts';
import { parseMarbles, parseSubscription, type SubscriptionSpan } from '../marbles/syntax.ts';
import { GivenValues, type LetterTables, LetterValues, NamedValues, type ValueTable } from '../marbles/values.ts';
import type { VirtualClock } from '../time/clock.ts';
import type { VirtualTimers } from '../time/virtualTimers.ts';
import type { Values } from './marbleKit.ts';
import { OpenHolds } from './openHolds.ts';
import { type DrawnSubscribable, openSubscriptions } from './openSubscriptions.ts';

/** One marble test: its sources and sinks, its expectations, and the leaks at its end. */
export class MarbleRun {
  readonly clock: VirtualClock;
  readonly spans = new SpanTable();
  readonly logs = new LogTable(this.spans);
  readonly points = new PointTable();
  /** What the test has named by letter. */
  readonly named = new NamedValues();
  readonly #tables: LetterTables = [this.spans, this.logs, this.points];
  readonly #timers: VirtualTimers;
  readonly #holds = new OpenHolds();
  readonly #diagrams = new DiagramRecorder();
  readonly #recordings: Recording[] = [];
  readonly #expectations: Expectation[] = [];
  readonly #subscribables: DrawnSubscribable[] = [];
  readonly #sinks: ScriptedMarbleSink<unknown>[] = [];
  readonly #reportedLosses: ReportedLoss[] = [];

  constructor(clock: VirtualClock, timers: VirtualTimers) {
    this.clock = clock;
    this.#timers = timers;
  }

  /** Begins to watch the holds on batches. Returns the function that ends it. */
  watchHolds(): () => void {
    return this.#holds.watch();
  }

  /** Whether everything that is observed has ended. */
  isOver(): boolean {
    return this.#recordings.length > 0 && this.#recordings.every((recording) => recording.isOver);
  }

  /** Freezes what the expectations compare, then unsubscribes the observed Observables. */
  stop(): void {
    for (const expectation of this.#expectations) expectation.freeze();
    for (const recording of this.#recordings) recording.stop();
  }

  /** Throws all failures of the run as one. */
  throwFailures(leaks: 'fail' | 'allow'): void {
    const failures = this.#failures();
    const leaked = leaks === 'fail' ? this.#leaks() : [];
    if (leaked.length > 0) failures.push(listFailure('when the run was over, this was left behind', leaked));
    // A failing test keeps no diagram.
    if (failures.length === 0) failures.push(...this.#diagrams.writeOrCompare());
    if (failures.length > 0) throw joinFailures(failures);
  }

  /** Adds the failures so far to an {@link EndlessRun}. Any other error is returned as it is. */
  withRecordedFailures(error: unknown): unknown {
    if (!(error instanceof EndlessRun)) return error;
    const timers = [...this.#timers.pending].map((timer) => timer.describe());
    this.stop();
    const scheduled = timers.length === 0 ? [] : [listFailure('this is still scheduled', timers)];
    return joinFailures([error, ...scheduled, ...this.#failures()]);
  }

  source(kind: 'hot' | 'cold', title: string, plan: Omit<SourcePlan, 'valueOf'>, given?: Values<unknown>) {
    const values = this.valuesOf(given);
    const make = kind === 'hot' ? hotSource<never> : coldSource<never>;
    const source = make(this.clock, { ...plan, valueOf: (letter) => values.valueOf(letter) });
    const drawing = `${title}('${plan.marbles.trim()}')`;
    this.#subscribables.push({ titleOf: () => drawing, subscriptions: source.subscriptions });
    this.#diagrams.addSource(drawing, parseMarbles(plan.marbles, kind).marks, this.clock.now());
    return source;
  }

  sink<T>(script: readonly (string | ScriptedSinkOptions)[]): ScriptedSink<T> {
    const marbles = script.filter((item) => typeof item === 'string');
    const options = script.find((item) => typeof item !== 'string') ?? {};
    const sink = new ScriptedMarbleSink<T>(this.clock, marbles, options);
    this.#sinks.push(sink as ScriptedMarbleSink<unknown>);
    const titleOf = (index: number) => `attempt ${index + 1} of the sink ${sink.name} [${this.#carried(sink, index)}]`;
    this.#subscribables.push({ titleOf, subscriptions: sink.attempts });
    return sink;
  }

  record(title: string, source: Observable<unknown>, subscription = '^'): (plan: RecordingPlan) => void {
    const atMillis = this.clock.now();
    const recording = new Recording(this.clock, source, parseSubscription(subscription));
    const expectation = new RecordingExpectation(recording, title);
    this.#recordings.push(recording);
    this.#expectations.push(expectation);
    return (plan) => {
      this.clock.noteDrawnFrame(this.clock.now() + expectation.toBe(plan));
      this.#diagrams.addResult(
        `${title}.toBe('${plan.marbles.trim()}')`,
        parseMarbles(plan.marbles, 'expected').marks,
        atMillis,
      );
    };
  }

  expectSubscriptions(log: readonly SubscriptionSpan[], marbles: string | readonly string[]): void {
    const drawings = [marbles].flat();
    this.#diagrams.addSubscriptions(`expectSubscriptions(…).toBe('${drawings.join("', '")}')`, log);
    const plan = { title: 'the subscriptions', none: 'there was no subscription', log, marbles: drawings };
    this.#expectations.push(new SubscriptionExpectation(plan));
  }

  expectAttempts<T>(sink: ScriptedSink<T>, marbles: string | readonly string[], labels?: readonly string[]): void {
    const letters = (index: number) => this.#carried(sink, index);
    this.#diagrams.addAttempts(sink.name, sink.attempts, letters);
    const title = `the attempts of the sink ${sink.name}`;
    const labelOf = (index: number) => `[${letters(index)}]`;
    const none = 'there was no attempt';
    const plan = { title, none, log: sink.attempts, marbles: [marbles].flat(), labels, labelOf };
    this.#expectations.push(new SubscriptionExpectation(plan));
  }

  expectLedger(books: HasStats, expected: ExpectedLedger): void {
    const attempts = () => this.#sinks.flatMap((sink) => sink.attempts);
    const records = { attempts, losses: this.#reportedLosses, recordings: this.#recordings };
    const letters = lettersByFate(records, (items) => this.lettersOf(items));
    this.#expectations.push(new LedgerExpectation(books, expected, letters));
  }

  reportLoss(loss: Loss, items: readonly unknown[]): void {
    this.#reportedLosses.push({ loss, items });
  }

  diagram(name: string, options: DiagramOptions): void {
    this.#diagrams.request(name, options);
  }

  valuesOf(given?: Values<unknown>): ValueTable {
    return given === undefined ? new LetterValues(this.#tables, this.named) : new GivenValues(given, this.#tables);
  }

  /** Items as letters; `?` for an item without one. */
  lettersOf(items: readonly unknown[]): string {
    const values = this.valuesOf();
    return items.map((item) => values.letterOf(item) ?? '?').join('');
  }

  #carried<T>(sink: ScriptedSink<T>, index: number): string {
    return this.lettersOf(sink.attempts[index]?.batch.items ?? []);
  }

  #failures(): MarbleFailure[] {
    const failures = [...this.#expectations, ...this.#sinks].map((checked) => checked.check());
    return failures.filter((failure) => failure !== undefined);
  }

  /** What is left: all timers, subscriptions to drawn sources and sinks, and holds on batches. */
  #leaks(): string[] {
    const timers = [...this.#timers.pending].map((timer) => timer.describe());
    const holds = this.#holds.describe((items) => `[${this.lettersOf(items)}]`);
    return [...timers, ...openSubscriptions(this.#subscribables), ...holds];
  }
}
