import { BehaviorSubject, distinctUntilChanged, Observable, type SchedulerLike, type Subscriber } from 'rxjs';
import { ACCEPTED, CANCELLED, resultOfError } from '../../destination/attemptEnding.ts';
import { exported, withoutAnswer } from '../../destination/exported.ts';
import type { AttemptResult } from '../../destination/layer.ts';
import { subscribeInto } from '../../internal/subscribeInto.ts';
import type { Batch } from '../../model/batch.ts';
import { messageOf } from '../../model/errors.ts';
import { type Attempt, ExportError, type Response, type Sink } from '../../model/sink.ts';
import { type FailoverRoute, type FailoverState, PrimaryHealth } from '../../strategies/primaryHealth.ts';
import { failureOf } from '../../strategies/retry.ts';
import { DEFAULT_ATTEMPT_MILLIS } from '../shared/severalSinks.ts';
import type { FailoverSettings } from './options.ts';

/** The primary is left alone for up to this long when it says so: more is more often a mistake than meant. */
const MAX_PATIENCE_MILLIS = 600_000;

/** The host's timers may be early by a fraction of a millisecond. */
const EARLY_MILLIS = 1;

/** The attempts at a primary and its fallback: each goes to one of them. */
export class FailoverAttempts<T> {
  readonly #sinks: Readonly<Record<FailoverState, Sink<T>>>;
  readonly #scheduler: SchedulerLike;
  readonly #health: PrimaryHealth;
  readonly #state: BehaviorSubject<FailoverState>;
  readonly state$: Observable<FailoverState>;

  constructor(primary: Sink<T>, fallback: Sink<T>, settings: FailoverSettings<T>) {
    this.#sinks = { primary, fallback };
    this.#scheduler = settings.scheduler;
    this.#health = new PrimaryHealth(settings);
    this.#state = new BehaviorSubject(this.#health.state);
    this.state$ = this.#state.pipe(distinctUntilChanged());
  }

  /** @param onStart called when the attempt starts */
  attempt(batch: Batch<T>, attempt: Attempt | undefined, onStart: () => void): Observable<Response> {
    return new Observable((subscriber) => {
      const route = this.#health.next(this.#scheduler.now());
      const run = new OneAttempt(this.#sinks[route.to], attempt, this.#scheduler, (result) =>
        this.#ended(route, result),
      );
      run.start(batch, subscriber, (thrown) => this.#meaningOf(route, thrown));
      onStart();
    });
  }

  #ended(route: FailoverRoute, result: AttemptResult): void {
    this.#health.ended(route, result, this.#scheduler.now());
    this.#state.next(this.#health.state);
  }

  /** What a failure of the primary means, now that there is a fallback: whether the address or the patience of one backend is at its end says nothing of the other. */
  #meaningOf({ to }: FailoverRoute, thrown: unknown): unknown {
    if (to === 'fallback') return thrown;
    const failure = failureOf(thrown);
    const isRefused = failure.kind === 'retryable' && failure.connectionRefused === true;
    const isThrottled = failure.kind === 'throttled' && this.#health.state === 'fallback';
    if (!isRefused && !isThrottled) return thrown;
    return new ExportError({ kind: 'retryable' }, messageOf(thrown), { cause: thrown });
  }
}

/** One attempt at one sink, and how it ended. */
class OneAttempt<T> {
  readonly #sink: Sink<T>;
  readonly #attempt: Attempt | undefined; // that `exportTo` has given
  readonly #scheduler: SchedulerLike;
  readonly #onEnd: (result: AttemptResult) => void;
  readonly #startedAtMillis: number;
  #answer: Response | ExportError | undefined; // that the sink has reported
  #isOver = false;

  constructor(
    sink: Sink<T>,
    attempt: Attempt | undefined,
    scheduler: SchedulerLike,
    onEnd: (result: AttemptResult) => void,
  ) {
    this.#sink = sink;
    this.#attempt = attempt;
    this.#scheduler = scheduler;
    this.#onEnd = onEnd;
    this.#startedAtMillis = scheduler.now();
  }

  start(batch: Batch<T>, subscriber: Subscriber<Response>, meaningOf: (thrown: unknown) => unknown): void {
    subscriber.add(() => this.#end(this.#resultOfAbort()));
    const error = (thrown: unknown) => {
      this.#end(resultOfError(thrown, MAX_PATIENCE_MILLIS));
      subscriber.error(meaningOf(thrown));
    };
    const next = (response: Response) => {
      this.#end(ACCEPTED);
      subscriber.next(response);
      subscriber.complete();
    };
    const complete = () => error(withoutAnswer(this.#sink));
    subscribeInto(exported(this.#sink, batch, this.#report), { next, error, complete }, subscriber);
  }

  #end(result: AttemptResult): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onEnd(result);
  }

  /** The sink's reports go on to `exportTo`. */
  get #report(): Attempt {
    const { timeoutMillis } = this.#attempt ?? {};
    return {
      ...(timeoutMillis !== undefined && { timeoutMillis }),
      enter: (phase, where) => this.#attempt?.enter(phase, where),
      answered: (answer) => {
        this.#answer = answer;
        this.#attempt?.answered(answer);
      },
      repeat: () => {
        this.#answer = undefined;
        this.#attempt?.repeat?.();
      },
      status: (code) => this.#attempt?.status?.(code),
    };
  }

  /** It was aborted: by its timeout, or for a reason that says nothing about the backend. */
  #resultOfAbort(): AttemptResult {
    const answer = this.#answer;
    if (answer !== undefined) return answer instanceof Error ? resultOfError(answer, MAX_PATIENCE_MILLIS) : ACCEPTED;
    const ownMillis = this.#sink.attemptTimeoutMillis ?? DEFAULT_ATTEMPT_MILLIS;
    const { timeoutMillis = ownMillis } = this.#attempt ?? {};
    const tookMillis = this.#scheduler.now() - this.#startedAtMillis;
    return tookMillis + EARLY_MILLIS >= timeoutMillis ? { ending: 'timedOut' } : CANCELLED;
  }
}
