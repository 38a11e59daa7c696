/** A main program that waits for a stream of operators, while nothing but a timer of ours could end the wait. */
import {
  concat,
  defer,
  firstValueFrom,
  lastValueFrom,
  map,
  NEVER,
  type Observable,
  of,
  Subject,
  throwError,
} from 'rxjs';
import {
  adaptiveBatch,
  boundedMergeMap,
  circuitBreaker,
  createGate,
  ExportError,
  exponentialBackoff,
  exportTo,
  fromAsyncIterable,
  type ProcessHold,
  raceTimeout,
  rateLimit,
  retryBudget,
  retryWithBackoff,
  type Sink,
  toAsyncIterable,
} from '../../../src/index.ts';
import { input, report } from './kit.ts';

export interface HoldInput {
  readonly what: keyof typeof waits;
  readonly processHold?: ProcessHold;
}

const { what, processHold } = input<HoldInput>();
const held = processHold === undefined ? {} : { processHold };
/** How long each wait is. One that holds nothing is long: a program that is slow to start would find a short one over before it could end. */
const WAIT = processHold === 'never' ? 60_000 : 50;
const backoff = exponentialBackoff({ initialMillis: WAIT, maxMillis: WAIT, jitter: 'none' });

/** Fails as often, then emits. */
const failing = (times: number, error: unknown = new Error('not yet')): Observable<string> => {
  let attempts = 0;
  return defer(() => (++attempts <= times ? throwError(() => error) : of('done')));
};
const retried = () => failing(2).pipe(retryWithBackoff({ backoff, ...held }));
const flakySink = (): Sink<string> => {
  // Where nothing is to be waited for, no success ends the waits of others.
  const times = processHold === 'never' ? Number.POSITIVE_INFINITY : 2;
  const answers = failing(times, new ExportError({ kind: 'retryable' }, 'not yet'));
  return { name: 'flaky', export: () => answers.pipe(map((message) => ({ message }))) };
};
/** One item, and no end. */
const open = (): Observable<string> => new Subject<string>();
const withOneItem = (): Observable<string> => {
  const items = new Subject<string>();
  queueMicrotask(() => items.next('item'));
  return items;
};
const firstOf = async <T>(values: AsyncIterable<T>): Promise<T | undefined> => {
  for await (const value of values) return value;
  return undefined;
};
const LONG = 2 ** 31 - 1;
const fineSink: Sink<string> = { name: 'fine', export: () => of({}) };
const openBreaker = (millis = WAIT) => {
  const openFor = exponentialBackoff({ initialMillis: millis, maxMillis: LONG, jitter: 'none' });
  const breaker = circuitBreaker({ consecutiveFailures: 1, backoff: openFor });
  failing(1)
    .pipe(breaker.protect())
    .subscribe({ error: () => {} });
  return breaker;
};
const usedUpRate = () => {
  const limit = rateLimit({ itemsPerSecond: 1_000 / WAIT, burstMillis: WAIT });
  of('first').pipe(limit.protect()).subscribe();
  return limit;
};
const batching = { scheduledDelayMillis: WAIT, ...held };
/** Each item leaves at once. */
const atOnce = { ...batching, maxExportBatchSize: 1 };

