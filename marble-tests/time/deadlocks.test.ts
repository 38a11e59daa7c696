// Awaits that wait for themselves: each is refused at once, or has an end by a time limit.

import { diag } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { defer, firstValueFrom, of, race, Subject, throwError, timer } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  boundedMergeMap,
  type Channel,
  channel,
  createGate,
  exportHandle,
  type Merged,
  type Sink,
  type SpanPipeline,
  type SpanPipelineOptions,
  spanPipeline,
} from '../../src/index.ts';
import { type MarbleKit, marbles, type ScriptedSink } from '../../src/testing/index.ts';

/** Batches of what comes within 2 ms, one attempt at a time, and no second one. */
const SHORT: Omit<SpanPipelineOptions, 'sink'> = {
  scheduledDelayMillis: 2,
  concurrency: 1,
  retry: { maxAttempts: 1 },
  attemptTimeoutMillis: 5,
};

/** A sink that does this, and then has delivered. */
function doing(work: () => Promise<unknown>): Sink<ReadableSpan> {
  return { name: 'doing', export: () => work().then(() => ({})) };
}

/** How a promise ends, and when. */
function ending(promise: Promise<unknown>, now: () => number): { how: string } {
  const seen = { how: 'pending' };
  promise.then(
    () => {
      seen.how = `resolved at ${now()}`;
    },
    ({ code }) => {
      seen.how = `${code} at ${now()}`;
    },
  );
  return seen;
}

describe('a flush that the export of a batch awaits', () => {
  test('is refused at once, and the batch is lost as permanent: another attempt would come to the same', () =>
    marbles(async ({ hot, flush, expectOutcomes, expectSubscriptions }) => {
      const source = hot('  -a---|');
      const subs = '        ^----!';
      const expected = '    ---o-|';
      const pipeline: SpanPipeline = spanPipeline({ ...SHORT, retry: {}, sink: doing(() => pipeline.forceFlush()) });
      source.subscribe({ next: pipeline.processor.onEnd, complete: () => void pipeline.shutdown() });
      const codes: unknown[] = [];
      pipeline.outcomes$.subscribe(({ error }) => codes.push(error?.code));
      expectOutcomes(pipeline.outcomes$).toBe(expected, { o: { lost: { permanent: 'a' }, attempts: 1 } });
      expectSubscriptions(source.subscriptions).toBe(subs);
      await flush();
      expect(codes).toEqual(['DEADLOCK']);
      expect(pipeline.stats()).toMatchObject({ lost: { permanent: 1 }, pending: 0 });
    }));

  test('and that names the function, the reason and the way out', () =>
    marbles(async ({ spans, advanceBy }) => {
      const messages: string[] = [];
      const flushing = () => pipeline.forceFlush().catch(({ message }) => messages.push(message));
      const pipeline: SpanPipeline = spanPipeline({ ...SHORT, sink: doing(flushing) });
      pipeline.processor.onEnd(spans().a);
      await advanceBy(10);
      expect(messages).toEqual([
        'spanPipeline.forceFlush was called by the export of a batch that it waits for, and must not be awaited there; the flush itself goes on',
      ]);
      expect(pipeline.stats()).toMatchObject({ delivered: 1, pending: 0 });
      await pipeline.shutdown();
    }));

  test('goes on for an export that does not await it: what is queued is sent without delay', () =>
    marbles(async ({ hot, sink, flush, expectOutcomes, expectSubscriptions }) => {
      const source = hot('  -(abc)-----|');
      const subs = '        ^----------!';
      const expected = '    -(op)------|';
      const backend = sink('(r|)');
      const flushing: Sink<ReadableSpan> = {
        name: 'flushing',
        export: (batch) => {
          void pipeline.forceFlush();
          return backend.export(batch);
        },
      };
      const options = { ...SHORT, scheduledDelayMillis: 1_000, maxExportBatchSize: 2 };
      const pipeline: SpanPipeline = spanPipeline({ ...options, sink: flushing });
      source.subscribe({ next: pipeline.processor.onEnd, complete: () => void pipeline.shutdown() });
      expectOutcomes(pipeline.outcomes$).toBe(expected, { o: { delivered: 'ab' }, p: { delivered: 'c' } });
      expectSubscriptions(source.subscriptions).toBe(subs);
      await flush();
    }));

  test('after an await ends with the attempt: the rest of the pipeline goes on', () =>
    marbles(async ({ hot, flush, expectOutcomes, expectSubscriptions }) => {
      const source = hot('  -a-----------|');
      const subs = '        ^------------!';
      const expected = '    --------o----|';
      const flushLater = async () => {
        await undefined;
        await pipeline.forceFlush();
      };
      const pipeline: SpanPipeline = spanPipeline({ ...SHORT, sink: doing(flushLater) });
      source.subscribe({ next: pipeline.processor.onEnd, complete: () => void pipeline.shutdown() });
      expectOutcomes(pipeline.outcomes$).toBe(expected, { o: { lost: { unconfirmed: 'a' }, attempts: 1 } });
      expectSubscriptions(source.subscriptions).toBe(subs);
      await flush();
      expect(pipeline.stats()).toMatchObject({ lost: { unconfirmed: 1 }, pending: 0 });
    }));

  test('is not refused where a batch that has ended, or failed, makes somebody else call it', () =>
    marbles(async ({ hot, flush, now, expectSubscriptions }) => {
      const source = hot('  -a-----|');
      const subs = '        ^------!';
      const seen: { how: string }[] = [];
      const flushNow = () => void seen.push(ending(pipeline.forceFlush(), now));
      let attempts = 0;
      const sink: Sink<ReadableSpan> = {
        name: 'synchronous',
        export: () => (attempts++ === 0 ? throwError(() => new Error('mine')) : of({})),
      };
      const pipeline = spanPipeline({ ...SHORT, retry: { maxAttempts: 2 }, random: () => 0, sink });
      pipeline.outcomes$.subscribe(flushNow);
      diag.setLogger({ error() {}, warn: flushNow, info() {}, debug() {}, verbose() {} });
      source.subscribe({ next: pipeline.processor.onEnd, complete: () => void pipeline.shutdown() });
      expectSubscriptions(source.subscriptions).toBe(subs);
      await flush();
      diag.disable();
      expect(seen).toEqual([{ how: 'resolved at 3' }, { how: 'resolved at 3' }]);
    }));
});

