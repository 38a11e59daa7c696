import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { context, trace } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { describe, expect, it, onTestFinished } from 'vitest';
import { exportOnce, openSink, startBackend } from '../../support/httpExports.ts';
import { recordTracing, useSynchronousContext } from '../../support/httpTracing.ts';
import { onRequest } from '../../support/lending.ts';
import { spanWith } from '../../support/spans.ts';

const SPANS = [spanWith()];

/** Whether tracing was suppressed, at each place that was passed. */
function recordPlaces(): { seen: Record<string, boolean>; pass: (place: string) => void } {
  const { tracer } = recordTracing();
  const seen: Record<string, boolean> = {};
  const pass = (place: string) => {
    seen[place] = isTracingSuppressed(context.active());
    tracer.startSpan(place).end();
  };
  return { seen, pass };
}

describe('tracing', () => {
  it('is suppressed in all that a sink calls: no span comes of an export', async () => {
    const { seen, pass } = recordPlaces();
    const backend = await startBackend();
    const pending = {
      ...spanWith().resource,
      asyncAttributesPending: true,
      waitForAsyncAttributes: async () => pass('resource'),
    };
    const span: ReadableSpan = { ...spanWith(), resource: pending };
    Object.defineProperty(span, 'name', {
      enumerable: true,
      get: () => {
        pass('span');
        return 'span';
      },
    });
    const headers = {
      authorization: async () => {
        pass('header');
        await Promise.resolve();
        pass('header later');
        return 'Bearer';
      },
    };
    await exportOnce(openSink({ url: backend.url, headers }), [span]);
    expect(seen).toEqual({ resource: true, span: true, header: true, 'header later': true });
  });

  it('is suppressed where undici tells its instrumentation of a request', async () => {
    const { seen, pass } = recordPlaces();
    const created = () => pass('undici:request:create');
    const connecting = () => pass('undici:client:beforeConnect');
    subscribe('undici:request:create', created);
    subscribe('undici:client:beforeConnect', connecting);
    onTestFinished(() => {
      unsubscribe('undici:request:create', created);
      unsubscribe('undici:client:beforeConnect', connecting);
    });
    const backend = await startBackend();
    await exportOnce(openSink({ url: backend.url }), SPANS);
    expect(seen).toEqual({ 'undici:request:create': true, 'undici:client:beforeConnect': true });
  });

  it('makes no span even within a span of the program', async () => {
    const { tracer, names } = recordTracing();
    const headers = {
      'x-token': () => {
        trace.getTracer('http').startSpan('GET /token').end();
        return 'token';
      },
    };
    const backend = await startBackend();
    const sink = openSink({ url: backend.url, headers });
    await tracer.startActiveSpan('work', async (span) => {
      await exportOnce(sink, SPANS);
      span.end();
    });
    expect(names()).toEqual(['work']);
  });

  it('does not reach the subscriber of the answer', async () => {
    const { seen, pass } = recordPlaces();
    const backend = await startBackend();
    await exportOnce(openSink({ url: backend.url }), SPANS).then(() => pass('after'));
    expect(seen).toEqual({ after: false });
  });

  it('is suppressed at each call, where the context is kept synchronously, and outside of the request under way', async () => {
    useSynchronousContext();
    const request = new AsyncLocalStorage<string>();
    const seen: Record<string, unknown[]> = {};
    const look = (place: string) => {
      seen[place] = [isTracingSuppressed(context.active()), request.getStore()];
    };
    for (const place of ['undici:request:create', 'net.client.socket']) {
      const told = () => look(place);
      subscribe(place, told);
      onTestFinished(() => void unsubscribe(place, told));
    }
    const backend = await startBackend();
    const pending = {
      attributes: {},
      asyncAttributesPending: true,
      waitForAsyncAttributes: async () => look('resource'),
    };
    const header = (place: string) => async () => {
      look(place);
      return 'token';
    };
    const headers = { a: header('first header'), b: header('second header') };
    const span = { ...spanWith(), resource: pending as never };
    await request.run('a request', () => exportOnce(openSink({ url: backend.url, headers }), [span]));
    const places = ['resource', 'first header', 'second header', 'net.client.socket', 'undici:request:create'];
    expect(seen).toEqual(Object.fromEntries(places.map((place) => [place, [true, undefined]])));
  });

  it('and connections keep nothing of the request in which they are made', async () => {
    const request = new AsyncLocalStorage<string>();
    const stores: unknown[] = [];
    const backend = await startBackend();
    onRequest((socket) => {
      socket.once('close', () => stores.push(request.getStore()));
    });
    const sink = openSink({ url: backend.url });
    await request.run('a request', () => exportOnce(sink, SPANS));
    await sink.shutdown?.();
    expect(stores).toEqual([undefined]);
  });
});
