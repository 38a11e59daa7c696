import { AsyncLocalStorage } from 'node:async_hooks';
import { createRequire } from 'node:module';
import { setTimeout as setTimeoutByName } from 'node:timers';
import { setImmediate as nextTurn, scheduler, setTimeout as sleep, setInterval as ticks } from 'node:timers/promises';
import { promisify } from 'node:util';
import { asyncScheduler, firstValueFrom, interval, map, race, Subject, take, timer } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { EndlessRun, marbles, type VirtualTime, virtualTime } from '../../src/testing/index.ts';

const hostNames = [
  'setTimeout',
  'setInterval',
  'setImmediate',
  'clearTimeout',
  'clearInterval',
  'clearImmediate',
  'Date',
];
const hostTime = () => [
  ...hostNames.map((name) => Object.getOwnPropertyDescriptor(globalThis, name)),
  Object.getOwnPropertyDescriptor(performance, 'now'),
  Object.getOwnPropertyDescriptor(performance, 'timeOrigin'),
  performance.now,
  AbortSignal.timeout,
  setTimeoutByName,
  sleep,
  scheduler.wait,
];

const atLoad = hostTime();
const limitAtLoad = Error.stackTraceLimit;

// Taken by CommonJS, so that it stays the host's own, as in a library that was loaded before the run.
const hostSetImmediate = createRequire(import.meta.url)('node:timers').setImmediate as typeof setImmediate;

