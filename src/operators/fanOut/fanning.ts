import { type Observable, type Subscriber, Subscription } from 'rxjs';
import { EndOfStream } from '../../flow/endOfStream.ts';
import { answerOf } from '../../internal/runGuarded.ts';
import { subscribeInto, tearDownInOrder } from '../../internal/subscribeInto.ts';
import { followSource } from '../../ledger/stage.ts';
import { type Batch, type FlushRequest, type FlushUrgency, type Hold, isFlushRequest } from '../../model/batch.ts';
import { InvalidOptionError } from '../../model/errors.ts';
import type { RoutedOutcome } from '../../model/outcome.ts';
import { batchOf } from '../shared/givenBatch.ts';
import type { BranchPlan } from './branchPlan.ts';
import type { BranchRun } from './branchRun.ts';
import { Verdict } from './verdict.ts';

interface Running<T> extends BranchPlan<T> {
  readonly run: BranchRun<T>;
  readonly subscription: Subscription;
}

/** What one branch is to get of a batch. */
interface Part<T> {
  readonly branch: Running<T>;
  readonly items: readonly T[];
}

/** One subscription of {@link fanOut}: each batch is offered to all branches, and ends for its maker when the required ones have ended their parts. */
export class Fanning<T> {
  readonly #subscriber: Subscriber<RoutedOutcome<T>>;
  readonly #upstream = new Subscription();
  readonly #branches: readonly Running<T>[];
  readonly #end: EndOfStream;
  readonly #endingFlushes: { settle(): void }[] = []; // wait for best-effort branches
  #running: number; // branches whose stream has not ended
  #bestEffort = 0; // parts of best-effort branches without an end

  constructor(subscriber: Subscriber<RoutedOutcome<T>>, plans: readonly BranchPlan<T>[]) {
    this.#subscriber = subscriber;
    this.#branches = plans.map((plan) => ({ ...plan, run: plan.start(), subscription: new Subscription() }));
    this.#running = plans.length;
    this.#end = new EndOfStream(subscriber, {
      isDone: () => this.#running === 0,
      leaveSource: () => this.#upstream.unsubscribe(),
      drain: () => this.#each(({ run }) => run.complete()),
      subscribe: followSource(...plans.map(({ account }) => account)),
    });
  }

  follow(source: Observable<Batch<T> | readonly T[]>, flushWhen: Observable<unknown> | undefined): void {
    const stop = () => this.#each(({ run }) => run.stop());
    const runs = this.#branches.map(({ subscription }) => subscription);
    tearDownInOrder(this.#subscriber, stop, this.#upstream, ...runs);
    this.#each((branch) => this.#start(branch));
    this.#end.follow(source, (given) => this.#take(given), this.#upstream);
    // After the source: a batcher in front of it has sent out what it has when the flush comes here.
    if (flushWhen !== undefined) subscribeInto(flushWhen, { next: (request) => this.#flush(request) }, this.#upstream);
  }

  #start({ name: route, run, reporter, subscription }: Running<T>): void {
    const over = () => {
      run.stop();
      this.#running -= 1;
      this.#end.check();
    };
    const error = (thrown: unknown) => {
      reporter.callbackFailed(thrown);
      over();
    };
    const next = (outcome: object) => this.#subscriber.next({ ...outcome, route } as RoutedOutcome<T>);
    subscribeInto(run.outcomes$, { next, error, complete: over }, subscription);
  }

  #take(given: Batch<T> | readonly T[]): void {
    const batch = batchOf(given);
    if (batch === undefined) {
      this.#end.error(new InvalidOptionError('fanOut: what it is given', 'a batch or an array', given));
      return;
    }
    if (batch.items.length === 0) return;
    const urge: ((urgency: FlushUrgency) => void)[] = [];
    let urgency: FlushUrgency | undefined; // of a flush that waits for it already
    const hold = batch.hold((of) => {
      urgency = of;
      for (const part of urge) part(of);
    });
    hold.takeOver?.();
    hold.ready();
    this.#each(({ account }) => account.comesFrom(hold.maker));
    const parts = this.#branches.map((branch) => ({ branch, items: this.#wanted(branch, batch.items) }));
    const verdict = new Verdict(parts.filter((part) => isRequired(part)).length, unwanted(batch, parts), (end) =>
      hold.settle(end),
    );
    for (const part of parts) {
      const urgePart = this.#offer(batch, part, hold.origins, verdict);
      if (urgePart === undefined) continue;
      urge.push(urgePart);
      if (urgency !== undefined) urgePart(urgency);
    }
  }

  #wanted({ filter, reporter }: Running<T>, items: readonly T[]): readonly T[] {
    if (filter === undefined) return items;
    return items.filter((item) =>
      answerOf(
        () => filter(item),
        true,
        (thrown) => reporter.callbackFailed(thrown),
      ),
    );
  }

  #offer(batch: Batch<T>, { branch, items }: Part<T>, origins: Hold['origins'], verdict: Verdict) {
    const leftOut = batch.items.length - items.length;
    branch.account.accept(batch.items.length);
    branch.account.handOn(batch.items.length);
    if (items.length === 0) {
      if (branch.isRequired) verdict.ended(NOTHING, leftOut);
      return undefined;
    }
    const offer = { batch, items, origins };
    if (branch.isRequired) return branch.run.offer(offer, (end) => verdict.ended(end, leftOut));
    this.#bestEffort += 1;
    return branch.run.offer(offer, () => this.#bestEffortEnded());
  }

  #bestEffortEnded(): void {
    this.#bestEffort -= 1;
    if (this.#bestEffort === 0) this.#answerFlushes();
  }

  /** Batches of required branches are waited for where they were made. Best-effort branches are waited for only when there is no later. */
  #flush(given: unknown): void {
    const request = isFlushRequest(given) ? given : NO_REQUEST;
    if (request.urgency?.isEnding && this.#bestEffort > 0) this.#endingFlushes.push(request.hold());
    this.#each(({ run }) => run.flush(request));
  }

  #answerFlushes(): void {
    for (const hold of this.#endingFlushes.splice(0)) hold.settle();
  }

  #each(work: (branch: Running<T>) => void): void {
    for (const branch of this.#branches) work(branch);
  }
}

function isRequired<T>({ branch }: Part<T>): boolean {
  return branch.isRequired;
}

/** How many items no required branch wants. */
function unwanted<T>({ items }: Batch<T>, parts: readonly Part<T>[]): number {
  const required = parts.filter((part) => isRequired(part));
  if (required.some((part) => part.items.length === items.length)) return 0;
  const wanted = new Set(required.flatMap((part) => part.items));
  return items.reduce((count, item) => count + (wanted.has(item) ? 0 : 1), 0);
}

const NOTHING = Object.freeze({
  ...{ delivered: 0, rejected: 0, lost: [] },
  ...{ attempts: 0, attemptMillis: 0, elapsedMillis: 0 },
});

const NO_REQUEST: FlushRequest = Object.freeze({ hold: () => ({ settle() {} }) });