describe('two pipelines whose exports flush each other', () => {
  /** Two pipelines: the export of each awaits a flush of the other, after `before`. An attempt is drawn until the flush has ended, or until it is aborted. */
  function pair({ sink }: MarbleKit, before?: Promise<void>) {
    const flushes = new Subject<'r' | 'D'>(); // how they end: resolved, or refused with DEADLOCK
    const flushed = async (other: SpanPipeline) => {
      if (before !== undefined) await before;
      await other.forceFlush().then(
        () => flushes.next('r'),
        (error) => {
          flushes.next(error.code === 'DEADLOCK' ? 'D' : error);
          throw error;
        },
      );
      return {};
    };
    const flushing = (drawn: ScriptedSink<ReadableSpan>, other: () => SpanPipeline): Sink<ReadableSpan> => ({
      name: 'flushing',
      export: (batch) =>
        race(
          drawn.export(batch),
          defer(() => flushed(other())),
        ),
    });
    const [silentOne, silentTwo] = [sink<ReadableSpan>('-'), sink<ReadableSpan>('-')];
    const options = { ...SHORT, flushTimeoutMillis: 30 };
    const one: SpanPipeline = spanPipeline({ ...options, sink: flushing(silentOne, () => two) });
    const two: SpanPipeline = spanPipeline({ ...options, sink: flushing(silentTwo, () => one) });
    return { one, two, silentOne, silentTwo, flushes };
  }

  test('at once: the one that closes the circle is told, and both come to an end', () =>
    marbles(async (kit) => {
      const { hot, flush, expectAttempts, expectObservable, expectOutcomes } = kit;
      const sourceOne = hot('-a--------|');
      const attemptOne = '   ---(^!)';
      const endOne = '       ---o------|';
      const sourceTwo = hot('-b--------|');
      const attemptTwo = '   ---(^!)';
      const endTwo = '       ---o------|';
      const ends = '         ---(Dr)---';
      const { one, two, silentOne, silentTwo, flushes } = pair(kit);
      expectAttempts(silentOne).toBe(attemptOne, ['a']);
      expectOutcomes(one.outcomes$).toBe(endOne, { o: { delivered: 'a' } });
      expectAttempts(silentTwo).toBe(attemptTwo, ['b']);
      expectOutcomes(two.outcomes$).toBe(endTwo, { o: { lost: { permanent: 'b' } } });
      expectObservable(flushes).toBe(ends);
      sourceOne.subscribe({ next: one.processor.onEnd, complete: () => void one.shutdown() });
      sourceTwo.subscribe({ next: two.processor.onEnd, complete: () => void two.shutdown() });
      await flush();
      expect([one.stats().pending, two.stats().pending]).toEqual([0, 0]);
    }));

  test('after an await: each attempt ends at its timeout, and with it the flush that waits for it', () =>
    marbles(async (kit) => {
      const { hot, flush, expectAttempts, expectObservable, expectOutcomes } = kit;
      const sourceOne = hot('-a-----------|');
      const attemptOne = '   ---^----!';
      const endOne = '       --------o----|';
      const sourceTwo = hot('-b-----------|');
      const attemptTwo = '   ---^----!';
      const endTwo = '       --------o----|';
      const ends = '         --------(rr)-';
      const { one, two, silentOne, silentTwo, flushes } = pair(kit, Promise.resolve());
      expectAttempts(silentOne).toBe(attemptOne, ['a']);
      expectOutcomes(one.outcomes$).toBe(endOne, { o: { lost: { unconfirmed: 'a' } } });
      expectAttempts(silentTwo).toBe(attemptTwo, ['b']);
      expectOutcomes(two.outcomes$).toBe(endTwo, { o: { delivered: 'b' } });
      expectObservable(flushes).toBe(ends);
      sourceOne.subscribe({ next: one.processor.onEnd, complete: () => void one.shutdown() });
      sourceTwo.subscribe({ next: two.processor.onEnd, complete: () => void two.shutdown() });
      await flush();
      expect([one.stats().pending, two.stats().pending]).toEqual([0, 0]);
    }));
});