describe('the host in virtual time', () => {
  it('follows one clock', () =>
    virtualTime(
      async ({ now, advanceBy, advanceTo }) => {
        await advanceBy(1_500);
        expect([now(), performance.now(), performance.timeOrigin, Date.now()]).toEqual([
          1_500, 1_500, 86_400_000, 86_401_500,
        ]);
        expect(new Date().toISOString()).toBe('1970-01-02T00:00:01.500Z');
        expect(Date()).toBe(new Date(86_401_500).toString());
        expect(new Date(5).getTime()).toBe(5);
        expect(new Date()).toBeInstanceOf(Date);
        expect(asyncScheduler.now()).toBe(86_401_500);
        await advanceTo(2_000);
        expect(now()).toBe(2_000);
      },
      { startMillis: 86_400_000 },
    ));

  it('is restored however the run ends', async () => {
    const before = hostTime();
    await virtualTime(() => {
      setTimeout(() => {}, 1);
      expect(hostTime()).not.toEqual(before);
    });
    expect(hostTime()).toEqual(before);
    await expect(virtualTime(() => Promise.reject(new Error('mine')))).rejects.toThrow('mine');
    const thrower = () => {
      throw new Error('mine as well');
    };
    await expect(virtualTime(thrower)).rejects.toThrow('mine as well');
    await expect(marbles(thrower)).rejects.toThrow('mine as well');
    expect(hostTime()).toEqual(before);
    expect(hostTime()).toEqual(atLoad);
    expect(Error.stackTraceLimit).toBe(limitAtLoad);
  });

  it('runs timers by time, and equal ones in the order in which they were set', () =>
    virtualTime(async ({ flush }) => {
      const ran: string[] = [];
      setTimeout(() => ran.push('10 first'), 10);
      setTimeout(() => ran.push('5'), 5);
      setTimeout((...args: string[]) => ran.push(...args), 10, '10', 'second');
      setImmediate((word: string) => ran.push(word), 'immediate');
      await flush();
      expect(ran).toEqual(['immediate', '5', '10 first', '10', 'second']);
    }));

  it('keeps the order of a real event loop', () =>
    virtualTime(async ({ flush }) => {
      const ran: string[] = [];
      setTimeout(() => {
        ran.push('timer');
        process.nextTick(() => ran.push('tick'));
        queueMicrotask(() => ran.push('microtask'));
        setImmediate(() => ran.push('immediate'));
      }, 10);
      setTimeout(() => ran.push('equal timer'), 10);
      setTimeout(() => ran.push('later timer'), 11);
      await flush();
      expect(ran).toEqual(['timer', 'tick', 'microtask', 'equal timer', 'immediate', 'later timer']);
    }));

  it('waits for immediates of the host before it moves on', () =>
    virtualTime(async ({ now }) => {
      const late = timer(10).pipe(map(() => 'late'));
      const turns = async () => {
        for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => hostSetImmediate(resolve));
        return `after two turns, at ${now()}`;
      };
      expect(await firstValueFrom(race(late, turns()))).toBe('after two turns, at 0');
    }));

  it('has all methods of Timeout', () =>
    virtualTime(async ({ advanceBy }) => {
      const ran: string[] = [];
      const timeout = setTimeout(() => ran.push('timeout'), 10);
      expect(timeout.hasRef()).toBe(true);
      expect(timeout.unref().hasRef()).toBe(false);
      expect(timeout.ref().hasRef()).toBe(true);
      await advanceBy(9);
      timeout.refresh();
      await advanceBy(9);
      expect(ran).toEqual([]);
      await advanceBy(1);
      expect(ran).toEqual(['timeout']);
      timeout.refresh();
      await advanceBy(10);
      expect(ran).toEqual(['timeout', 'timeout']);
      clearTimeout(Number(setTimeout(() => ran.push('never'), 5)));
      clearTimeout(String(Number(setTimeout(() => ran.push('never'), 5))));
      setTimeout(() => ran.push('never'), 5).close();
      clearImmediate(setImmediate(() => ran.push('never')));
      const interval = setInterval(() => ran.push('tick') > 3 && clearInterval(interval), 5);
      await advanceBy(50);
      expect(ran).toEqual(['timeout', 'timeout', 'tick', 'tick']);
    }));

  it('treats a delay as Node does, but 0 as the same instant', () =>
    virtualTime(async ({ now }) => {
      const elapsed = (delay?: number) => {
        const begun = now();
        return new Promise<number>((resolve) => setTimeout(() => resolve(now() - begun), delay));
      };
      expect(await elapsed(2.9)).toBe(2);
      expect(await elapsed(0)).toBe(0);
      expect(await elapsed()).toBe(0);
      expect(await elapsed(-5)).toBe(0);
      expect(await elapsed(Number.NaN)).toBe(0);
      expect(await elapsed(2 ** 31)).toBe(1);
      expect(() => setTimeout('no function' as never, 1)).toThrow(TypeError);
    }));

  it('supports util.promisify of timers', () =>
    virtualTime(async ({ now }) => {
      expect(await promisify(setTimeout)(100, 'value')).toBe('value');
      expect(await promisify(setImmediate)('value')).toBe('value');
      expect(now()).toBe(100);
    }));

  it('drives node:timers and node:timers/promises, with named imports too', () =>
    virtualTime(async ({ now, advanceBy }) => {
      expect(await sleep(100, 'value')).toBe('value');
      expect(await nextTurn('value')).toBe('value');
      await scheduler.wait(20);
      await scheduler.yield();
      expect(now()).toBe(120);
      const taken: number[] = [];
      for await (const _ of ticks(10)) if (taken.push(now()) === 3) break;
      expect(taken).toEqual([130, 140, 150]);
      const controller = new AbortController();
      const given = expect(sleep(1_000, null, { signal: controller.signal })).rejects.toMatchObject({
        code: 'ABORT_ERR',
      });
      setTimeoutByName(() => controller.abort(), 10);
      await given;
      expect(now()).toBe(160);
      await expect(sleep(1, null, { signal: controller.signal })).rejects.toMatchObject({ name: 'AbortError' });
      await advanceBy(5_000);
    }));

  it('runs a timer in the asynchronous context in which it was set', () =>
    virtualTime(async () => {
      const request = new AsyncLocalStorage<string>();
      const seen = await request.run(
        'inside',
        () => new Promise((resolve) => setTimeout(() => resolve(request.getStore()), 5)),
      );
      expect(seen).toBe('inside');
    }));

  it('drives AbortSignal.timeout', () =>
    virtualTime(async ({ advanceBy }) => {
      const signal = AbortSignal.timeout(100);
      await advanceBy(99);
      expect(signal.aborted).toBe(false);
      await advanceBy(1);
      expect(signal.aborted).toBe(true);
      expect(signal.reason).toMatchObject({
        name: 'TimeoutError',
        message: 'The operation was aborted due to timeout',
      });
      expect(() => AbortSignal.timeout(-1)).toThrow(RangeError);
    }));

  it('does not touch a timer that was set before the run', async () => {
    let ran = false;
    const before = setTimeout(() => {
      ran = true;
    }, 1);
    await virtualTime(() => clearTimeout(before));
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(ran).toBe(false);
  });
});

