import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { Observable } from 'rxjs';
import type { Batch, CloseReason } from '../../model/batch.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { Loss } from '../../model/tally.ts';
import type { DiagramOptions } from '../diagrams/diagram.ts';
import type { ExpectedLedger, HasStats } from '../expectations/ledgerExpectation.ts';
import type { ExpectedOutcome } from '../expectations/outcomeValues.ts';
import type { VirtualTimeOptions } from '../time/clock.ts';
import type { VirtualTime } from '../time/virtualTime.ts';
import type { ScriptedSink, ScriptedSinkOptions } from './scriptedSinkApi.ts';
import type { DrawnObservable } from './sources.ts';
import type { SpanShape, SpansByLetter } from './spans.ts';
import type { SubscriptionSpan } from './syntax.ts';

/** How a marble test runs. */
export interface MarbleOptions extends VirtualTimeOptions {
  /**
   * What becomes of a timer, a subscription or a hold that is still there when everything observed is over. `fail`: the test fails, and
   * says which (the default) · `allow`: nothing.
   */
  readonly leaks?: 'fail' | 'allow';
}

/** Values by letter. */
export type Values<T> = Readonly<Record<string, T>>;

/** What {@link MarbleKit.expectBatches} compares besides the drawing. */
export interface BatchExpectationOptions {
  /** Why each batch was closed, in order. */
  readonly closedBy?: readonly CloseReason[];
  /** What the letters are, if they are no spans. */
  readonly values?: Values<unknown>;
  /** What the error is. A plain object is compared with just its own keys. Default: any error. */
  readonly error?: unknown;
}

/** What a marble test is given. Nothing in here needs `this`: take it apart as you like. */
export interface MarbleKit extends VirtualTime {
  /** A source that emits whether anybody listens or not. A letter is a span, or what `values` says. Default error: `'error'`. */
  hot(marbles: string): DrawnObservable<ReadableSpan>;
  hot<T>(marbles: string, values: Values<T>, error?: unknown): DrawnObservable<T>;
  /** A source that emits to each subscriber from its beginning. */
  cold(marbles: string): DrawnObservable<ReadableSpan>;
  cold<T>(marbles: string, values: Values<T>, error?: unknown): DrawnObservable<T>;
  /** A hot source of arrays: `--[abc]-[d]|`. */
  hotBatches(marbles: string): DrawnObservable<readonly ReadableSpan[]>;
  hotBatches<T>(marbles: string, values: Values<T>, error?: unknown): DrawnObservable<readonly T[]>;
  /** A cold source of arrays. */
  coldBatches(marbles: string): DrawnObservable<readonly ReadableSpan[]>;
  coldBatches<T>(marbles: string, values: Values<T>, error?: unknown): DrawnObservable<readonly T[]>;
  /** Shapes the spans of some letters, and returns the spans of all. To be called before those letters are drawn. */
  spans<Shaped extends string = never>(shapes?: Readonly<Record<Shaped, SpanShape>>): SpansByLetter<Shaped>;
  /** A sink whose answers are drawn: one marble for each attempt, in order, and options last. */
  sink<T = ReadableSpan>(...script: string[] | [...string[], ScriptedSinkOptions]): ScriptedSink<T>;
  /** What an Observable does from now on; `subscription` draws when it is subscribed to and unsubscribed (`--^---!`). */
  expectObservable(
    source: Observable<unknown>,
    subscription?: string,
  ): { toBe(marbles: string, values?: Values<unknown>, error?: unknown): void };
  /** The same for batches, which may be asked why they were closed. */
  expectBatches<T>(
    source: Observable<Batch<T> | readonly T[]>,
    subscription?: string,
  ): { toBe(marbles: string, options?: BatchExpectationOptions): void };
  /** The same for outcomes; a letter stands for what it says: `toBe('----o', { o: { delivered: 'ab' } })`. */
  expectOutcomes<T>(
    source: Observable<Outcome<T>>,
    subscription?: string,
  ): { toBe(marbles: string, outcomes?: Values<ExpectedOutcome>, error?: unknown): void };
  /**
   * What the books of a ledger or a pipeline say when the run is over, before anything is cleared up: `{ delivered: 'abc', lost: { queueFull: 'd' } }`. A fate
   * that is not mentioned is met by none. Letters are compared where somebody has seen them: a scripted sink, {@link onLoss}, or outcomes and batches that are observed.
   */
  expectLedger(books: HasStats, expected: ExpectedLedger): void;
  /** For the `onLoss` of an operator, so that {@link expectLedger} knows which letters were lost. */
  readonly onLoss: (loss: Loss, items: readonly unknown[]) => void;
  /** When a drawn source was subscribed to and unsubscribed, counted from the start of the run. */
  expectSubscriptions(subscriptions: readonly SubscriptionSpan[]): { toBe(marbles: string | readonly string[]): void };
  /** The attempts of a scripted sink, one drawing for each, and if given the letters of their batches (`['abc', 'abc', 'd']`). */
  expectAttempts<T>(sink: ScriptedSink<T>): {
    toBe(marbles: string | readonly string[], batches?: readonly string[]): void;
  };
  /**
   * The drawing of this test, if it passes, as `marble-tests/diagrams/<name>.svg`: sources, subscriptions and attempts, and what is expected. With the environment variable
   * `SPANFLOW_DIAGRAMS=write` it is written; without it, a committed file that is missing or different fails the test.
   */
  diagram(name: string, options?: DiagramOptions): void;
  /** The frame of the `|`: `time('---|')` is 3. */
  time(marbles: string): number;
}
