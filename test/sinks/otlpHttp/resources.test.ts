import { diag } from '@opentelemetry/api';
import { detectResources, resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { OtlpBackend } from '../../../src/testing/index.ts';
import { exportOnce, openSink, outcomeOf, recordWarnings, startBackend } from '../../support/httpExports.ts';
import { spanWith } from '../../support/spans.ts';
import { decodeRequest } from '../../support/wire.ts';

type Resource = ReadableSpan['resource'];

const NEVER = new Promise<string>(() => {});

/** A promise that is kept from outside. */
function promised(): { promise: Promise<string>; keep: (value: string) => void } {
  let keep: (value: string) => void = () => {};
  const promise = new Promise<string>((resolve) => {
    keep = resolve;
  });
  return { promise, keep };
}

const decoding = () => startBackend({ decode: (body) => decodeRequest(body) });

/** The resources of a request, as JSON text. */
function resourcesOf(backend: OtlpBackend, index = 0): string {
  const decoded = backend.requests[index]?.decoded as { resourceSpans: { resource?: object }[] } | undefined;
  return JSON.stringify(decoded?.resourceSpans.map(({ resource }) => resource));
}

describe('a resource with attributes that are pending', () => {
  it('is awaited, and goes out whole', async () => {
    const backend = await decoding();
    const id = promised();
    const resource = resourceFromAttributes({ 'service.name': 'shop', 'host.id': id.promise });
    expect(resource.asyncAttributesPending).toBe(true);
    const exported = exportOnce(openSink({ url: backend.url }), [spanWith({ resource }), spanWith({ resource })]);
    id.keep('i-123');
    await exported;
    expect(resourcesOf(backend)).toContain('i-123');
    expect(backend.spans).toBe(2);
  });

  it('of a detector is awaited as well', async () => {
    const backend = await decoding();
    const resource = detectResources({
      detectors: [{ detect: () => ({ attributes: { zone: Promise.resolve('z1') } }) }],
    });
    await exportOnce(openSink({ url: backend.url }), [spanWith({ resource })]);
    expect(resourcesOf(backend)).toContain('z1');
  });

  it('is awaited no longer than resourceTimeoutMillis, is exported as it is, and causes a warning', async () => {
    const warnings = recordWarnings();
    const backend = await decoding();
    const resource = resourceFromAttributes({ 'service.name': 'shop', 'host.id': NEVER });
    const sink = openSink({ url: backend.url, resourceTimeoutMillis: 10 });
    expect(await exportOnce(sink, [spanWith({ resource })])).toEqual({});
    expect(resourcesOf(backend)).toContain('shop');
    expect(warnings).toEqual(['spanflow: a resource is incomplete: its attributes did not come within 10 ms']);
  });

  it('that did not come in time is not awaited again', async () => {
    const warnings = recordWarnings();
    const backend = await decoding();
    let waits = 0;
    const resource: Resource = {
      ...spanWith().resource,
      asyncAttributesPending: true,
      waitForAsyncAttributes: () => {
        waits += 1;
        return new Promise(() => {});
      },
    };
    const sink = openSink({ url: backend.url, resourceTimeoutMillis: 10 });
    for (let count = 0; count < 3; count++) await exportOnce(sink, [spanWith({ resource })]);
    expect([waits, warnings.length, backend.spans]).toEqual([1, 1, 3]);
  });

  it('that rejects goes out without them', async () => {
    const backend = await decoding();
    const rejected = Promise.reject(new Error('no metadata server'));
    const resource = resourceFromAttributes({ 'service.name': 'shop', 'host.id': rejected });
    expect(await exportOnce(openSink({ url: backend.url }), [spanWith({ resource })])).toEqual({});
    expect(resourcesOf(backend)).toContain('shop');
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('broken detector');
      },
    ],
    ['rejects', () => Promise.reject(new Error('broken detector'))],
  ])('whose wait %s is sent as it is, and reported to diag', async (_, waitForAsyncAttributes) => {
    const warnings = recordWarnings();
    const backend = await decoding();
    const resource: Resource = { ...spanWith().resource, asyncAttributesPending: true, waitForAsyncAttributes };
    const outcome = await outcomeOf(openSink({ url: backend.url }), [spanWith({ resource }), spanWith()]);
    expect(outcome).toMatchObject({ delivered: 2, attempts: 1 });
    expect(warnings).toEqual(['spanflow: a resource is incomplete: broken detector']);
  });

  it('that fails is sent even if the diag logger throws', async () => {
    const backend = await decoding();
    const logger = {
      error() {},
      warn: () => {
        throw new Error('full disk');
      },
      info() {},
      debug() {},
      verbose() {},
    };
    diag.setLogger(logger, { suppressOverrideMessage: true });
    onTestFinished(() => diag.disable());
    const rejecting: Resource = {
      ...spanWith().resource,
      asyncAttributesPending: true,
      waitForAsyncAttributes: () => Promise.reject(new Error('broken detector')),
    };
    const never = resourceFromAttributes({ 'host.id': NEVER });
    const sink = openSink({ url: backend.url, resourceTimeoutMillis: 10 });
    expect(await exportOnce(sink, [spanWith({ resource: rejecting })])).toEqual({});
    expect(await exportOnce(sink, [spanWith({ resource: never })])).toEqual({});
    expect(backend.spans).toBe(2);
  });
});

describe('a span whose resource cannot be read', () => {
  it('is unencodable, and the rest of its batch goes out', async () => {
    const backend = await decoding();
    const strange = spanWith();
    Object.defineProperty(strange, 'resource', {
      get: () => {
        throw new Error('mine');
      },
    });
    const outcome = await outcomeOf(openSink({ url: backend.url }), [strange, spanWith()]);
    expect(outcome).toMatchObject({
      delivered: 1,
      attempts: 1,
      lost: [{ count: 1, reason: 'unencodable', stage: 'exportTo(otlpHttp)' }],
    });
    expect(backend.spans).toBe(1);
  });
});
