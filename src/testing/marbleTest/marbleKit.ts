import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { Observable } from 'rxjs';
import type { Batch, CloseReason } from '../../model/batch.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { Loss } from '../../model/tally.ts';
import type { DiagramOptions } from '../diagrams/diagram.ts';
import type { ExpectedLedger, HasStats } from '../expectations/ledgerExpectation.ts';
import type { ExpectedOutcome } from '../expectations/outcomeValues.ts';
import type { LogShape, LogsByLetter } from '../marbles/logs.ts';
import type { PointShape, PointsByLetter } from '../marbles/points.ts';
import type { ScriptedSink, ScriptedSinkOptions } from '../marbles/scriptedSinkApi.ts';
import type { DrawnObservable } from '../marbles/sources.ts';
import type { SpanShape, SpansByLetter } from '../marbles/spans.ts';
import type { SubscriptionSpan } from '../marbles/syntax.ts';
import type { VirtualTimeOptions } from '../time/clock.ts';
import type { VirtualTime } from '../time/virtualTime.ts';

/** Options of a marble test. */
export interface MarbleOptions extends VirtualTimeOptions {
  /**
   * What happens if a timer, a subscription or a hold on a batch is left when everything observed is over. `fail`: the test fails and lists
   * them (the default) · `allow`: nothing.
   */
  readonly leaks?: 'fail' | 'allow';
}

/** Values by letter. */
export type Values<T> = Readonly<Record<string, T>>;

/** What {@link MarbleKit.expectBatches} compares in addition to the drawing. */
export interface BatchExpectationOptions {
  /** Why each batch was closed, in order. Default: not compared. */
  readonly closedBy?: readonly CloseReason[];
  /** The values of the letters. Default: spans. */
  readonly values?: Values<unknown>;
  /** The expected error. Of a plain object only its own keys are compared. Default: any error. */
  readonly error?: unknown;
}

/** The functions that a marble test gets. None needs `this`, so the object can be destructured. */
export interface MarbleKit extends VirtualTime {
  /** A source that emits with or without subscribers. A letter is a span, or its value in `values`. Its error is `'error'`. */
  hot(marbles: string): DrawnObservable<ReadableSpan>;
  /** The same with values of your own, by letter. Default error: `'error'`. */
  hot<T>(marbles: string, values: Values<T>, error?: unknown): DrawnObservable<T>;
  /** A source that emits to each subscriber from the beginning of the drawing. */
  cold(marbles: string): DrawnObservable<ReadableSpan>;
  /** The same with values of your own, by letter. Default error: `'error'`. */
  cold<T>(marbles: string, values: Values<T>, error?: unknown): DrawnObservable<T>;
  /** A hot source of arrays: `--[abc]-[d]|`. */
  hotBatches(marbles: string): DrawnObservable<readonly ReadableSpan[]>;
  /** The same with values of your own, by letter. Default error: `'error'`. */
  hotBatches<T>(marbles: string, values: Values<T>, error?: unknown): DrawnObservable<readonly T[]>;
  /** A cold source of arrays. */
  coldBatches(marbles: string): DrawnObservable<readonly ReadableSpan[]>;
  /** The same with values of your own, by letter. Default error: `'error'`. */
  coldBatches<T>(marbles: string, values: Values<T>, error?: unknown): DrawnObservable<readonly T[]>;
  /** Shapes the spans of some letters, and returns the spans of all. Call it before these letters are drawn. */
  spans<Shaped extends string = never>(shapes?: Readonly<Record<Shaped, SpanShape>>): SpansByLetter<Shaped>;
  /** The same for log records, which are drawn with this table: `hot('-a-b', logs())`. What is expected needs none. */
  logs<Shaped extends string = never>(shapes?: Readonly<Record<Shaped, LogShape>>): LogsByLetter<Shaped>;
  /** The same for data points of metrics. */
  points<Shaped extends string = never>(shapes?: Readonly<Record<Shaped, PointShape>>): PointsByLetter<Shaped>;
  /**
   * Names values of your own by letter, and returns them: items that an operator has changed, for example. Where no table is given, these letters stand for them in all drawings from then on, and in the tables of outcomes, attempts and ledgers:
   * with `letters({ A: redacted })`, `[Ab]` and `{ delivered: 'Ab' }` are compared.
   */
  letters<V extends Values<unknown>>(values: V): V;
  /** A sink whose answers are drawn: one string of marbles for each attempt, in order; options last. */
  sink<T = ReadableSpan>(...script: string[] | [...string[], ScriptedSinkOptions]): ScriptedSink<T>;
  /** Expects events of an Observable from now on. `subscription` draws when it is subscribed to and unsubscribed (`--^---!`). */
  expectObservable(
    source: Observable<unknown>,
    subscription?: string,
  ): {
    /** Draws what is expected. Letters are the default spans, or the values given. */
    toBe(marbles: string, values?: Values<unknown>, error?: unknown): void;
  };
  /** The same for batches. Can also compare why each batch was closed. */
  expectBatches<T>(
    source: Observable<Batch<T> | readonly T[]>,
    subscription?: string,
  ): {
    /** Draws the batches that are expected. */
    toBe(marbles: string, options?: BatchExpectationOptions): void;
  };
  /** The same for outcomes. The table describes the outcome of each letter: `toBe('----o', { o: { delivered: 'ab' } })`. */
  expectOutcomes<T>(
    source: Observable<Outcome<T>>,
    subscription?: string,
  ): {
    /** Draws the outcomes that are expected. */
    toBe(marbles: string, outcomes?: Values<ExpectedOutcome>, error?: unknown): void;
  };
  /**
   * Expects the counts of a ledger or a pipeline at the end of the run, before the cleanup: `{ delivered: 'abc', lost: { queueFull: 'd' } }`. A fate that is
   * left out is expected to be 0. Letters are compared if a scripted sink, {@link onLoss}, or an observed outcome or batch has shown which items met the fate.
   */
  expectLedger(books: HasStats, expected: ExpectedLedger): void;
  /** Pass it as the `onLoss` of an operator, so that {@link expectLedger} knows which letters were lost. */
  readonly onLoss: (loss: Loss, items: readonly unknown[]) => void;
  /** Expects when a drawn source is subscribed to and unsubscribed. Frames count from the start of the run. */
  expectSubscriptions(subscriptions: readonly SubscriptionSpan[]): {
    /** Draws each subscription that is expected. */
    toBe(marbles: string | readonly string[]): void;
  };
  /** Expects the attempts of a scripted sink, one drawing each, and optionally the letters of their batches (`['abc', 'abc', 'd']`). */
  expectAttempts<T>(sink: ScriptedSink<T>): {
    /** Draws each attempt that is expected, from its subscription to its end. */
    toBe(marbles: string | readonly string[], batches?: readonly string[]): void;
  };
  /**
   * Keeps the drawing of this test as `marble-tests/diagrams/<name>.svg`: sources, subscriptions, attempts and expectations. With the environment variable
   * `SPANFLOW_DIAGRAMS=write` a test that passes writes the file. Without it, a missing or different file fails the test.
   */
  diagram(name: string, options?: DiagramOptions): void;
  /** The frame of the `|`: `time('---|')` is 3. */
  time(marbles: string): number;
}
