import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import fc from 'fast-check';
import {
  bufferCount,
  bufferTime,
  concatMap,
  filter,
  finalize,
  mergeMap,
  Observable,
  type OperatorFunction,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import { asBatch } from '../../marble-tests/rxjs/support.ts';
import { anyBackend, anyScenario, type World } from '../../src/testing/laws/index.ts';
import { violationOf } from './violationOf.ts';
import { pairs } from './wrongOperators.ts';

describe('a pipeline of plain RxJS', () => {
  const sent = ({ sink }: World, concurrent: number) =>
    mergeMap((items: ReadableSpan[]) => sink.export(asBatch(items)), concurrent);

  it('bufferTime loses its buffer', async () => {
    const said = await violationOf((world) =>
      world.spans$.pipe(
        bufferTime(50),
        filter((items) => items.length > 0),
        sent(world, 2),
      ),
    );
    expect(said).toMatch(
      /^conservation: \d+ spans vanished, the first of them number \d+: they never reached the sink/,
    );
  });

  it('mergeMap queues without a bound', async () => {
    const pipeline = (world: World) => world.spans$.pipe(bufferCount(1), sent(world, 1));
    const said = await violationOf<undefined>(pipeline, {
      bounds: () => ({ pending: 30 }),
      mayVanish: () => true,
    });
    expect(said).toMatch(/^bounds: \d+ items are pending, but at most 30 are allowed/);
  });

  it('waits forever for a backend that hangs', async () => {
    const scenario = anyScenario({ answers: anyBackend({ kinds: ['hangs'] }) });
    const said = await violationOf((world) => world.spans$.pipe(bufferCount(1), sent(world, 1)), { scenario });
    expect(said).toMatch(/^end: the source has ended, but the pipeline has not; 1 attempts are in flight \(at /);
  });
});

describe('a wrong pipeline', () => {
  const flat = (world: World) => concatMap((items: readonly ReadableSpan[]) => world.sink.export(asBatch(items)));

  it('that leaks a timer does not release everything', async () => {
    // One span waits in the buffer, and the run ends before its four milliseconds are over.
    const ending = fc.record({ kind: fc.constant('unsubscribe' as const), atMillis: fc.integer({ min: 11, max: 13 }) });
    const events = fc.constant([{ kind: 'spans', atMillis: 10, count: 1 } as const]);
    const scenario = anyScenario({ schedule: fc.record({ events, ending }) });
    const pipeline = (world: World) => world.spans$.pipe(pairs('leaks a timer'), flat(world));
    expect(await violationOf<undefined>(pipeline, { scenario, mayVanish: () => true })).toMatch(
      /^release: when it was unsubscribed, this was left: setTimeout 4ms, set at test\/testing\/wrongOperators\.ts:\d+:\d+ \(at 1[123]ms\)$/,
    );
  });

  it('that emits after completion is not silent', async () => {
    const pipeline = (world: World) => world.spans$.pipe(flatArray(world), pairs('emits after completion'));
    const said = await violationOf<undefined>(pipeline, { mayVanish: () => true });
    expect(said).toMatch(/^silence: something came after the end/);
  });

  it('that emits after it was unsubscribed is not silent', async () => {
    const said = await violationOf(
      (world) => {
        const later = finalize<unknown>(() => setTimeout(() => world.sink.export(asBatch([])).subscribe()));
        return world.spans$.pipe(bufferCount(1), flat(world), later);
      },
      { mayVanish: () => true },
    );
    expect(said).toMatch(/^(release|silence): /);
  });

  it('whose ledger does not balance, or counts unconfirmed deliveries, breaks conservation', async () => {
    const unbalanced = await violationOf((world) => {
      const account = world.ledger.open('sink', 'mine');
      return world.spans$.pipe(
        concatMap((span) => {
          account.accept(1);
          account.lose(2, 'permanent');
          return [span];
        }),
      );
    });
    expect(unbalanced).toMatch(/^conservation: mine: 1 were accepted, but 2 have ended and -1 are pending/);
    const boasting = await violationOf((world) => {
      const account = world.ledger.open('sink', 'mine');
      return world.spans$.pipe(
        concatMap((span) => {
          account.accept(1);
          account.settle(1, { delivered: 1, rejected: 0, lost: [], attempts: 1, attemptMillis: 0, elapsedMillis: 0 });
          return [span];
        }),
      );
    });
    expect(boasting).toMatch(
      /^conservation: the ledger counts 1 as delivered or rejected, but the backend has confirmed 0/,
    );
  });

  it('that neither unsubscribes its source nor aborts does not release everything', async () => {
    const forgetful = (source: Observable<unknown>) =>
      new Observable((subscriber) => {
        source.subscribe({
          next: (value) => subscriber.next(value),
          error: (thrown) => subscriber.error(thrown),
          complete: () => subscriber.complete(),
        });
      });
    // The end comes while an attempt is in flight.
    const ending = fc.constant({ kind: 'unsubscribe', atMillis: 2 } as const);
    const events = fc.constant([{ kind: 'spans', atMillis: 1, count: 1 } as const]);
    const answers = fc.constant([{ kind: 'answers', delayMillis: 5, rejected: 0 } as const]);
    const scenario = anyScenario({ schedule: fc.record({ events, ending }), answers });
    const pipeline = (world: World) => forgetful(world.spans$.pipe(bufferCount(1), flat(world)));
    expect(await violationOf<undefined>(pipeline, { scenario })).toMatch(
      /^release: when it was unsubscribed, this was left: a subscription to the source, 1 attempts, setTimeout 5ms/,
    );
  });

  it('that begins an attempt after its end is not silent', async () => {
    const said = await violationOf<undefined>(
      (world) => {
        const later = finalize<unknown>(
          () => void Promise.resolve().then(() => world.sink.export(asBatch([])).subscribe()),
        );
        return world.spans$.pipe(bufferCount(1), flat(world), later);
      },
      {
        scenario: anyScenario({ answers: fc.constant([{ kind: 'answers', delayMillis: 0, rejected: 0 } as const]) }),
        mayVanish: () => true,
      },
    );
    expect(said).toMatch(/^silence: 1 attempts began after the end/);
  });

  it('whose stages accept more than they were offered breaks conservation', async () => {
    const said = await violationOf((world) => {
      const account = world.ledger.open('sink', 'mine');
      const stats = account.stats.bind(account);
      account.stats = () => ({ ...stats(), offered: 1 });
      return world.spans$.pipe(bufferCount(1), flat(world));
    });
    expect(said).toMatch(/^conservation: mine: 1 were offered, but 0 accepted and 0 refused/);
  });

  it('that leaves items pending at its end breaks conservation', async () => {
    const said = await violationOf((world) => {
      world.ledger.open('sink', 'mine').accept(1);
      return world.spans$.pipe(bufferCount(1), flat(world));
    });
    expect(said).toMatch(/^conservation: 1 items are still pending at the end/);
  });

  it('that has more attempts in flight than allowed breaks its bounds', async () => {
    const pipeline = (world: World) =>
      world.spans$.pipe(
        bufferCount(1),
        mergeMap((items) => world.sink.export(asBatch(items))),
      );
    const said = await violationOf<undefined>(pipeline, { bounds: () => ({ attempts: 2 }) });
    expect(said).toMatch(/^bounds: 3 attempts were in flight, but at most 2 are allowed/);
  });
});

/** Sends batches one at a time, and emits their spans. */
function flatArray(world: World): OperatorFunction<ReadableSpan, ReadableSpan> {
  return concatMap(
    (span) =>
      new Observable<ReadableSpan>((subscriber) =>
        world.sink.export(asBatch([span])).subscribe({
          complete: () => {
            subscriber.next(span);
            subscriber.complete();
          },
        }),
      ),
  );
}
