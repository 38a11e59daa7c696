import { Observable, type SchedulerLike } from 'rxjs';
import { type Batch, ExportError, type Failure, type Response, type Sink } from '../../../src/index.ts';
import { Gauge } from './gauge.ts';

/** Where a simulation happens. */
export interface World {
  readonly scheduler: SchedulerLike;
  readonly random: () => number;
}

const RATE_WINDOW_MILLIS = 1_000;

/** A request that has arrived. Answers come to nothing when the client has gone away. */
interface Arrived {
  readonly items: number;
  succeed(): void;
  fail(failure: Failure): void;
}

/** A backend in virtual time that keeps its own books. What it does with a request is in its subclasses. */
export abstract class SimulatedBackend implements Sink<unknown> {
  readonly name = 'backend';
  /** Requests that are being served. */
  readonly serving: Gauge;
  /** Requests that a client waits for. */
  readonly inFlight: Gauge;
  /** Requests that were served within the last second. */
  readonly rate: Gauge;
  /** Round trips of the requests that succeeded, in milliseconds. */
  readonly roundTrips: number[] = [];
  readonly batchSize: Gauge;
  succeeded = 0;
  refused = 0;
  /** Given up by the client, before or after they were served. */
  abandoned = 0;
  readonly #scheduler: SchedulerLike;
  readonly #random: () => number;
  readonly #served: number[] = []; // when, within the last second

  constructor({ scheduler, random }: World) {
    this.#scheduler = scheduler;
    this.#random = random;
    const now = () => scheduler.now();
    this.serving = new Gauge(now);
    this.inFlight = new Gauge(now);
    this.rate = new Gauge(now);
    this.batchSize = new Gauge(now);
  }

  /** A request has arrived, and takes its course. */
  protected abstract arrive(request: Arrived): void;

  export(batch: Batch<unknown>): Observable<Response> {
    return new Observable<Response>((subscriber) => {
      const startedAt = this.now;
      const items = batch.items.length;
      this.batchSize.value = items;
      this.inFlight.value += 1;
      let isAnswered = false;
      subscriber.add(() => {
        this.inFlight.value -= 1;
        if (!isAnswered) this.abandoned += 1;
      });
      const succeed = () => {
        this.#count();
        if (subscriber.closed) return;
        isAnswered = true;
        this.succeeded += 1;
        this.roundTrips.push(this.now - startedAt);
        subscriber.next({});
        subscriber.complete();
      };
      const fail = (failure: Failure) => {
        if (subscriber.closed) return;
        isAnswered = true;
        this.refused += 1;
        subscriber.error(new ExportError(failure, 'refused'));
      };
      this.arrive({ items, succeed, fail });
    });
  }

  /** Forgets what was measured so far. */
  restart(): void {
    for (const gauge of [this.serving, this.inFlight, this.rate, this.batchSize]) gauge.restart();
    this.roundTrips.length = 0;
    this.succeeded = 0;
    this.refused = 0;
    this.abandoned = 0;
  }

  protected get now(): number {
    return this.#scheduler.now();
  }

  protected get servedLately(): number {
    this.#forget();
    return this.#served.length;
  }

  protected after(millis: number, work: () => void): void {
    this.#scheduler.schedule(work, millis);
  }

  /** Exponentially distributed, with a mean of 1. */
  protected get chance(): number {
    return -Math.log(1 - this.#random());
  }

  /** Evenly distributed from -1 to 1. */
  protected get deviation(): number {
    return 2 * this.#random() - 1;
  }

  protected happens(ratio: number): boolean {
    return this.#random() < ratio;
  }

  #count(): void {
    this.rate.was(this.servedLately);
    this.#served.push(this.now);
  }

  #forget(): void {
    while ((this.#served[0] ?? Number.POSITIVE_INFINITY) <= this.now - RATE_WINDOW_MILLIS) this.#served.shift();
  }
}

/** How a link answers: as in the simulation of Vector's adaptive concurrency. Times are in milliseconds. */
export interface LinkPlan {
  /** It may change. */
  readonly delayMillis: number | ((nowMillis: number) => number);
  /** The mean of what comes on top by chance (exponentially distributed), as a share of the delay. */
  readonly jitter?: number;
  /** What each further request at the same time adds, as a share of the delay. */
  readonly scale?: number;
  /** From this many requests at the same time on, each multiplies the delay by `kneeExp`. */
  readonly kneeStart?: number;
  readonly kneeExp?: number;
  /** What becomes of a request that is one more than this many at the same time … */
  readonly limit?: number;
  /** … or one more than this many within a second. `defer`: refused after the delay · `drop`: never answered. */
  readonly ratePerSecond?: number;
  readonly action?: 'defer' | 'drop';
}

export class LinkBackend extends SimulatedBackend {
  readonly #plan: LinkPlan;

