import { diag } from '@opentelemetry/api';
import { NEVER, type Observable, of } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { adaptiveBatch, exportTo, type Outcome, type Response, type Sink } from '../../src/index.ts';
import { BoundedChannel } from '../../src/inputs/channel/channel.ts';
import { CHANNEL_DEFAULTS } from '../../src/inputs/channel/options.ts';
import { Warnings } from '../../src/internal/diagWarnings.ts';
import { LifeCycle } from '../../src/pipelines/lifeCycle/lifeCycle.ts';
import { LIFE_CYCLE_DEFAULTS } from '../../src/pipelines/lifeCycle/options.ts';
import { marbles } from '../../src/testing/index.ts';

diag.disable();

/** A sink that writes down what happens to it. */
function recorded(name: string, response: () => Observable<Response>, events: string[]): Sink<number> {
  return {
    name,
    export: response,
    forceFlush: async () => void events.push(`${name} flushed`),
    shutdown: async () => void events.push(`${name} shut down`),
  };
}

/** A composition of somebody's own: any items, any operators. */
function composition(sink: Sink<number>, ...others: Sink<number>[]) {
  const settings = { ...LIFE_CYCLE_DEFAULTS, shutdownDeadlineMillis: 100 };
  const warnings = new Warnings('mine', 1_000, settings.scheduler);
  const life = new LifeCycle<number>('mine', [sink, ...others], settings, warnings);
  const account = life.ledger.open('input', 'channel');
  const sent = new BoundedChannel<number>({ ...CHANNEL_DEFAULTS, ...life.stageOptions }, account);
  const outcomes: Outcome<number>[] = [];
  let ended = false;
  life.outcomes$.subscribe({
    next: (outcome) => outcomes.push(outcome),
    complete: () => {
      ended = true;
    },
  });
  const { forceFlush, shutdown } = life.run({
    outcomes$: sent.items$.pipe(
      adaptiveBatch({ ...life.stageOptions, flushWhen: sent.flush$, scheduledDelayMillis: 1_000 }),
      exportTo(sink, life.exportOptions),
    ),
    flush: (urgency) => sent.flush(urgency),
    end: (urgency) => {
      sent.flush(urgency);
      sent.close();
    },
  });
  return { sent, outcomes, forceFlush, shutdown, stats: () => life.ledger.stats(), hasEnded: () => ended };
}

describe('a composition with a life cycle', () => {
  test('flushes what is queued and its sinks, and shuts them down once everything has its outcome', () =>
    marbles(async ({ now }) => {
      const events: string[] = [];
      const [first, second] = [recorded('first', () => of({}), events), recorded('second', () => of({}), events)];
      const { sent, outcomes, forceFlush, shutdown, hasEnded } = composition(first, second);
      sent.trySend(1);
      await forceFlush();
      expect([outcomes.length, now()]).toEqual([1, 0]);
      expect(events).toEqual(['first flushed', 'second flushed']);
      sent.trySend(2);
      await Promise.all([shutdown(), shutdown()]);
      expect(outcomes.map(({ delivered }) => delivered)).toEqual([1, 1]);
      expect(events.slice(2).sort()).toEqual([
        'first flushed',
        'first shut down',
        'second flushed',
        'second shut down',
      ]);
      expect([hasEnded(), sent.trySend(3)]).toEqual([true, 'closed']);
    }));

  test('gives up at the deadline of its shutdown what has no outcome', () =>
    marbles(async ({ now }) => {
      const { sent, shutdown, stats } = composition({ name: 'silent', export: () => NEVER });
      sent.trySend(1);
      await shutdown();
      expect([now(), stats().pending]).toEqual([100, 0]);
      expect(stats().lost).toMatchObject({ unconfirmed: 1 });
    }));

  test('rejects a flush at its timeout, and what is pending goes on', () =>
    marbles(async ({ now }) => {
      const { sent, forceFlush, shutdown, stats } = composition({ name: 'silent', export: () => NEVER });
      sent.trySend(1);
      await expect(forceFlush({ timeoutMillis: 20 })).rejects.toMatchObject({ code: 'FLUSH_TIMEOUT' });
      expect([now(), stats().pending]).toEqual([20, 1]);
      expect(() => forceFlush({ timeoutMillis: -1 })).toThrow(
        'mine.forceFlush.timeoutMillis must be a duration in milliseconds',
      );
      expect(() => shutdown({ deadlineMillis: -1 })).toThrow(
        'mine.shutdown.deadlineMillis must be a duration in milliseconds',
      );
      await shutdown();
    }));
});
