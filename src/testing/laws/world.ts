import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { Observable, Subject, type Subscriber } from 'rxjs';
import { createLedger, type Ledger } from '../../ledger/ledger.ts';
import type { Batch, FlushRequest } from '../../model/batch.ts';
import { ExportError, type ObservableSink, type Response } from '../../model/sink.ts';
import type { Loss } from '../../model/tally.ts';
import { isOutcome } from '../expectations/outcomeValues.ts';
import { batchItems } from '../marbles/batchItems.ts';
import { withSpanNumber } from './anySpan.ts';
import type { Answer, Scenario } from './scenario.ts';

/** What a pipeline under test is built from. It uses what it needs; a ledger, for example, is optional. */
export interface World {
  /** The source of spans. It is hot, so a pipeline can subscribe to it several times. */
  readonly spans$: Observable<ReadableSpan>;
  /** The sink for spans. Unsubscribing an export aborts it. */
  readonly sink: ObservableSink<ReadableSpan>;
  /** For the stages that take a ledger. */
  readonly ledger: Ledger;
  /** For the stages that report losses. */
  readonly onLoss: (loss: Loss, items: readonly ReadableSpan[]) => void;
  /** Requests to flush the queues. Each waits until its holds are settled. */
  readonly flushWhen: Observable<FlushRequest>;
  /** Emits when the pipeline should give up all items without an outcome. */
  readonly stopWhen: Observable<void>;
  /** Pseudo-random numbers from 0 to 1: the same sequence in each run. */
  readonly random: () => number;
}

/** A {@link World} that counts what happens in it. */
export class ObservedWorld implements World {
  readonly name = 'backend';
  readonly ledger = createLedger();
  readonly source = new Subject<ReadableSpan>();
  readonly flushWhen = new Subject<FlushRequest>();
  readonly stopWhen = new Subject<void>();
  readonly spans$ = this.source.asObservable();
  readonly sink: ObservableSink<ReadableSpan> = { name: this.name, export: (batch) => this.#export(batch) };
  /** Spans by id that were emitted while the source had a subscriber. */
  readonly emitted = new Map<string, ReadableSpan>();
  /** Ids of spans that are accounted for: they reached the sink, or a loss or an outcome reported them. */
  readonly accounted = new Set<string>();
  /** Attempts that began, attempts in flight, and the maximum in flight. */
  attempts = 0;
  running = 0;
  mostRunning = 0;
  /** Items of answered attempts. */
  confirmed = 0;
  readonly #scenario: Scenario;
  readonly #changed: () => void;
  #random = 0.1; // the last number of the sequence
  #made = 0; // spans emitted so far, with or without a subscriber

  constructor(scenario: Scenario, changed: () => void) {
    this.#scenario = scenario;
    this.#changed = changed;
  }

  readonly onLoss = (_loss: Loss, items: readonly ReadableSpan[]): void => {
    for (const item of items) this.accounted.add(spanIdOf(item));
  };

  /** A logistic map: it covers the range from 0 to 1, and its only state is the last number. */
  readonly random = (): number => {
    this.#random = 3.99 * this.#random * (1 - this.#random);
    return this.#random;
  };

  emit(count: number): void {
    const { shapes } = this.#scenario;
    for (let index = 0; index < count; index++) {
      const span = withSpanNumber(shapes[this.#made % shapes.length] as ReadableSpan, this.#made + 1);
      this.#made += 1;
      if (this.source.observed) this.emitted.set(spanIdOf(span), span);
      this.source.next(span);
    }
  }

  /** An outcome that the pipeline emits accounts for the items of its batch. */
  receive(value: unknown): void {
    if (!isOutcome(value)) return;
    for (const item of batchItems(value.batch) ?? []) this.accounted.add(spanIdOf(item as ReadableSpan));
  }

  /** Spans that are not accounted for. */
  missing(): ReadableSpan[] {
    return [...this.emitted].filter(([id]) => !this.accounted.has(id)).map(([, span]) => span);
  }

  #export(batch: Batch<ReadableSpan> | readonly ReadableSpan[]): Observable<Response> {
    const items = (batchItems(batch) ?? []) as readonly ReadableSpan[];
    return new Observable((subscriber) => {
      const { answers } = this.#scenario;
      const answer = answers[this.attempts % answers.length] as Answer;
      this.attempts += 1;
      for (const item of items) this.accounted.add(spanIdOf(item));
      if (answer.kind === 'throws') throw new Error('the sink throws');
      this.running += 1;
      this.mostRunning = Math.max(this.mostRunning, this.running);
      subscriber.add(() => {
        this.running -= 1;
      });
      if (answer.kind === 'hangs') return;
      if (answer.kind === 'says nothing') return subscriber.complete();
      if (answer.delayMillis === 0) return this.#respond(answer, items, subscriber);
      const timer = setTimeout(() => this.#respond(answer, items, subscriber), answer.delayMillis);
      subscriber.add(() => clearTimeout(timer));
    });
  }

  #respond(answer: TimedAnswer, items: readonly ReadableSpan[], subscriber: Subscriber<Response>): void {
    if (answer.kind === 'fails') {
      subscriber.error(new ExportError(answer.failure, `the backend fails: ${answer.failure.kind}`));
    } else {
      this.confirmed += items.length;
      subscriber.next({ rejected: Math.min(answer.rejected, items.length) });
      subscriber.complete();
    }
    this.#changed();
  }
}

type TimedAnswer = Extract<Answer, { delayMillis: number }>;

function spanIdOf(span: ReadableSpan): string {
  return span.spanContext().spanId;
}