const waits = {
  retryWithBackoff: () => firstValueFrom(retried()),
  'raceTimeout, the whole': () => firstValueFrom(NEVER.pipe(raceTimeout({ millis: WAIT, ...held }))).catch(String),
  'raceTimeout, the first': () =>
    firstValueFrom(NEVER.pipe(raceTimeout({ millis: WAIT, bounds: 'first', ...held }))).catch(String),
  'a retry within boundedMergeMap': () => lastValueFrom(of(1).pipe(boundedMergeMap(retried))),
  'the delay of adaptiveBatch': () => firstValueFrom(withOneItem().pipe(adaptiveBatch(batching))),
  'the delay of adaptiveBatch, under for await': () =>
    firstOf(toAsyncIterable(withOneItem().pipe(adaptiveBatch(batching)))),
  'a retry, under for await': () => firstOf(toAsyncIterable(retried())),
  'a retry of exportTo': () =>
    firstValueFrom(withOneItem().pipe(adaptiveBatch(atOnce), exportTo(flakySink(), { retry: { backoff }, ...held }))),
  'the Retry-After of another batch': () => {
    let attempts = 0;
    const failure = { kind: 'throttled', retryAfterMillis: WAIT } as const;
    const answer = () => (++attempts === 1 ? throwError(() => new ExportError(failure, 'later')) : of({}));
    const sink: Sink<string> = { name: 'throttling', export: () => defer(answer) };
    const options = { retry: { maxAttempts: 1, maxElapsedMillis: Number.POSITIVE_INFINITY }, ...held };
    of(['a'])
      .pipe(exportTo(sink, { ...options, processHold: 'never' }))
      .subscribe();
    return firstValueFrom(concat(of(['b']), NEVER).pipe(exportTo(sink, options)));
  },
  'the outcome of a source that has ended': () =>
    lastValueFrom(of('item').pipe(adaptiveBatch(batching), exportTo(flakySink(), { retry: { backoff }, ...held }))),
  'the gate of adaptiveBatch': () => {
    const gate = createGate();
    const batch = adaptiveBatch<string>({ ...atOnce, gate, maxQueueSize: 1 });
    const out = exportTo<string>(flakySink(), { concurrency: 1, retry: { backoff }, ...held });
    return lastValueFrom(fromAsyncIterable(['a', 'b', 'c', 'd'], { gate }).pipe(batch, out));
  },
  'a breaker that is open': () => firstValueFrom(of('done').pipe(openBreaker().protect({ whenOpen: 'wait', ...held }))),
  'an export whose breaker is open': () =>
    firstValueFrom(concat(of(['item']), NEVER).pipe(exportTo(fineSink, { breaker: openBreaker(), ...held }))),
  'a rate': () => firstValueFrom(of('done').pipe(usedUpRate().protect(held))),
  'an export that waits for its rate': () =>
    firstValueFrom(concat(of(['item']), NEVER).pipe(exportTo(fineSink, { rateLimit: usedUpRate(), ...held }))),
  'a retry that waits for its budget': () => {
    const budget = retryBudget({ minRetriesPerSecond: 1_000 / WAIT, maxSavedRetries: 1 });
    const short = exponentialBackoff({ initialMillis: 1, maxMillis: 1, jitter: 'none' });
    return firstValueFrom(failing(3).pipe(retryWithBackoff({ backoff: short, budget, ...held })));
  },

  // What follows is over, or need not end: it holds nothing.
  'a timeout whose source has finished': () => lastValueFrom(of('done').pipe(raceTimeout({ millis: LONG }))),
  'a timeout whose first value has come': async () => {
    const source = withOneItem().pipe(raceTimeout({ millis: LONG, bounds: 'first' }));
    await new Promise<void>((resolve) => source.subscribe(() => resolve()));
  },
  'a timeout that was unsubscribed': async () =>
    open()
      .pipe(raceTimeout({ millis: LONG }))
      .subscribe()
      .unsubscribe(),
  'a retry that was unsubscribed': async () => {
    const never = exponentialBackoff({ initialMillis: LONG, maxMillis: LONG });
    failing(1)
      .pipe(retryWithBackoff({ backoff: never, maxElapsedMillis: LONG }))
      .subscribe()
      .unsubscribe();
  },
  'a delay that was unsubscribed': async () => {
    const items = new Subject<string>();
    const batches = items.pipe(adaptiveBatch({ scheduledDelayMillis: LONG })).subscribe();
    items.next('item');
    batches.unsubscribe();
  },
  'an idle batcher': async () => void open().pipe(adaptiveBatch()).subscribe(),
  'a timeout without an end': async () =>
    void open()
      .pipe(raceTimeout({ millis: Number.POSITIVE_INFINITY }))
      .subscribe(),
  'a promise that never settles': async () =>
    void of(1)
      .pipe(boundedMergeMap(() => new Promise(() => {})))
      .subscribe(),
  'an open breaker for which nothing waits': async () => {
    const breaker = openBreaker(LONG);
    breaker.state$.subscribe();
    of(['item'])
      .pipe(exportTo(fineSink, { breaker, processHold: 'never' }))
      .subscribe();
  },
} satisfies Record<string, () => Promise<unknown>>;

process.on('exit', (code) => report('exit', { code }));
await waits[what]();
report('done');
