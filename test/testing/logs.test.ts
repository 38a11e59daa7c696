import { bufferCount, filter, map, merge, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { adaptiveBatch, createLedger, exportTo, fixedSize } from '../../src/index.ts';
import type { ReadableLogRecord } from '../../src/model/logRecord.ts';
import { decodeLogs, encodeLogs } from '../../src/otlp/index.ts';
import { marbles } from '../../src/testing/index.ts';
import { failureOf, text } from './failureOf.ts';

describe('log records by letter', () => {
  it('are drawn by their table, and expected without one', () =>
    marbles(({ hot, cold, hotBatches, logs, expectObservable, expectBatches, expectSubscriptions }) => {
      const source = hot('  -a-b---c-|', logs());
      const subs = '        ^--------!';
      const expected = '    ---[ab]--([c]|)';
      expectBatches(source.pipe(bufferCount(2))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe(subs);
      expectObservable(cold('-a-|', logs())).toBe('-a-|');
      expectObservable(cold('-a-|', logs())).toBe('-a-|', logs());
      expectBatches(hotBatches('-[ab]|', logs())).toBe('-[ab]|');
    }));

  it('are the same in each run, and real enough to be encoded', async () => {
    const bytes: Uint8Array[] = [];
    for (const _ of [1, 2])
      await marbles(({ logs }) => {
        const { a, B, 7: seven } = logs();
        bytes.push(encodeLogs([a, B, seven]));
        expect(a).toMatchObject({ body: 'a', severityText: 'INFO', severityNumber: 9, attributes: {} });
        expect(a.spanContext?.spanId).toBe('0000000000000061');
      });
    expect(Buffer.compare(bytes[0] as Uint8Array, bytes[1] as Uint8Array)).toBe(0);
    expect(decodeLogs(bytes[0] as Uint8Array).map(({ body }) => body)).toEqual(['a', 'B', '7']);
  });

  it('take the shape that is given', () =>
    marbles(({ spans, logs }) => {
      spans({ b: { trace: 'a' } });
      const { x, y, é } = logs({
        x: { body: undefined, eventName: 'opened', severity: 'fatal', span: 'b', attributes: { n: { m: 1 } } },
        y: { span: null, resource: { 'service.name': 'shop' } },
        é: { body: [1] },
      });
      expect(x).toMatchObject({
        eventName: 'opened',
        severityText: 'FATAL',
        severityNumber: 21,
        attributes: { n: { m: 1 } },
      });
      expect(x.body).toBeUndefined();
      expect(x.spanContext).toBe(spans().b.spanContext());
      expect(x.spanContext?.traceId).toBe(spans().a.spanContext().traceId);
      expect(y.spanContext).toBeUndefined();
      expect(y.resource.attributes).toEqual({ 'service.name': 'shop' });
      expect(é.body).toEqual([1]);
    }));

  it('stand beside spans of the same letters', () =>
    marbles(({ cold, logs, expectObservable }) => {
      const both = merge(cold('-a-b|'), cold<ReadableLogRecord>('--a-b|', logs()));
      expectObservable(both).toBe('-aabb|');
      expectObservable(cold('-a|', logs()).pipe(map((record) => record.body))).toBe('-a|');
      expectObservable(cold('-a|', logs()).pipe(map((record) => ({ ...record })))).toBe('-a|');
    }));

  it('are compared in outcomes, attempts and ledgers', () =>
    marbles(({ hot, logs, sink, onLoss, expectOutcomes, expectAttempts, expectLedger }) => {
      const ledger = createLedger();
      const sizes = { maxExportBatchSize: 2, minExportBatchSize: 1, scheduledDelayMillis: 4, strategy: fixedSize() };
      const source = hot('  ab--c|    ', logs());
      const expected = '    --o---(x|)';
      const scripted = sink<ReadableLogRecord>('-(r|)', '-p');
      const sizeOf = () => 100;
      const batches = adaptiveBatch<ReadableLogRecord>({ ...sizes, sizeOf, ledger, onLoss });
      expectOutcomes(source.pipe(batches, exportTo(scripted, { ledger, onLoss }))).toBe(expected, {
        o: { delivered: 'ab' },
        x: { lost: { permanent: 'c' }, attempts: 1 },
      });
      expectAttempts(scripted).toBe(['-^!', '-----^!'], ['ab', 'c']);
      expectLedger(ledger, { accepted: 3, delivered: 'ab', lost: { permanent: 'c' } });
    }));
});

describe('a failure with log records', () => {
  it('says in words what each is', async () => {
    const failure = failureOf(({ cold, spans, logs, expectObservable }) => {
      spans({ z: {} });
      const shapes = logs({ b: { severity: 'error', eventName: 'closed', span: 'a', attributes: { n: 1 } } });
      const source = cold<ReadableLogRecord>('-a-b-c|', shapes);
      expectObservable(source.pipe(filter(({ body }) => body !== 'a'))).toBe('-a---c|', logs());
    });
    expect(await failure).toBe(text`
      the marbles differ

        expected  -a---c|
        observed  ---b-c|
                   ^

      at 1ms: a was expected, but nothing came; next came b at 3ms
        a  the log record 'a', INFO, in span a
        b  the log record 'b', ERROR, event closed, in span a, { n: 1 }
    `);
  });

  it('shows a changed one as none of the letters', async () => {
    const failure = failureOf(({ logs, expectObservable }) =>
      expectObservable(of({ ...logs().a, body: 'changed' })).toBe('(a|)'),
    );
    expect(await failure).toContain("?  the log record 'changed', INFO, in span a");
  });

  it('tells of one that is shaped too late', async () => {
    const late = failureOf(({ logs, cold }) => {
      cold('-a', logs());
      logs({ a: { body: 'late' } });
    });
    expect(await late).toBe('the log record a is drawn already: shape it with logs({ a: … }) before that');
  });
});
