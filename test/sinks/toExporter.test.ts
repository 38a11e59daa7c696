import { AsyncLocalStorage } from 'node:async_hooks';
import { context } from '@opentelemetry/api';
import { ExportResultCode, isTracingSuppressed } from '@opentelemetry/core';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import { from, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { exportTo, toExporter } from '../../src/index.ts';
import { ScriptedExporter } from '../support/httpExporters.ts';
import { batchOf, exportOnce, failureOf, outcomeOf, recordWarnings } from '../support/httpExports.ts';
import { recordTracing, useSynchronousContext } from '../support/httpTracing.ts';
import { spanWith } from '../support/spans.ts';

const SPANS = [spanWith(), spanWith()];
const SUCCESS = { code: ExportResultCode.SUCCESS };

describe('an exporter', () => {
  it.each([
    [300, 'permanent'],
    [400, 'permanent'],
    [413, 'tooLarge'],
    [429, 'retryable'],
    [500, 'permanent'],
    [502, 'retryable'],
    [503, 'retryable'],
    [504, 'retryable'],
    // No statuses of HTTP: codes of gRPC, of the operating system, or none.
    [14, 'retryable'],
    [600, 'retryable'],
    [undefined, 'retryable'],
  ] as const)('that fails with the code %s fails as %s', async (code, kind) => {
    const error = Object.assign(new Error('it said so'), { code });
    const exporter = new ScriptedExporter((answer) => answer({ code: ExportResultCode.FAILED, error }));
    const failed = await failureOf(toExporter(exporter), SPANS);
    expect(failed.failure).toEqual({ kind });
    expect([failed.message, failed.cause]).toEqual(['it said so', error]);
  });

  it.each([
    [1, 'retryable'],
    [2, 'permanent'],
    [3, 'permanent'],
    [4, 'retryable'],
    [5, 'permanent'],
    [6, 'permanent'],
    [7, 'permanent'],
    [8, 'permanent'],
    [9, 'permanent'],
    [10, 'retryable'],
    [11, 'retryable'],
    [12, 'permanent'],
    [13, 'permanent'],
    [14, 'retryable'],
    [15, 'retryable'],
    [16, 'permanent'],
  ] as const)('that fails with the code %i of gRPC fails as %s', async (code, kind) => {
    const failsWith = async (error: Error) => {
      const exporter = new ScriptedExporter((answer) => answer({ code: ExportResultCode.FAILED, error }));
      return (await failureOf(toExporter(exporter), SPANS)).failure;
    };
    expect(await failsWith(Object.assign(new Error('no'), { code, details: 'no' }))).toEqual({ kind });
    expect(await failsWith(Object.assign(new Error(`${code} SOME_STATUS: no`), { code }))).toEqual({ kind });
    const cause = Object.assign(new Error('no'), { code, metadata: {} });
    expect(await failsWith(new Error('export failed', { cause }))).toEqual({ kind });
    // A number alone is anybody's: a DOMException has small ones, too.
    expect(await failsWith(Object.assign(new Error('no'), { code }))).toEqual({ kind: 'retryable' });
  });

  // google.rpc.Status: details = 3: Any: type_url = 1, value = 2: RetryInfo: retry_delay = 1: seconds = 1: 2, nanos = 2: 500,000,000.
  const delay = Buffer.from([0x0a, 8, 0x08, 2, 0x10, 0x80, 0xca, 0xb5, 0xee, 0x01]);
  const url = Buffer.from('type.googleapis.com/google.rpc.RetryInfo');
  const any = Buffer.concat([Buffer.from([0x0a, url.length]), url, Buffer.from([0x12, delay.length]), delay]);
  const details = Buffer.concat([Buffer.from([0x08, 8, 0x1a, any.length]), any]);
  it.each([8, 14])(
    'that fails with the code %i of gRPC and a RetryInfo is tried again after its delay',
    async (code) => {
      const metadata = { get: (name: string) => (name === 'grpc-status-details-bin' ? [details] : []) };
      const error = Object.assign(new Error('busy'), { code, details: 'busy', metadata });
      const exporter = new ScriptedExporter((answer) => answer({ code: ExportResultCode.FAILED, error }));
      const { failure } = await failureOf(toExporter(exporter), SPANS);
      expect(failure).toEqual({ kind: 'throttled', retryAfterMillis: 2_500 });
    },
  );

  it.each([
    ['gRPC', { code: 8, details: 'grpc: received message larger than max (5242880 vs. 4194304)' }],
    ['a Collector', { code: 400, data: '{"code":3,"message":"http: request body too large"}' }],
    ['a Collector, as a text', { code: 400, data: 'http: request body too large' }],
  ])('that says by %s that the request is too large fails as tooLarge', async (_, facts) => {
    const error = Object.assign(new Error('Bad Request'), facts);
    const exporter = new ScriptedExporter((answer) => answer({ code: ExportResultCode.FAILED, error }));
    expect((await failureOf(toExporter(exporter), SPANS)).failure).toEqual({ kind: 'tooLarge' });
  });

  const refused = Object.assign(new Error('connect ECONNREFUSED ::1:4318'), { code: 'ECONNREFUSED' });
  const reset = Object.assign(new Error('reset'), { code: 'ECONNRESET' });
  it.each([
    ['itself', refused, true],
    ['by its cause', new Error('export failed', { cause: refused }), true],
    ['by all addresses', Object.assign(new AggregateError([refused, refused]), { code: 'ECONNREFUSED' }), true],
    ['by one of two addresses', Object.assign(new AggregateError([refused, reset]), { code: 'ECONNREFUSED' }), false],
    ['by gRPC', Object.assign(new Error(''), { code: 14, details: 'Last error: connect ECONNREFUSED ::1:1' }), true],
  ])('that is refused %s says whether nobody listens', async (_, error, connectionRefused) => {
    const exporter = new ScriptedExporter((answer) => answer({ code: ExportResultCode.FAILED, error }));
    const { failure } = await failureOf(toExporter(exporter), SPANS);
    expect(failure).toEqual(connectionRefused ? { kind: 'retryable', connectionRefused } : { kind: 'retryable' });
  });

  it('whose error has line breaks and terminal escapes shows them escaped', async () => {
    const error = new Error('no\nspanflow: \u001b[2J');
    const exporter = new ScriptedExporter((answer) => answer({ code: ExportResultCode.FAILED, error }));
    expect((await failureOf(toExporter(exporter), SPANS)).message).toBe('no\\nspanflow: \\u001b[2J');
  });

  it('that fails without a reason is tried again', async () => {
    const exporter = new ScriptedExporter((answer) => answer({ code: ExportResultCode.FAILED }));
    const outcome = await outcomeOf(toExporter(exporter), SPANS);
    expect(outcome.lost).toEqual([{ count: 2, reason: 'retriesExhausted', stage: 'exportTo(ScriptedExporter)' }]);
    expect(outcome.error?.message).toBe('the exporter failed and did not say why');
    expect(exporter.calls.length).toBe(3);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('mine');
      },
    ],
    ['rejects, where the interface knows no promise', () => Promise.reject(new Error('mine'))],
  ])('that %s is tried again, and its error is in the outcome', async (_, broken) => {
    const exporter = new ScriptedExporter((answer, call) => (call === 0 ? broken() : answer(SUCCESS)));
    const { failure, message } = await failureOf(toExporter(new ScriptedExporter(broken)), SPANS);
    expect([failure, message]).toEqual([{ kind: 'retryable' }, 'the exporter threw: mine']);
    expect(await outcomeOf(toExporter(exporter), SPANS)).toMatchObject({ delivered: 2, attempts: 2 });
  });

  it('that answers twice has its first answer counted', async () => {
    const exporter = new ScriptedExporter((answer) => {
      answer(SUCCESS);
      answer({ code: ExportResultCode.FAILED, error: new Error('or not') });
      answer(SUCCESS);
    });
    const outcomes = from([SPANS, SPANS, SPANS]).pipe(exportTo(toExporter(exporter)), toArray());
    expect((await lastValueFrom(outcomes)).map(({ delivered }) => delivered)).toEqual([2, 2, 2]);
    expect(exporter.calls.length).toBe(3);
  });

  it('that answers twice late does not free what another call has taken', async () => {
    const exporter = new ScriptedExporter(() => {});
    const sink = toExporter(exporter);
    const first = exportOnce(sink, SPANS);
    const second = exportOnce(sink, SPANS);
    const third = sink.export(batchOf(SPANS)).subscribe();
    await settled();
    exporter.calls[0]?.answer(SUCCESS);
    await first;
    await settled();
    exporter.calls[0]?.answer(SUCCESS);
    await settled();
    expect(exporter.calls.length).toBe(2);
    exporter.calls[1]?.answer(SUCCESS);
    await second;
    await settled();
    expect(exporter.calls.length).toBe(3);
    third.unsubscribe();
  });

  it('that never answers times out; the next call waits until it does', async () => {
    const exporter = new ScriptedExporter((answer, call) => (call === 0 ? undefined : answer(SUCCESS)));
    const sink = toExporter(exporter, { attemptTimeoutMillis: 20, callbackGraceMillis: Number.POSITIVE_INFINITY });
    const outcome = await outcomeOf(sink, SPANS);
    expect(outcome).toMatchObject({ attempts: 3, lost: [{ count: 2, reason: 'unconfirmed' }] });
    expect(exporter.calls.length).toBe(1);
    const next = exportOnce(sink, SPANS);
    await settled();
    expect(exporter.calls.length).toBe(1);
    exporter.calls[0]?.answer(SUCCESS);
    expect(await next).toEqual({});
    expect(exporter.calls.length).toBe(2);
  });

  it('that forgets a callback is called again after the grace, and its late answer is ignored', async () => {
    const exporter = new ScriptedExporter((answer, call) => (call === 0 ? undefined : answer(SUCCESS)));
    const sink = toExporter(exporter, { callbackGraceMillis: 20 });
    const entered: string[] = [];
    const attempt = { enter: (phase: string) => entered.push(phase), answered: () => {} };
    const forgotten = sink.export(batchOf(SPANS), attempt).subscribe();
    const waiting = exportOnce(sink, SPANS);
    await settled();
    forgotten.unsubscribe();
    expect(exporter.calls.length).toBe(1);
    expect(await waiting).toEqual({});
    expect(entered).toEqual(['preparing', 'sending']);
    const third = sink.export(batchOf(SPANS)).subscribe();
    exporter.calls[0]?.answer({ code: ExportResultCode.FAILED });
    await settled();
    expect(exporter.calls.length).toBe(3);
    third.unsubscribe();
  });

  it('that has not been called has been sent nothing', async () => {
    const exporter = new ScriptedExporter(() => {});
    const sink = toExporter(exporter);
    const first = sink.export(batchOf(SPANS)).subscribe();
    const entered: string[] = [];
    const attempt = { enter: (phase: string) => entered.push(phase), answered: () => {} };
    const second = sink.export(batchOf(SPANS), attempt).subscribe();
    await settled();
    second.unsubscribe();
    first.unsubscribe();
    const detecting = {
      attributes: {},
      asyncAttributesPending: true,
      waitForAsyncAttributes: () => new Promise<void>(() => {}),
    };
    const third = toExporter(exporter).export(batchOf([spanWith({ resource: detecting as never })]), attempt);
    third.subscribe().unsubscribe();
    await settled();
    expect(entered).toEqual(['preparing', 'preparing']);
    expect(exporter.calls.length).toBe(1);
  });

  it.each([undefined, null, {}, 'ok', { code: 1, error: null }, { code: 7, error: 'text' }])(
    'that answers %j gets no exception from its callback',
    async (nonsense) => {
      let heard: unknown;
      const exporter = new ScriptedExporter((answer) => {
        try {
          answer(nonsense as never);
        } catch (error) {
          heard = error;
        }
      });
      expect((await failureOf(toExporter(exporter), SPANS)).failure).toEqual({ kind: 'retryable' });
      expect(heard).toBeUndefined();
    },
  );

  it('gets an array of its own', async () => {
    const exporter = new ScriptedExporter((answer, call) => {
      exporter.calls[call]?.spans.splice(0);
      answer(call === 0 ? { code: ExportResultCode.FAILED } : SUCCESS);
    });
    const spans = [...SPANS];
    expect(await outcomeOf(toExporter(exporter), spans)).toMatchObject({ delivered: 2, attempts: 2 });
    expect(spans.length).toBe(2);
  });

  it('is called with tracing suppressed and outside of a request, where the context is kept synchronously too', async () => {
    useSynchronousContext();
    const request = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const look = () => void seen.push(isTracingSuppressed(context.active()), request.getStore());
    const exporter = new ScriptedExporter((answer) => {
      look();
      answer(SUCCESS);
    });
    const detecting = {
      attributes: {},
      asyncAttributesPending: true,
      waitForAsyncAttributes: async () => look(),
    };
    const span = spanWith({ resource: detecting as never });
    await request.run('a request', () => exportOnce(toExporter(exporter), [span]));
    expect(seen).toEqual([true, undefined, true, undefined]);
  });

  it('is called with tracing suppressed: to export, to flush and to shut down', async () => {
    recordTracing();
    const seen: boolean[] = [];
    const look = () => seen.push(isTracingSuppressed(context.active()));
    const exporter = {
      export: (_: unknown, answer: (result: typeof SUCCESS) => void) => {
        look();
        answer(SUCCESS);
      },
      forceFlush: async () => void look(),
      shutdown: async () => void look(),
    };
    const sink = toExporter(exporter);
    await exportOnce(sink, SPANS);
    await sink.forceFlush?.();
    await sink.shutdown?.();
    expect(seen).toEqual([true, true, true]);
  });

  it('whose flush or shutdown throws rejects, and does not throw', async () => {
    const broken = () => {
      throw new Error('mine');
    };
    const sink = toExporter({ export() {}, forceFlush: broken, shutdown: broken });
    await expect(sink.forceFlush?.()).rejects.toThrow('mine');
    await expect(sink.shutdown?.()).rejects.toThrow('mine');
  });

  it('gets its spans when their resource is whole, or when that takes too long', async () => {
    const warnings = recordWarnings();
    const exporter = new ScriptedExporter((answer) => answer(SUCCESS));
    const sink = toExporter(exporter, { resourceTimeoutMillis: 10 });
    const soon = resourceFromAttributes({ 'host.id': Promise.resolve('i-1') });
    const never = resourceFromAttributes({ 'host.id': new Promise(() => {}) });
    await exportOnce(sink, [spanWith({ resource: soon })]);
    expect(exporter.calls[0]?.spans[0]?.resource.attributes).toEqual({ 'host.id': 'i-1' });
    await exportOnce(sink, [spanWith({ resource: never })]);
    expect(warnings).toEqual(['spanflow: a resource is incomplete: its attributes did not come within 10 ms']);
  });

  it('that is given up before its turn is not called', async () => {
    const exporter = new ScriptedExporter(() => {});
    const sink = toExporter(exporter);
    const first = exportOnce(sink, SPANS);
    sink.export(batchOf(SPANS)).subscribe().unsubscribe();
    await settled();
    exporter.calls[0]?.answer(SUCCESS);
    await first;
    await settled();
    expect(exporter.calls.length).toBe(1);
  });
});

