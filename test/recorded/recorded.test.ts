import { lastValueFrom, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { exportTo, otlpHttp } from '../../src/index.ts';
import { decodeTraces } from '../../src/otlp/index.ts';
import { otlpBackend } from '../../src/testing/index.ts';
import { type Cargo, demoShop, hipsterShop } from './cargo.ts';
import { type Shipped, ship } from './shipping.ts';

/** Each span, event and attribute arrived once, as its twin says; and all who counted agree. */
function expectArrived({ arrivals, stats, backend, outcomes }: Shipped, { count }: Cargo): void {
  expect(outcomes).toEqual({ delivered: count.spans, errors: [] });
  expect(arrivals.problems).toEqual([]);
  expect(arrivals.missing).toBe(0);
  expect(arrivals.count).toEqual(count);

  const whole = { offered: count.spans, accepted: count.spans, refused: {}, rejected: 0, removed: 0, lost: {} };
  const delivered = { ...whole, delivered: count.spans, possibleDuplicates: 0, handedOn: 0, pending: 0 };
  expect(stats).toMatchObject({ ...delivered, between: 0, queueSize: 0, queueBytes: 0, inFlight: 0 });
  expect(stats.stages).toMatchObject({
    fromAsyncIterable: { ...whole, delivered: 0, possibleDuplicates: 0, handedOn: count.spans, pending: 0 },
    adaptiveBatch: delivered,
    'exportTo(otlpHttp)': delivered,
  });
  expect(stats).toMatchObject({ attempts: backend.requestCount, retries: 0, callbackErrors: 0 });
  expect(backend.spans).toBe(count.spans);
}

/** What was pulled and had not ended never was more than the queue and the batches that may be out. */
function expectBounded({ ahead, bounds, closings }: Shipped): void {
  expect(ahead.unbalanced).toBe(0);
  expect(ahead.queued).toBeLessThanOrEqual(bounds.queued);
  expect(ahead.pending).toBeLessThanOrEqual(bounds.pending);
  expect(ahead.notArrived).toBeLessThanOrEqual(bounds.pending);
  // Else the gate would have had nothing to do.
  expect(closings).toBeGreaterThan(0);
}

describe('the demo shop', () => {
  const cargo = demoShop();

  it(`arrives whole, each span once and with its own resource, pulled no faster than it leaves (${cargo.origin})`, async () => {
    const shipped = await ship(cargo);
    expectArrived(shipped, cargo);
    expectBounded(shipped);
    expect([...shipped.encodings]).toEqual([undefined]);
  });

  it(`arrives whole as gzip, too (${cargo.origin})`, async () => {
    const shipped = await ship(cargo, { compression: 'gzip' });
    expectArrived(shipped, cargo);
    expectBounded(shipped);
    expect([...shipped.encodings]).toEqual(['gzip']);
  });
});

describe('one request that is larger than a backend takes', () => {
  const cargo = hipsterShop();
  const maxRequestBytes = 512 * 1024;

  it(`arrives whole in several that are not (${cargo.origin})`, async () => {
    expect(cargo.bytes.length).toBeGreaterThan(10 * maxRequestBytes);
    // The batcher estimates: some room is for what it does not see.
    const batches = { maxExportBatchSize: 2_000, maxExportBatchBytes: (maxRequestBytes * 3) / 4 };
    const shipped = await ship(cargo, { maxRequestBytes, ...batches });
    expectArrived(shipped, cargo);
    expectBounded(shipped);
    expect(shipped.arrivals.largestBody).toBeLessThanOrEqual(maxRequestBytes);
  });

  it(`is cut into parts that fit, where it comes as one batch (${cargo.origin})`, async () => {
    await using backend = await otlpBackend();
    const sink = otlpHttp({ url: backend.url, environment: {}, maxRequestBytes });
    const outcome = await lastValueFrom(of(decodeTraces(cargo.bytes)).pipe(exportTo(sink)));
    await sink.shutdown?.();
    expect(outcome).toMatchObject({ delivered: cargo.count.spans, lost: [] });
    expect(backend.spans).toBe(cargo.count.spans);
    // 0.5 MiB each, and some that were not sent because they were larger.
    expect(backend.requestCount).toBeGreaterThanOrEqual(cargo.bytes.length / maxRequestBytes);
    expect(outcome.attempts - backend.requestCount).toBeLessThan(16);
  });
});
