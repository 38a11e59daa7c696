import { type Observable, type OperatorFunction, type Subscriber, Subscription } from 'rxjs';
import { subscribeInto, tearDownInOrder } from '../../internal/subscribeInto.ts';
import type { StageReporter } from '../../ledger/stageReporter.ts';
import { messageOf, SpanflowError } from '../../model/errors.ts';
import type { LossReason } from '../../model/tally.ts';
import { Link } from './link.ts';
import type { SupervisedOptions } from './options.ts';

/** One subscription of `supervised`: items go from one operator to the next, and what throws is subscribed again. */
export class Chain<T> {
  readonly links: readonly Link<T>[];
  readonly #subscriber: Subscriber<T>;
  readonly #reporter: StageReporter<T>;
  readonly #upstream = new Subscription();
  readonly #enter = (item: T) => this.#pass(item, 0);
  #sourceIsOver = false;
  #outputIsOver = false;

  constructor(
    subscriber: Subscriber<T>,
    operators: readonly OperatorFunction<T, T>[],
    reporter: StageReporter<T>,
    { flushWhen }: SupervisedOptions,
  ) {
    this.#subscriber = subscriber;
    this.#reporter = reporter;
    this.links = operators.map((operator, index) => {
      const onNext = (item: T) => this.#pass(item, index + 1);
      const onFailed = (thrown: unknown, lost: number) => this.#failed(index, thrown, lost);
      const onComplete = (isEarly: boolean) => this.#completed(index, isEarly);
      return new Link(operator, { onNext, onFailed, onComplete }, flushWhen);
    });
  }

  follow(source: Observable<T>): void {
    tearDownInOrder(this.#subscriber, this.#upstream, () => this.#stop('unsubscribed'));
    for (const link of this.links) link.start();
    const next = (item: T) => this.#take(item);
    const error = (thrown: unknown) => this.#subscriber.error(thrown);
    subscribeInto(source, { next, error, complete: () => this.#sourceCompleted() }, this.#upstream);
  }

  /** Time is up: what the operators hold is lost, and the stream ends. */
  cut(): void {
    this.#upstream.unsubscribe();
    this.#stop('shutdown');
    this.#subscriber.complete();
  }

  #take(item: T): void {
    const { account } = this.#reporter;
    account.accept(1);
    account.handOn(1);
    account.passOn(this.#enter, item);
  }

  #pass(item: T, index: number): void {
    const link = this.links[index];
    if (link === undefined) this.#subscriber.next(item);
    else link.next(item);
  }

  #sourceCompleted(): void {
    this.#sourceIsOver = true;
    if (this.#outputIsOver || this.links.length === 0) this.#subscriber.complete();
    else this.links[0]?.complete();
  }

  #failed(index: number, thrown: unknown, lost: number): void {
    const what = `operators[${index}] threw, and is subscribed again when the next item comes`;
    this.#reporter.callbackFailed(
      new SpanflowError('OPERATOR_FAILED', `${what}: ${messageOf(thrown)}`, { cause: thrown }),
    );
    this.#lose(lost, 'operatorFailed');
  }

  #completed(index: number, isEarly: boolean): void {
    if (isEarly) this.#endedEarly(index);
    const next = this.links[index + 1];
    if (next !== undefined) {
      next.complete();
      return;
    }
    this.#outputIsOver = true;
    if (this.#sourceIsOver) this.#subscriber.complete();
  }

  /** What is in front of it is unsubscribed, as RxJS does. What comes from now on is taken out. */
  #endedEarly(index: number): void {
    for (const link of this.links.slice(0, index)) link.stop();
    const what = `operators[${index}] has completed, and takes out all items that come from now on`;
    this.#reporter.callbackFailed(new SpanflowError('OPERATOR_ENDED', what));
  }

  #stop(reason: LossReason): void {
    let held = 0;
    for (const link of this.links) held += link.stop();
    this.#lose(held, reason);
  }

  /** These items count as handed on. Operators that make more of an item may lose more than came in. */
  #lose(count: number, reason: LossReason): void {
    if (count === 0) return;
    const { account } = this.#reporter;
    const { handedOn } = account.stats();
    const made = Math.max(0, count - handedOn);
    account.accept(made);
    account.takeBack(count - made);
    account.lose(count, reason);
    this.#reporter.report({ count, reason, stage: account.stage }, []);
  }
}