describe('a wrong option of toExporter', () => {
  const exporter = new ScriptedExporter(() => {});

  it.each([
    ['attemptTimeoutMillis', 0, 'a duration in milliseconds, from 1 to 2147483647, or Infinity'],
    ['callbackGraceMillis', -1, 'a duration in milliseconds, from 0 to 2147483647, or Infinity'],
    ['resourceTimeoutMillis', Number.POSITIVE_INFINITY, 'a duration in milliseconds, from 0 to 2147483647'],
    ['name', 5, 'a string'],
  ])('%s: %s is refused', (name, value, rule) => {
    expect(() => toExporter(exporter, { [name]: value })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', option: `toExporter.${name}`, rule, given: value }),
    );
  });

  it('an unknown option is refused, and so is an object that is no exporter', () => {
    expect(() => toExporter(exporter, { timeoutMillis: 5 } as object)).toThrow(
      /toExporter.timeoutMillis must be one of/,
    );
    expect(() => toExporter({} as SpanExporter)).toThrow('toExporter.exporter must be an exporter of OpenTelemetry');
  });

  it('leaves the name to the class, and the timeout to the exporter’s own retries', () => {
    expect(toExporter(exporter)).toMatchObject({
      name: 'ScriptedExporter',
      maxConcurrency: 1,
      attemptTimeoutMillis: 30_000,
    });
    expect(toExporter(exporter, { name: 'mine' }).name).toBe('mine');
  });
});

/** When all that was due without waiting has happened. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('a result that cannot be read', () => {
  it('is a failure like another, also where it comes later on the stack of the exporter', async () => {
    const hostile = Object.defineProperty({}, 'code', {
      get() {
        throw new Error('hostile');
      },
    });
    const exporter = {
      export: (_spans: unknown, done: (result: never) => void) => void setImmediate(() => done(hostile as never)),
      shutdown: async () => {},
    };
    const { failure, message } = await failureOf(toExporter(exporter as never), SPANS);
    expect([failure, message]).toEqual([{ kind: 'retryable' }, "the exporter's result cannot be read: hostile"]);
  });
});