  constructor(world: World, plan: LinkPlan) {
    super(world);
    this.#plan = plan;
  }

  protected arrive(request: Arrived): void {
    const { limit = Number.POSITIVE_INFINITY, ratePerSecond = Number.POSITIVE_INFINITY, action } = this.#plan;
    this.serving.value += 1;
    const isTooMuch = this.serving.value > limit || this.servedLately > ratePerSecond;
    if (isTooMuch && action === 'drop') this.#drop();
    else this.#answer(request, isTooMuch);
  }

  #drop(): void {
    this.serving.value -= 1;
  }

  #answer(request: Arrived, isDeferred: boolean): void {
    this.after(this.#delayMillis, () => {
      this.serving.value -= 1;
      if (isDeferred) request.fail({ kind: 'retryable' });
      else request.succeed();
    });
  }

  get #delayMillis(): number {
    const { delayMillis, jitter = 0, scale = 0, kneeStart, kneeExp = 1 } = this.#plan;
    const base = typeof delayMillis === 'number' ? delayMillis : delayMillis(this.now);
    const level = this.serving.value;
    const knee = kneeStart === undefined ? 0 : kneeExp ** Math.max(0, level - kneeStart) - 1;
    return base * (1 + jitter * this.chance + scale * (level - 1) + knee);
  }
}

export interface WorkersPlan {
  /** How many requests are served at a time; it may change. */
  readonly workers: number | ((nowMillis: number) => number);
  readonly serviceMillis: number;
  /** On top, for each item. */
  readonly perItemMillis?: number;
  /** Up to this share of the service time more or less, by chance. */
  readonly jitter?: number;
  /** The way there and back. */
  readonly linkMillis?: number;
  /** Requests that wait, at most; the rest is refused at once. */
  readonly maxQueue?: number;
  /** The share that is refused at once by chance, whatever the load; it may change. */
  readonly refusedRatio?: (nowMillis: number) => number;
}

/** Workers behind a queue: first come, first served. */
export class WorkersBackend extends SimulatedBackend {
  readonly #plan: WorkersPlan;
  readonly #queue: Arrived[] = [];

  constructor(world: World, plan: WorkersPlan) {
    super(world);
    this.#plan = plan;
  }

  protected arrive(request: Arrived): void {
    const { maxQueue = Number.POSITIVE_INFINITY, refusedRatio } = this.#plan;
    const isFree = this.serving.value < this.#workers && this.#queue.length === 0;
    if (refusedRatio !== undefined && this.happens(refusedRatio(this.now))) this.#refuse(request);
    else if (isFree) this.#serve(request);
    else if (this.#queue.length < maxQueue) this.#queue.push(request);
    else this.#refuse(request);
  }

  #refuse(request: Arrived): void {
    this.after(1, () => request.fail({ kind: 'retryable' }));
  }

  get #workers(): number {
    const { workers } = this.#plan;
    return typeof workers === 'number' ? workers : workers(this.now);
  }

  #serve(request: Arrived): void {
    const { serviceMillis, perItemMillis = 0, jitter = 0, linkMillis = 0 } = this.#plan;
    this.serving.value += 1;
    const millis = (serviceMillis + perItemMillis * request.items) * (1 + jitter * this.deviation);
    this.after(millis, () => {
      this.serving.value -= 1;
      this.#serveWaiting();
      if (linkMillis > 0) this.after(linkMillis, () => request.succeed());
      else request.succeed();
    });
  }

  #serveWaiting(): void {
    while (this.serving.value < this.#workers) {
      const request = this.#queue.shift();
      if (request === undefined) return;
      this.#serve(request);
    }
  }
}

export interface QuotaPlan {
  readonly requests: number;
  readonly windowMillis: number;
  readonly serviceMillis: number;
  readonly jitter?: number;
}

/** So many requests in each window; the rest is refused, with the end of the window as `Retry-After`. */
export class QuotaBackend extends SimulatedBackend {
  readonly #plan: QuotaPlan;
  #window = 0;
  #taken = 0; // in this window

  constructor(world: World, plan: QuotaPlan) {
    super(world);
    this.#plan = plan;
  }

  protected arrive(request: Arrived): void {
    const { requests, windowMillis, serviceMillis, jitter = 0 } = this.#plan;
    const window = Math.floor(this.now / windowMillis);
    if (window !== this.#window) this.#taken = 0;
    this.#window = window;
    this.#taken += 1;
    const retryAfterMillis = (window + 1) * windowMillis - this.now;
    if (this.#taken > requests) this.after(1, () => request.fail({ kind: 'throttled', retryAfterMillis }));
    else this.#serve(request, serviceMillis * (1 + jitter * this.chance));
  }

  #serve(request: Arrived, millis: number): void {
    this.serving.value += 1;
    this.after(millis, () => {
      this.serving.value -= 1;
      request.succeed();
    });
  }
}
