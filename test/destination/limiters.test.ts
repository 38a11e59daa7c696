import { BehaviorSubject, type Observable, of, Subject } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  adaptiveConcurrency,
  aimdConcurrency,
  boundedMergeMap,
  type ConcurrencyLimiter,
  ExportError,
  exportTo,
  fixedConcurrency,
  type LimitedAttempt,
  type Response,
  type Sink,
} from '../../src/index.ts';

/** A sink whose answers come when they are told to. */
class Answering implements Sink<string> {
  readonly name = 'answering';
  readonly open: Subject<Response>[] = [];

  export(): Observable<Response> {
    const answer = new Subject<Response>();
    this.open.push(answer);
    return answer;
  }

  answer(): void {
    const answer = this.open.shift();
    answer?.next({});
    answer?.complete();
  }

  refuse(): void {
    this.open.shift()?.error(new ExportError({ kind: 'permanent' }, 'no'));
  }
}

const batches = (count: number) => of(...Array.from({ length: count }, () => ['item']));

/** What a limit has been, as it changes. */
function limitsOf(limiter: ConcurrencyLimiter): number[] {
  const limits: number[] = [];
  limiter.limit$.subscribe((limit) => limits.push(limit));
  return limits;
}

describe('a limiter that is given twice', () => {
  test('limits two exports together', () => {
    const concurrency = fixedConcurrency(3);
    const [one, other] = [new Answering(), new Answering()];
    batches(5).pipe(exportTo(one, { concurrency })).subscribe();
    batches(5).pipe(exportTo(other, { concurrency })).subscribe();
    const inFlight = () => one.open.length + other.open.length;
    expect(inFlight()).toBe(3);
    for (let answered = 0; answered < 7; answered += 1) {
      (one.open.length > 0 ? one : other).answer();
      expect(inFlight()).toBe(3);
    }
    expect(other.open.length).toBeGreaterThan(0);
  });

  test('a plain number limits each by itself', () => {
    const [one, other] = [new Answering(), new Answering()];
    batches(5)
      .pipe(exportTo(one, { concurrency: 3 }))
      .subscribe();
    batches(5)
      .pipe(exportTo(other, { concurrency: 3 }))
      .subscribe();
    expect([one.open.length, other.open.length]).toEqual([3, 3]);
  });

  test('an export that is unsubscribed gives its slots to the others', () => {
    const concurrency = fixedConcurrency(2);
    const [one, other] = [new Answering(), new Answering()];
    const first = batches(2).pipe(exportTo(one, { concurrency })).subscribe();
    batches(2).pipe(exportTo(other, { concurrency })).subscribe();
    expect(other.open).toHaveLength(0);
    first.unsubscribe();
    expect(other.open).toHaveLength(2);
  });
});

describe('exports that are given no limit', () => {
  test('share one with all others to their sink, and it begins at 12', () => {
    const sink = new Answering();
    batches(9).pipe(exportTo(sink)).subscribe();
    batches(9).pipe(exportTo(sink)).subscribe();
    expect(sink.open).toHaveLength(12);
  });

  test('have one for each sink', () => {
    const [one, other] = [new Answering(), new Answering()];
    batches(20).pipe(exportTo(one)).subscribe();
    batches(20).pipe(exportTo(other)).subscribe();
    expect([one.open.length, other.open.length]).toEqual([12, 12]);
  });
});

describe('limit$', () => {
  test('tells the present limit, and each change once', () => {
    const limiter = aimdConcurrency({ initialLimit: 2, maxLimit: 3 });
    const limits = limitsOf(limiter);
    const sink = new Answering();
    batches(9)
      .pipe(exportTo(sink, { concurrency: limiter }))
      .subscribe();
    for (let answered = 0; answered < 5; answered += 1) sink.answer();
    expect(limits).toEqual([2, 3]);
    expect(limitsOf(limiter)).toEqual([3]);
  });

  test('of one that is fixed never changes', () => {
    const limiter = fixedConcurrency(2);
    const limits = limitsOf(limiter);
    const sink = new Answering();
    batches(9)
      .pipe(exportTo(sink, { concurrency: limiter }))
      .subscribe();
    for (let answered = 0; answered < 5; answered += 1) sink.answer();
    expect(limits).toEqual([2]);
  });
});

