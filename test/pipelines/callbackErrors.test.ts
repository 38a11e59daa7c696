import { diag } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  ExportError,
  exponentialBackoff,
  exportHandle,
  InvalidOptionError,
  monotonicScheduler,
  spanPipeline,
  toMemory,
} from '../../src/index.ts';
import { Warnings } from '../../src/internal/diagWarnings.ts';
import { marbles } from '../../src/testing/index.ts';
import { spanWith } from '../support/spans.ts';

const told: string[] = [];
beforeEach(() => {
  told.length = 0;
  const tell = (message: string) => void told.push(message);
  diag.setLogger({ error: tell, warn: tell, info() {}, debug() {}, verbose() {} }, { suppressOverrideMessage: true });
});
afterEach(() => diag.disable());

describe('a callback that throws', () => {
  test('is counted by a handle, and reported to diag at once, then once per interval', () =>
    marbles(async ({ advanceTo }) => {
      let call = 0;
      const sizeOf = () => {
        call += 1;
        throw new Error(`broken ${call}`);
      };
      const handle = exportHandle(toMemory<string>(), { sizeOf, warnIntervalMillis: 1_000 });
      const answers = Promise.all([handle.export(['a', 'b']), handle.export(['c'])]);
      expect(told).toEqual(['exportHandle: a callback threw: broken 1']);
      await advanceTo(500);
      expect(told).toHaveLength(1);
      await advanceTo(1_500);
      expect(told).toHaveLength(2);
      expect(handle.stats().callbackErrors).toBe(call);
      expect((await answers).map(({ delivered }) => delivered)).toEqual([2, 1]);
      await handle.shutdown();
    }));

  test('is counted by a pipeline, and reported to diag: a strategy', async () => {
    const strategy = () => ({
      size: 1,
      delayMillis: 0,
      left: () => {
        throw new Error('broken strategy');
      },
      ended() {},
    });
    const pipeline = spanPipeline({ sink: toMemory(), environment: {}, strategy });
    pipeline.processor.onEnd(spanWith({}));
    await pipeline.forceFlush();
    expect(told).toEqual(['spanflow: a callback threw: broken strategy']);
    expect(pipeline.stats().callbackErrors).toBe(1);
    await pipeline.shutdown();
  });

  test.each([
    [{ kind: 'retry' }, "has the kind 'retry'"],
    [{ kind: 5 }, 'has the kind 5'],
    ['x', "has no kind: it is made as new ExportError({ kind: 'retryable' }, message)"],
  ])('an ExportError of a sink that is made of %j is told as such, and counts as retryable', async (failure, has) => {
    let calls = 0;
    const sink = {
      name: 'flaky',
      async export() {
        calls += 1;
        if (calls === 1) throw new ExportError(failure as never, 'no');
        return {};
      },
    };
    const backoff = exponentialBackoff({ initialMillis: 1, maxMillis: 1 });
    const handle = exportHandle<string>(sink, { retry: { backoff } });
    expect(await handle.export(['a'])).toMatchObject({ delivered: 1, attempts: 2 });
    const kinds = 'kinds are retryable, throttled, permanent, tooLarge, unknownOutcome';
    expect(told).toEqual([`exportHandle: refused: the ExportError of sink flaky ${has}; ${kinds}`]);
    await handle.shutdown();
  });

  test('a refused option is told as one, and how many there were', () =>
    marbles(async ({ advanceTo }) => {
      const warnings = new Warnings('spanflow', 1_000, monotonicScheduler);
      const refused = (given: number) =>
        warnings.callbackFailed(new InvalidOptionError('spanPipeline.settings$.concurrency', 'a whole number', given));
      for (const given of [0.5, 1.5, 2.5]) refused(given);
      await advanceTo(1_000);
      const message = 'spanflow: refused: spanPipeline.settings$.concurrency must be a whole number, but was given';
      expect(told).toEqual([`${message} 0.5`, `${message} 2.5 (the newest of 2)`]);
      warnings.close();
    }));

  test('a retry is not told any more when an export has succeeded meanwhile', () =>
    marbles(async ({ advanceTo }) => {
      const warnings = new Warnings('spanflow', 1_000, monotonicScheduler);
      warnings.trouble('503', 'retry');
      warnings.trouble('503 again', 'retry');
      warnings.outcome({ rejected: 0 });
      await advanceTo(1_000);
      warnings.close();
      expect(told).toEqual(['spanflow: 503']);
    }));

  test('does not hide that exports fail', () =>
    marbles(async ({ advanceTo }) => {
      const warnings = new Warnings('spanflow', 1_000, monotonicScheduler);
      warnings.trouble('first');
      warnings.trouble('the exports fail');
      warnings.callbackFailed(new Error('broken'));
      await advanceTo(1_000);
      expect(told).toEqual(['spanflow: first', 'spanflow: the exports fail', 'spanflow: a callback threw: broken']);
    }));
});
