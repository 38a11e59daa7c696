import { Observable, type Observer, type SchedulerLike, Subject, Subscription } from 'rxjs';
import { DynamicScope } from '../internal/dynamicScope.ts';
import { forwardTo, subscribeInto } from '../internal/subscribeInto.ts';
import { after } from '../internal/timers.ts';
import type { FlushRequest } from '../model/batch.ts';
import { messageOf, SpanflowError } from '../model/errors.ts';
import type { Sink } from '../model/sink.ts';
import type { Account, Role } from './account.ts';
import { Gap } from './gap.ts';
import type { Ledger } from './ledger.ts';

/** What a run gives the stages that are subscribed within it. */
export interface RunParts {
  readonly ledger: Ledger;
  /** The books of the input, if it keeps any. */
  readonly input: Account | undefined;
  readonly flush$: Observable<FlushRequest>;
  /** For each `exportTo`, unless it was given its own. */
  readonly pauseWhen: Observable<boolean>;
  readonly stopWhen: Observable<unknown>;
  readonly giveUpWhen: Observable<unknown>;
  /** `stage`: the name that the export was given. */
  readonly onRetry: (retry: { readonly error: unknown; readonly stage?: string }) => void;
  /** Whether the input can be subscribed again and goes on where it was. */
  readonly isHot: boolean;
  readonly scheduler: SchedulerLike;
  /** A stage that exports to this sink is being subscribed. */
  readonly addSink: (sink: Sink<never>) => void;
  readonly onTrouble: (message: string) => void;
}

/** A stage whose source is being subscribed, or one that passes on an item. */
interface Following {
  readonly run: Run;
  readonly gap: Gap | undefined;
  /** The stage that passes on. What is subscribed meanwhile, and finds no other stage in front of it, stands behind this one. */
  readonly from: Account | undefined;
}

const scope = new DynamicScope<Following>();

/**
 * One run of a composition whose stages were made before it. They ask for it when they are subscribed. Subscriptions go from the last stage to the first, so a stage that is opened while another one
 * subscribes to its source stands in front of it.
 */
export class Run {
  readonly parts: RunParts;
  readonly #accounts = new WeakMap<object, Account>(); // by the operator that asked
  readonly #gaps = new Map<Account, Gap>();
  readonly #end = new Subject<void>();
  #failures = 0;
  readonly #failuresBehind = new WeakMap<Account, number>();

  constructor(parts: RunParts) {
    this.parts = parts;
  }

  /** The run within which the caller is being subscribed. */
  static get present(): Run | undefined {
    return scope.present?.run;
  }

  /** What is subscribed here is part of no run: another pipeline, or what a sink does inside. */
  static outside<R>(work: () => R): R {
    return scope.within(undefined, work);
  }

  within<R>(work: () => R): R {
    return scope.within({ run: this, gap: undefined, from: undefined }, work);
  }

  /** What is subscribed while this stage passes on an item is part of the run, and stands behind it. */
  coversWhatFollows(account: Account): () => void {
    return account.passOnWithin((work) => scope.within({ run: this, gap: undefined, from: account }, work));
  }

  /** The stage within whose emission the caller is being subscribed. */
  get source(): Account | undefined {
    return scope.present?.from ?? this.parts.input;
  }

  /** The books of this operator in the ledger of the run: the same ones each time. */
  open(operator: object, role: Role, stage: string): Account {
    const follower = scope.present?.gap?.behind[0];
    const account = this.#accounts.get(operator) ?? this.parts.ledger.openBefore(role, stage, follower);
    this.#accounts.set(operator, account);
    return account;
  }

  /** Subscribes the source of a stage, for its accounts (several if it is a fan-out): what is opened meanwhile stands in front of them. */
  follow<T>(accounts: readonly Account[], source: Observable<T>, observer: Observer<T>, upstream: Subscription): void {
    const [account] = accounts;
    if (account === undefined || !this.parts.ledger.has(account)) {
      subscribeInto(source, observer, upstream);
      return;
    }
    for (const one of accounts) scope.present?.gap?.add(one);
    const gap = this.#gaps.get(account) ?? new Gap(accounts);
    this.#gaps.set(account, gap);
    new Followed({ run: this, gap, source, observer, upstream }).subscribe();
  }

  /** The whole composition, to be subscribed within the run: operators behind its last stage are subscribed again, too. */
  supervise<T>(outcomes$: Observable<T>): Observable<T> {
    return new Observable((subscriber) => {
      const plan = {
        run: this,
        gap: new Gap([]),
        source: outcomes$,
        observer: forwardTo(subscriber),
        upstream: subscriber,
      };
      new Followed<T>(plan).subscribe();
    });
  }

