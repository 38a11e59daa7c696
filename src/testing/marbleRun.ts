import type { Observable } from 'rxjs';
import type { VirtualClock } from './clock.ts';
import { type Expectation, RecordingExpectation, SubscriptionExpectation } from './expectations.ts';
import { EndlessRun, MarbleFailure, millis } from './failure.ts';
import type { HostTimers } from './hostTimers.ts';
import type { BatchExpectationOptions, MarbleKit, Values } from './kit.ts';
import { Recording } from './recording.ts';
import { Script, type ScriptedSink, type ScriptedSinkOptions } from './scriptedSink.ts';
import { coldSource, hotSource, type SourcePlan } from './sources.ts';
import { type SpanShape, SpanTable } from './spans.ts';
import { parseSubscription, parseTime, type SubscriptionSpan } from './syntax.ts';
import { GivenValues, SpanValues, type ValueTable } from './values.ts';
import { timeOf } from './virtualTime.ts';

/** Something drawn that can be subscribed to, and what it is called in messages. */
interface Watched {
  readonly titleOf: (index: number) => string;
  readonly subscriptions: readonly SubscriptionSpan[];
}

/** How many failures, and how many leaks, one message shows. */
const MAX_SHOWN = 10;

/** One marble test: what it drew, what it expects, and what is left of it at the end. */
export class MarbleRun {
  readonly #clock: VirtualClock;
  readonly #timers: HostTimers;
  readonly #spans = new SpanTable();
  readonly #recordings: Recording[] = [];
  readonly #expectations: Expectation[] = [];
  readonly #watched: Watched[] = [];
  readonly #sinks: Script<unknown>[] = [];

  constructor(clock: VirtualClock, timers: HostTimers) {
    this.#clock = clock;
    this.#timers = timers;
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
    if (leaked.length > 0) failures.push(new MarbleFailure(leakText(leaked)));
    if (failures.length > 0) throw joined(failures);
  }