describe('a limiter of your own', () => {
  /** Keeps what it is told. */
  function told() {
    const limit$ = new BehaviorSubject(2);
    const attempts: LimitedAttempt[] = [];
    return { limit$, attempts, attemptEnded: (attempt: LimitedAttempt) => void attempts.push(attempt) };
  }

  test('is told of each attempt of an export, and 0 pauses', () => {
    const limiter = told();
    const sink = new Answering();
    batches(4)
      .pipe(exportTo(sink, { concurrency: limiter }))
      .subscribe();
    sink.answer();
    sink.refuse();
    expect(limiter.attempts.map(({ ending, inFlight, items }) => ({ ending, inFlight, items }))).toEqual([
      { ending: 'accepted', inFlight: 1, items: 1 },
      { ending: 'permanent', inFlight: 2, items: 1 },
    ]);
    limiter.limit$.next(0);
    sink.answer();
    sink.answer();
    expect(sink.open).toHaveLength(0);
  });

  test('is told of each inner Observable of boundedMergeMap: one that completes is a round trip, one that fails a refusal', () => {
    const limiter = told();
    const inners: Subject<never>[] = [];
    const project = () => {
      const inner = new Subject<never>();
      inners.push(inner);
      return inner;
    };
    const running = of('a', 'b', 'c', 'd')
      .pipe(boundedMergeMap(project, { concurrency: limiter }))
      .subscribe();
    expect(inners).toHaveLength(2);
    inners[0]?.complete();
    inners[1]?.error('no');
    expect(inners).toHaveLength(4);
    running.unsubscribe();
    expect(limiter.attempts.map(({ ending }) => ending)).toEqual(['accepted', 'retryable', 'cancelled', 'cancelled']);
  });

  test('is shared by an export and a boundedMergeMap', () => {
    const limiter = fixedConcurrency(2);
    const sink = new Answering();
    batches(4)
      .pipe(exportTo(sink, { concurrency: limiter }))
      .subscribe();
    let begun = 0;
    const project = () => {
      begun += 1;
      return new Subject<never>();
    };
    of('a', 'b')
      .pipe(boundedMergeMap(project, { concurrency: limiter }))
      .subscribe();
    expect([sink.open.length, begun]).toEqual([2, 0]);
    sink.answer(); // the export has waited longer
    expect([sink.open.length, begun]).toEqual([2, 0]);
    sink.answer(); // and then they take turns
    expect([sink.open.length, begun]).toEqual([1, 1]);
  });
});

describe('options of limiters', () => {
  test.each<[() => unknown, string]>([
    [() => adaptiveConcurrency({ initialLimit: 0 }), 'adaptiveConcurrency.initialLimit must be a whole number from 1'],
    [() => adaptiveConcurrency({ initialLimit: 9, maxLimit: 8 }), 'adaptiveConcurrency.initialLimit must be'],
    [() => adaptiveConcurrency({ maxLimit: 0.5 }), 'adaptiveConcurrency.maxLimit must be a whole number from 1'],
    [() => adaptiveConcurrency({ maxLimits: 9 } as never), 'maxLimit'],
    [() => aimdConcurrency({ decreaseRatio: 1 }), 'aimdConcurrency.decreaseRatio must be'],
    [() => fixedConcurrency(0), 'fixedConcurrency.limit must be a whole number from 1'],
  ])('%#: a bad one is refused at the call', (call, message) => {
    expect(call).toThrow(message);
  });

  test('a lower maximum than the default beginning is enough', () => {
    expect(limitsOf(adaptiveConcurrency({ maxLimit: 4 }))).toEqual([4]);
    expect(limitsOf(aimdConcurrency({ maxLimit: 4 }))).toEqual([4]);
  });
});