describe('an export that awaits an export of its own handle', () => {
  test('ends with the attempt, and each call is answered', () =>
    marbles(async ({ advanceBy, now }) => {
      const calls: { how: string }[] = [];
      const sink: Sink<string> = {
        name: 'doing',
        export: async ({ items }) => {
          if (items.includes('again')) return {};
          const call = handle.export(['again']);
          calls.push(ending(call, now));
          await call;
          return {};
        },
      };
      const handle = exportHandle(sink, SHORT as object);
      const answer = handle.export(['first']);
      calls.push(ending(answer, now));
      await advanceBy(20);
      // The inner one goes out when the attempt of the outer one has ended.
      expect(calls).toEqual([{ how: 'resolved at 7' }, { how: 'resolved at 7' }]);
      expect(await answer).toMatchObject({ delivered: 0, lost: [{ reason: 'unconfirmed', count: 1 }] });
      expect(handle.stats()).toMatchObject({ delivered: 1, pending: 0 });
      await handle.shutdown();
    }));
});

describe('a send that its own consumer awaits', () => {
  /** Sends what comes, each item once it has found room. */
  function relay(from: Channel<string>, gate: ReturnType<typeof createGate>, send: (item: string) => Promise<void>) {
    const results = new Subject<string>();
    const show = ({ item, kind }: Merged<string, void>) => (kind === 'completed' ? item : 'x');
    from.items$
      .pipe(boundedMergeMap(send, { concurrency: 1, maxQueueSize: 1, gate }))
      .subscribe((result) => results.next(show(result)));
    return results;
  }

  test('in a projection whose results feed the channel ends when nothing has left for stallTimeoutMillis', () =>
    marbles(async ({ advanceBy, now, expectObservable }) => {
      const gate = createGate();
      const sent = channel<string>({ maxQueueSize: 1, gate, stallTimeoutMillis: 10 });
      const inner: { how: string }[] = [];
      // While a is being projected, b waits for the projection and c fills the queue: there is no room for what a sends.
      const results = relay(sent, gate, async (item) => {
        if (item !== 'a') return;
        await firstValueFrom(timer(2));
        const done = sent.send('d');
        inner.push(ending(done, now));
        await done;
      });
      expectObservable(results, '^-------------!').toBe('------------(xbc)');
      for (const item of ['a', 'b', 'c']) await sent.send(item);
      await advanceBy(20);
      expect(inner).toEqual([{ how: 'TIMEOUT at 12' }]);
      sent.close();
      await advanceBy(1);
    }));

  test('by way of another channel, whose consumer sends back, ends likewise', () =>
    marbles(async ({ advanceBy, now, expectObservable }) => {
      const [gateOne, gateTwo] = [createGate(), createGate()];
      const one = channel<string>({ maxQueueSize: 1, gate: gateOne, stallTimeoutMillis: 10 });
      const two = channel<string>({ maxQueueSize: 1, gate: gateTwo, stallTimeoutMillis: 20 });
      const sends: { how: string }[] = [];
      const sending = (other: Channel<string>) => async (item: string) => {
        if (item !== 'a') return;
        await firstValueFrom(timer(2));
        const done = other.send('d');
        sends.push(ending(done, now));
        await done;
      };
      const results = relay(one, gateOne, sending(two));
      relay(two, gateTwo, sending(one)).subscribe();
      expectObservable(results, '^-------------!').toBe('------------(abc)');
      for (const item of ['a', 'b', 'c']) await Promise.all([one.send(item), two.send(item)]);
      await advanceBy(20);
      expect(sends).toEqual([{ how: 'resolved at 12' }, { how: 'TIMEOUT at 12' }]);
      one.close();
      two.close();
      await advanceBy(1);
    }));
});
