import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { Observable, Subject, type Subscriber } from 'rxjs';
import { createLedger, type Ledger } from '../../ledger/ledger.ts';
import type { Batch, FlushRequest } from '../../model/batch.ts';
import { ExportError, type ObservableSink, type Response } from '../../model/sink.ts';
import type { Loss } from '../../model/tally.ts';
import { isOutcome } from '../expectations/outcomeValues.ts';
import { itemsOf } from '../marbles/recording.ts';
import { numbered } from './anySpan.ts';
import type { Answer, Scenario } from './scenario.ts';

/** What a pipeline under the laws is made of. It takes what it needs: nobody is forced to have a ledger, or to be stoppable. */
export interface World {
  /** Where spans come from. It is hot, and a pipeline subscribes to it once, or several times. */
  readonly spans$: Observable<ReadableSpan>;
  /** Where they go. Unsubscribing an export aborts it. */
  readonly sink: ObservableSink<ReadableSpan>;
  /** For the stages that keep books. */
  readonly ledger: Ledger;
  /** For the stages that tell of what they lose. */
  readonly onLoss: (loss: Loss, items: readonly ReadableSpan[]) => void;
  /** Wishes that what is queued goes out; each wants an answer. */
  readonly flushWhen: Observable<FlushRequest>;
  /** Emits when whatever has no outcome is to be given up. */
  readonly stopWhen: Observable<void>;
  /** Chance that is the same in each run. */
  readonly random: () => number;
}

/** A world, and what can be seen of it from outside. */
export class ObservedWorld implements World {
  readonly name = 'backend';
  readonly ledger = createLedger();
  readonly source = new Subject<ReadableSpan>();
  readonly flushWhen = new Subject<FlushRequest>();
  readonly stopWhen = new Subject<void>();
  readonly spans$ = this.source.asObservable();
  readonly sink: ObservableSink<ReadableSpan> = { name: this.name, export: (batch) => this.#export(batch) };
  /** Spans that were emitted while somebody listened, by id. */
  readonly emitted = new Map<string, ReadableSpan>();
  /** Ids of spans that nobody hears of any more unless the sink has them: they were at the sink, or somebody told what became of them. */
  readonly accounted = new Set<string>();
  /** Attempts that were begun, those that run, and the most that ever ran at once. */
  attempts = 0;
  running = 0;
  mostRunning = 0;
  /** Items in attempts that were answered. */
  confirmed = 0;
  readonly #scenario: Scenario;
  readonly #changed: () => void;
  #random = 0.1; // where the sequence of chance is
  #made = 0; // spans

  constructor(scenario: Scenario, changed: () => void) {
    this.#scenario = scenario;
    this.#changed = changed;
  }

  readonly onLoss = (_loss: Loss, items: readonly ReadableSpan[]): void => {
    for (const item of items) this.accounted.add(idOf(item));
  };

  /** A logistic map: it wanders over the whole of 0 to 1, and needs no state but the last number. */
  readonly random = (): number => {
    this.#random = 3.99 * this.#random * (1 - this.#random);
    return this.#random;
  };

  emit(count: number): void {
    const { shapes } = this.#scenario;
    for (let index = 0; index < count; index++) {
      const span = numbered(shapes[this.#made % shapes.length] as ReadableSpan, this.#made + 1);
      this.#made += 1;
      if (this.source.observed) this.emitted.set(idOf(span), span);
      this.source.next(span);
    }
  }

  /** An outcome that a pipeline emits tells what became of its batch. */
  receive(value: unknown): void {
    if (!isOutcome(value)) return;
    for (const item of itemsOf(value.batch) ?? []) this.accounted.add(idOf(item as ReadableSpan));
  }

  /** Spans that nobody has accounted for. */
  missing(): ReadableSpan[] {
    return [...this.emitted].filter(([id]) => !this.accounted.has(id)).map(([, span]) => span);
  }

  #export(batch: Batch<ReadableSpan> | readonly ReadableSpan[]): Observable<Response> {
    const items = (itemsOf(batch) ?? []) as readonly ReadableSpan[];
    return new Observable((subscriber) => {
      const { answers } = this.#scenario;
      const answer = answers[this.attempts % answers.length] as Answer;
      this.attempts += 1;
      for (const item of items) this.accounted.add(idOf(item));
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

function idOf(span: ReadableSpan): string {
  return span.spanContext().spanId;
}