  /** This stage, which has no source of ours, is in front of the one that is subscribing. */
  standsInFront(account: Account): void {
    if (!this.parts.ledger.has(account)) return;
    scope.present?.gap?.add(account);
    this.coversWhatFollows(account);
  }

  /** Subscribes within the place in front of a gap. */
  before<R>(gap: Gap, work: () => R): R {
    return scope.within({ run: this, gap, from: undefined }, work);
  }

  /** A stage has learnt only now how many items came in what it was given: a flush may wait for them as if they had not come. */
  countedLater(account: Account): void {
    this.#gaps.get(account)?.unseen.hasLeft();
  }

  /** What comes from inputs that cannot end by themselves ends now. */
  end(): void {
    this.#end.next();
  }

  get end$(): Observable<void> {
    return this.#end;
  }

  /** Operators of the user's that have thrown. */
  get failures(): number {
    return this.#failures;
  }

  /** Of those, the ones that are fed by this stage, with no other one in between. */
  failuresBehind(account: Account): number {
    return this.#failuresBehind.get(account) ?? 0;
  }

  /** Items that have come from the input. */
  get taken(): number {
    return this.parts.input?.passedOn ?? 0;
  }

  operatorFailed(thrown: unknown, { behind: [stage], fronts }: Gap): void {
    this.#failures += 1;
    for (const front of fronts) this.#failuresBehind.set(front, this.failuresBehind(front) + 1);
    const where = stage === undefined ? 'behind the last stage' : `in front of ${stage.stage}`;
    this.parts.onTrouble(`an operator ${where} threw, and is subscribed again: ${messageOf(thrown)}`);
    this.parts.ledger.callbackFailed();
  }

  /** Where operators of the user's are. */
  get gaps(): readonly Gap[] {
    return [...this.#gaps.values()];
  }
}

/** When no item has come in between, an operator that fails is subscribed again after this long, in milliseconds: it may fail by itself. */
const RESUBSCRIBE_MILLIS = 1_000;

interface FollowedPlan<T> {
  readonly run: Run;
  readonly gap: Gap;
  readonly source: Observable<T>;
  readonly observer: Observer<T>;
  readonly upstream: Subscription;
}

/** The source of one stage. When an operator of the user's in it throws, and the input goes on where it was, it is subscribed again. */
class Followed<T> {
  readonly #plan: FollowedPlan<T>;
  #taken = 0; // when it was subscribed last

  constructor(plan: FollowedPlan<T>) {
    this.#plan = plan;
  }

  subscribe(): void {
    const { run, gap, source, observer, upstream } = this.#plan;
    const attempt = new Subscription();
    let isSubscribing = true;
    const next = (item: T) => {
      gap.leaves();
      observer.next(item);
      gap.unseen.hasLeft();
    };
    const error = (thrown: unknown) => {
      upstream.remove(attempt);
      if (isSubscribing || !this.#mayRecover(thrown)) observer.error(thrown);
      else this.#recover(thrown);
    };
    upstream.add(attempt);
    this.#taken = this.#takenNow;
    const { source: front } = run;
    run.before(gap, () => subscribeInto(source, { next, error, complete: () => observer.complete() }, attempt));
    isSubscribing = false;
    if (gap.fronts.length === 0 && front !== undefined) gap.add(front);
    if (!gap.isBehindInputs || attempt.closed) return;
    const end = () => {
      attempt.unsubscribe();
      observer.complete();
    };
    subscribeInto(run.end$, { next: end }, attempt);
  }

  /** Our own errors end the stream: a queue that was to fail when it is full, for example. */
  #mayRecover(thrown: unknown): boolean {
    const { run, upstream } = this.#plan;
    return run.parts.isHot && !upstream.closed && !(thrown instanceof SpanflowError);
  }

  /** Items from the input; from the stages in front, where the input keeps no books as a whole (a receiver has a stage for each signal). */
  get #takenNow(): number {
    const { run, gap } = this.#plan;
    return run.parts.input === undefined ? gap.passedOn : run.taken;
  }

  #recover(thrown: unknown): void {
    const { run, gap, upstream } = this.#plan;
    const isFruitless = this.#takenNow === this.#taken;
    run.operatorFailed(thrown, gap);
    gap.failed();
    if (!isFruitless) this.subscribe();
    else upstream.add(after(run.parts.scheduler, RESUBSCRIBE_MILLIS, () => this.subscribe()));
  }
}
