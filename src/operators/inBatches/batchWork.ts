import { from, Observable, type OperatorFunction, type Subscriber, Subscription } from 'rxjs';
import { subscribeInto, tearDownInOrder } from '../../internal/subscribeInto.ts';
import { mistakeInWords } from '../../internal/validation.ts';
import type { Run } from '../../ledger/run.ts';
import { followSource } from '../../ledger/stage.ts';
import type { StageReporter } from '../../ledger/stageReporter.ts';
import { type Batch, withItems } from '../../model/batch.ts';
import { originalOf } from '../../model/changedSpan.ts';
import { ReceivedItem } from '../../model/received.ts';
import { type LossReason, lostTally, type Tally } from '../../model/tally.ts';
import { batchOf } from '../shared/givenBatch.ts';

/** An operator that is given the items of a batch. */
// biome-ignore lint/suspicious/noExplicitAny: operators in a row have types that only the overloads of inBatches know
export type ItemOperator = OperatorFunction<any, any>;

/** Its items were taken out: they count as removed, because they are in no number. */
const ALL_REMOVED: Tally = Object.freeze({
  ...{ delivered: 0, rejected: 0, attempts: 0, attemptMillis: 0, elapsedMillis: 0 },
  lost: Object.freeze([]),
});

/** One subscription of {@link inBatches}. */
export class BatchWork {
  readonly #subscriber: Subscriber<Batch<unknown>>;
  readonly #operators: readonly ItemOperator[];
  readonly #reporter: StageReporter<unknown>;
  readonly #run: Run | undefined;
  readonly #upstream = new Subscription();
  readonly #emit = (batch: Batch<unknown>) => this.#subscriber.next(batch);

  constructor(
    subscriber: Subscriber<Batch<unknown>>,
    operators: readonly ItemOperator[],
    reporter: StageReporter<unknown>,
    run: Run | undefined,
  ) {
    this.#subscriber = subscriber;
    this.#operators = operators;
    this.#reporter = reporter;
    this.#run = run;
    tearDownInOrder(subscriber, () => this.#reporter.tearDown(this.#upstream));
  }

  /** The source is subscribed behind the operators, although no item goes that way: so those that keep books find their places in the run. */
  follow(source: Observable<Batch<unknown> | readonly unknown[]>): void {
    const end = {
      error: (thrown: unknown) => this.#subscriber.error(thrown),
      complete: () => this.#subscriber.complete(),
    };
    const unread = new Observable<unknown>(() => {
      const next = (given: Batch<unknown> | readonly unknown[]) => this.#take(given);
      subscribeInto(source, { next, ...end }, this.#upstream);
    });
    followSource(this.#reporter.account)(this.#through(unread), { next() {}, ...end }, this.#upstream);
  }

  #through(items$: Observable<unknown>): Observable<unknown> {
    return this.#operators.reduce((before, operator) => operator(before), items$);
  }

  #take(given: Batch<unknown> | readonly unknown[]): void {
    const batch = batchOf(given);
    if (batch === undefined || batch.items.length === 0) return;
    const { account } = this.#reporter;
    const items = this.#run === undefined ? this.#itemsOf(batch) : this.#run.within(() => this.#itemsOf(batch));
    if (items === undefined) return;
    // A callback of an operator may have unsubscribed meanwhile.
    if (this.#subscriber.closed) {
      this.#lose(batch, 'unsubscribed');
      return;
    }
    account.accept(items.length);
    account.handOn(items.length);
    if (items.length === 0) batch.hold().settle(ALL_REMOVED);
    else
      account.passOn(this.#emit, isSame(items, batch.items) ? batch : withItems(batch, items, bytesOf(batch, items)));
  }

  /** What the operators make of its items; `undefined` if they fail. */
  #itemsOf(batch: Batch<unknown>): readonly unknown[] | undefined {
    const items: unknown[] = [];
    const inner = new Subscription();
    let end: 'complete' | { readonly thrown: unknown } | undefined;
    const observer = {
      next: (item: unknown) => void items.push(item),
      error: (thrown: unknown) => {
        end = { thrown };
      },
      complete: () => {
        end = 'complete';
      },
    };
    followSource(this.#reporter.account)(this.#through(from(batch.items)), observer, inner);
    const isOver = end !== undefined;
    inner.unsubscribe();
    if (end === 'complete') return items;
    this.#lose(batch, 'operatorFailed');
    if (isOver) this.#reporter.callbackFailed((end as { readonly thrown: unknown } | undefined)?.thrown);
    else this.#subscriber.error(asynchronous());
    return undefined;
  }

  #lose(batch: Batch<unknown>, reason: LossReason): void {
    const { account } = this.#reporter;
    const hold = batch.hold();
    this.#reporter.refused(reason, batch.items);
    hold.settle(lostTally(batch.items.length, reason, account.stage));
  }
}

function isSame(items: readonly unknown[], those: readonly unknown[]): boolean {
  return items.length === those.length && items.every((item, index) => item === those[index]);
}

/** In proportion to the number of items; not below what came where these were received, since each of them keeps the bytes of its whole request. */
function bytesOf(batch: Batch<unknown>, items: readonly unknown[]): number {
  const share = Math.round((batch.bytes * items.length) / batch.items.length);
  return share < batch.bytes && batch.items.some(isOfRequest) ? batch.bytes : share;
}

function isOfRequest(item: unknown): boolean {
  return ReceivedItem.is(originalOf(item));
}

function asynchronous(): Error {
  const option = 'inBatches.operators';
  const rule = 'synchronous operators';
  const step = 'take the batches apart for the others: mergeMap(({ items }) => items), your operator, adaptiveBatch()';
  const message = `${option} must be ${rule}, but one had not done with a batch when it had had all of its items; ${step}`;
  return mistakeInWords(option, rule, undefined, message);
}
