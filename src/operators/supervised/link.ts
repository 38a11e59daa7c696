import { type Observable, type OperatorFunction, Subject, Subscription } from 'rxjs';
import { Unseen } from '../../flow/unseen.ts';
import { subscribeInto } from '../../internal/subscribeInto.ts';
import type { FlushRequest } from '../../model/batch.ts';
import { LinkRun } from './linkRun.ts';

/** Whoever has put an operator into a chain. */
export interface LinkOwner<T> {
  onNext(item: T): void;
  /** It threw, and is subscribed again when the next item comes. `lost` is how many items it had in its hands, as far as that can be known. */
  onFailed(thrown: unknown, lost: number): void;
  /** Nothing comes out any more. `isEarly`: the operator has ended by itself. */
  onComplete(isEarly: boolean): void;
}

/** One operator of the user's in a chain: it may throw, and is subscribed again. */
export class Link<T> {
  readonly unseen = new Unseen(
    () => this.#entered - (this.#run.gone - this.#goneBefore),
    () => this.#left,
  );
  readonly #operator: OperatorFunction<T, T>;
  readonly #owner: LinkOwner<T>;
  readonly #run: LinkRun;
  #state: 'running' | 'failed' | 'over' = 'failed'; // before it is subscribed, too
  #items = new Subject<T>(); // into the operator
  #subscription = new Subscription();
  #sourceIsOver = false;
  #entered = 0; // items, since it was subscribed
  #left = 0; // likewise
  #goneBefore = 0; // taken out or lost by stages of ours in it, before it was subscribed
  #entering = 0; // calls of `next` on the stack
  #leftAtEntry = 0; // when the innermost of them began
  #atTheDoor = 0; // items that wait for it to be subscribed

  constructor(operator: OperatorFunction<T, T>, owner: LinkOwner<T>, flushWhen: Observable<FlushRequest> | undefined) {
    this.#operator = operator;
    this.#owner = owner;
    this.#run = new LinkRun(flushWhen);
  }

  start(): void {
    const items = new Subject<T>();
    const subscription = new Subscription();
    this.#state = 'running';
    this.#items = items;
    this.#subscription = subscription;
    this.#entered = 0;
    this.#left = 0;
    this.#goneBefore = this.#run.gone;
    const next = (item: T) => this.#emit(item);
    const error = (thrown: unknown) => this.#fail(thrown);
    try {
      const observer = { next, error, complete: () => this.#complete() };
      this.#run.within(() => subscribeInto(this.#operator(items), observer, subscription));
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  next(item: T): void {
    if (this.#state === 'over') return;
    if (this.#state === 'failed') this.#startFor(1);
    if (this.#state !== 'running') return;
    const before = this.#leftAtEntry;
    this.#entered += 1;
    this.#leftAtEntry = this.#left;
    this.#entering += 1;
    this.#items.next(item);
    this.#entering -= 1;
    this.#leftAtEntry = before;
  }

  /** Nothing goes in any more: what the operator holds comes out. */
  complete(): void {
    this.#sourceIsOver = true;
    if (this.#state === 'running') this.#items.complete();
    else if (this.#state === 'failed') this.#end();
  }

  /** Ends it at once. Returns how many items it had in its hands, as far as that can be known. */
  stop(): number {
    const { held } = this.unseen;
    const wasRunning = this.#state === 'running';
    this.#state = 'over';
    this.#subscription.unsubscribe();
    return wasRunning ? held : 0;
  }

  #startFor(items: number): void {
    this.#atTheDoor = items;
    this.start();
    this.#atTheDoor = 0;
  }

  #emit(item: T): void {
    this.unseen.leaves(this.#entering > 0 ? 'entry' : 'later');
    this.#left += 1;
    this.unseen.hasLeft();
    this.#owner.onNext(item);
  }

  #fail(thrown: unknown): void {
    if (this.#state !== 'running') return;
    const lost = this.#inHand;
    this.#state = 'failed';
    this.#subscription.unsubscribe();
    this.#owner.onFailed(thrown, lost);
    if (this.#sourceIsOver) this.#end();
  }

  #complete(): void {
    if (this.#state !== 'running') return;
    this.#end();
  }

  #end(): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#subscription.unsubscribe();
    this.#owner.onComplete(!this.#sourceIsOver);
  }

  /** Of an operator that answers each item at once, it is the one that has just gone in. Of another one it is whatever has not come out. */
  get #inHand(): number {
    const answersAtOnce = this.#entering > 0 && !this.unseen.isAsynchronous;
    if (!answersAtOnce) return Math.max(0, this.#entered - this.#left) + this.#atTheDoor;
    return this.#left === this.#leftAtEntry ? 1 : 0;
  }
}