  /** A run without an end shows what it had seen. Any other error stays as it is. */
  withFailures(error: unknown): unknown {
    if (!(error instanceof EndlessRun)) return error;
    this.stop();
    return joined([error, ...this.#failures()]);
  }

  kit(): MarbleKit {
    return {
      ...timeOf(this.#clock),
      hot: this.#source(hotSource, 'hot', false),
      cold: this.#source(coldSource, 'cold', false),
      hotBatches: this.#source(hotSource, 'hotBatches', true),
      coldBatches: this.#source(coldSource, 'coldBatches', true),
      spans: <Shaped extends string>(shapes = {} as Record<Shaped, SpanShape>) => this.#spans.shape<Shaped>(shapes),
      sink: <T>(...script: (string | ScriptedSinkOptions)[]) => this.#sink<T>(script),
      expectObservable: (source, subscription) => {
        const expectation = this.#record('expectObservable(…)', source, subscription);
        return {
          toBe: (marbles, values, ...error) =>
            this.#expect(expectation, marbles, {
              ...(values && { values }),
              ...(error.length > 0 && { error: error[0] }),
            }),
        };
      },
      expectBatches: (source, subscription) => {
        const expectation = this.#record('expectBatches(…)', source, subscription);
        return { toBe: (marbles, options) => this.#expect(expectation, marbles, options ?? {}) };
      },
      expectSubscriptions: (log) => ({ toBe: (marbles) => this.#expectLog('the subscriptions', log, marbles) }),
      expectAttempts: (sink) => ({ toBe: (marbles, batches) => this.#expectAttempts(sink, marbles, batches) }),
      time: parseTime,
    };
  }

  #source(make: typeof hotSource, title: string, batches: boolean) {
    return (marbles: string, given?: Values<unknown>, error: unknown = 'error') => {
      const values = this.#valuesOf(given);
      const plan: SourcePlan = { marbles, error, batches, valueOf: (letter) => values.valueOf(letter) };
      const source = make<never>(this.#clock, plan);
      this.#watched.push({ titleOf: () => `${title}('${marbles.trim()}')`, subscriptions: source.subscriptions });
      return source;
    };
  }

  #sink<T>(script: readonly (string | ScriptedSinkOptions)[]): ScriptedSink<T> {
    const marbles = script.filter((item) => typeof item === 'string');
    const options = script.find((item) => typeof item !== 'string') ?? {};
    const sink = new Script<T>(this.#clock, marbles, options);
    this.#sinks.push(sink as Script<unknown>);
    const titleOf = (index: number) => `attempt ${index + 1} of the sink ${sink.name} ${this.#lettersOf(sink, index)}`;
    this.#watched.push({ titleOf, subscriptions: sink.attempts });
    return sink;
  }

  #record(title: string, source: Observable<unknown>, subscription = '^'): RecordingExpectation {
    const recording = new Recording(this.#clock, source, parseSubscription(subscription));
    const expectation = new RecordingExpectation(recording, title);
    this.#recordings.push(recording);
    this.#expectations.push(expectation);
    return expectation;
  }

  #expect(expectation: RecordingExpectation, marbles: string, { values, ...options }: BatchExpectationOptions): void {
    const error = 'error' in options ? { error: { value: options.error } } : {};
    const closedBy = options.closedBy === undefined ? {} : { closedBy: options.closedBy };
    const frames = expectation.toBe({ marbles, values: this.#valuesOf(values), ...error, ...closedBy });
    this.#clock.drawn(this.#clock.now() + frames);
  }

  #expectLog(title: string, log: readonly SubscriptionSpan[], marbles: string | readonly string[]): void {
    this.#expectations.push(new SubscriptionExpectation({ title, log, marbles: [marbles].flat() }));
  }

  #expectAttempts<T>(sink: ScriptedSink<T>, marbles: string | readonly string[], labels?: readonly string[]): void {
    const title = `the attempts of the sink ${sink.name}`;
    const labelOf = (index: number) => this.#lettersOf(sink, index);
    const plan = { title, log: sink.attempts, marbles: [marbles].flat(), labels, labelOf };
    this.#expectations.push(new SubscriptionExpectation(plan));
  }

  #lettersOf<T>(sink: ScriptedSink<T>, index: number): string {
    const values = this.#valuesOf();
    const letters = sink.attempts[index]?.batch.items.map((item) => values.letterOf(item) ?? '?') ?? [];
    return `[${letters.join('')}]`;
  }

  #valuesOf(given?: Values<unknown>): ValueTable {
    return given === undefined ? new SpanValues(this.#spans) : new GivenValues(given, this.#spans);
  }

  #failures(): MarbleFailure[] {
    const refused = this.#sinks.filter((sink) => sink.refusals > 0);
    return [
      ...this.#expectations.map((expectation) => expectation.check()).filter((failure) => failure !== undefined),
      ...refused.map(
        (sink) =>
          new MarbleFailure(
            `the sink ${sink.name} was asked for ${sink.refusals} attempts more than its script has marbles`,
          ),
      ),
    ];
  }

  /** What is left: timers whoever set them, and subscriptions to what was drawn. */
  #leaks(): string[] {
    const timers = [...this.#timers.pending].map((timer) => timer.describe());
    const subscriptions = this.#watched.flatMap(({ titleOf, subscriptions }) =>
      subscriptions.flatMap(({ subscribedFrame, unsubscribedFrame }, index) =>
        Number.isFinite(unsubscribedFrame) ? [] : [`${titleOf(index)}, subscribed at ${millis(subscribedFrame)}`],
      ),
    );
    return [...timers, ...subscriptions];
  }
}

function leakText(leaks: readonly string[]): string {
  const shown = leaks.slice(0, MAX_SHOWN).map((leak) => `  ${leak}`);
  const more = leaks.length > MAX_SHOWN ? [`  and ${leaks.length - MAX_SHOWN} more`] : [];
  return ['when the run was over, this was left behind', '', ...shown, ...more].join('\n');
}

function joined(failures: readonly MarbleFailure[]): MarbleFailure {
  const [first] = failures;
  if (first === undefined || failures.length === 1) return first ?? new MarbleFailure('it failed');
  const messages = failures.slice(0, MAX_SHOWN).map((failure) => failure.message);
  const more = failures.length > MAX_SHOWN ? [`and ${failures.length - MAX_SHOWN} more`] : [];
  return new MarbleFailure([...messages, ...more].join('\n\n'), first);
}