it('an interval of node:timers/promises ends with its loop, and keeps the ticks of a slow one', () =>
  marbles(async ({ now, expectObservable }) => {
    const taken: number[] = [];
    for await (const _ of ticks(10)) {
      taken.push(now());
      if (taken.length === 4) break;
      await sleep(25);
    }
    expect(taken).toEqual([10, 35, 60, 85]);
    expectObservable(timer(1).pipe(map(() => 'a'))).toBe('-(a|)');
  }));

describe('the end of a run', () => {
  it('runs 20,000 scheduled events', async () => {
    await marbles(async ({ flush }) => {
      let ran = 0;
      for (let index = 0; index < 20_000; index++) setTimeout(() => ran++, (index * 7_919) % 20_000);
      await flush();
      expect(ran).toBe(20_000);
    });
  });

  it('draws and compares 20,000 events', async () => {
    const marks = 'a'.repeat(19_999);
    await marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot(`       -${marks}(a|)`);
      const subs = '             ^ 19999ms !';
      const expected = `         -${marks}(a|)`;
      expectObservable(source).toBe(expected);
      expectObservable(
        interval(1).pipe(
          map(() => 'a'),
          take(20_000),
        ),
      ).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
    });
  });

  it('cancels far timers without keeping them', () =>
    virtualTime(async ({ flush, now }) => {
      for (let index = 0; index < 20_000; index++) clearTimeout(setTimeout(() => {}, 1_000_000 + index));
      await flush();
      expect(now()).toBe(0);
    }));

  it('comes after maxEvents', async () => {
    const endless = ({ flush }: VirtualTime) => {
      setInterval(() => {}, 0);
      return flush();
    };
    const run = virtualTime(endless, { maxEvents: 1_000 });
    await expect(run).rejects.toBeInstanceOf(EndlessRun);
    await expect(run).rejects.toThrow('1000 events have run by 0ms and there are more (maxEvents)');
  });

  it('comes after maxVirtualMillis', async () => {
    const run = virtualTime(({ flush }) => {
      setTimeout(() => {}, 3_600_001);
      return flush();
    });
    await expect(run).rejects.toThrow(
      'the next event lies at 3600001ms, more than 60m after the last frame that is drawn',
    );
  });

  it('comes when the test waits for an event that never happens', async () => {
    const run = virtualTime(() => firstValueFrom(new Subject()), { maxRealWaitMillis: 5 });
    await expect(run).rejects.toThrow(
      'the test still waits at 0ms, and nothing is scheduled that could end its waiting',
    );
  });

  it('waits for real events for a while', () =>
    virtualTime(
      async () => {
        const { stat } = await import('node:fs/promises');
        expect((await stat('.')).isDirectory()).toBe(true);
      },
      { maxRealWaitMillis: 60_000 },
    ));

  it('is an error that a timer throws', async () => {
    const run = marbles(async ({ flush }) => {
      setTimeout(() => {
        throw new Error('out of a timer');
      }, 5);
      await flush();
    });
    await expect(run).rejects.toThrow('out of a timer');
  });

  it('is an error that an observer throws', async () => {
    const run = marbles(({ cold }) => {
      cold('-a|').subscribe(() => {
        throw new Error('out of an observer');
      });
    });
    await expect(run).rejects.toThrow('out of an observer');
  });
});

describe('one clock', () => {
  it('refuses a second run at the same time, and names the line of the first', async () => {
    const first = marbles(async () => void (await firstValueFrom(timer(10))));
    await expect(virtualTime(() => {})).rejects.toThrow(
      /^another run in virtual time is in progress, started at test\/testing\/virtualTime\.test\.ts:\d+:\d+: there is one clock/,
    );
    await first;
    await virtualTime(() => {});
  });

  it('refuses invalid limits', async () => {
    await expect(virtualTime(() => {}, { maxEvents: Number.NaN })).rejects.toThrow(
      'virtualTime.maxEvents must be a finite number from 0, but was given NaN',
    );
    await expect(marbles(() => {}, { maxVirtualMillis: -1 })).rejects.toBeInstanceOf(Error);
  });
});
