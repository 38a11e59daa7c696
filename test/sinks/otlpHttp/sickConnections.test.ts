// Which connection a request goes over after another one was refused, or got no answer.

import dns from 'node:dns';
import { connect, createServer, type Socket } from 'node:net';
import { of } from 'rxjs';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { exportTo } from '../../../src/index.ts';
import type { OtlpBackend } from '../../../src/testing/index.ts';
import { batchOf, exportOnce, failureOf, openSink, outcomeOf, startBackend } from '../../support/httpExports.ts';
import { spanWith } from '../../support/spans.ts';

const SPANS = [spanWith()];

/** The clock of the sink stands still, until it is told to go on. */
function stoppedClock(): { advance(millis: number): void } {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  return { advance: (millis) => void vi.advanceTimersByTime(millis) };
}

/** Backends on several addresses of this machine, and a name that is resolved to them (or to what is given), in this order each time. */
async function backendsOf(
  name: string,
  count: number,
  resolved = Array.from({ length: count }, (_, index) => `127.0.0.${index + 1}`),
): Promise<{ backends: OtlpBackend[]; url: string; looked(): number }> {
  const backends = [await startBackend({ host: '127.0.0.1' })];
  const port = backends[0]?.port as number;
  for (let index = 2; index <= count; index++) backends.push(await startBackend({ host: `127.0.0.${index}`, port }));
  const addresses = resolved.map((address) => ({ address, family: 4 }));
  let looked = 0;
  const lookup = (hostname: string, _: unknown, callback: (error: null, resolved: object[]) => void) => {
    expect(hostname).toBe(name);
    looked += 1;
    queueMicrotask(() => callback(null, addresses));
  };
  const spy = vi.spyOn(dns, 'lookup').mockImplementation(lookup as never);
  onTestFinished(() => void spy.mockRestore());
  return { backends, url: `http://${name}:${port}/v1/traces`, looked: () => looked };
}

const requestsOf = (backends: readonly OtlpBackend[]) => backends.map(({ requestCount }) => requestCount);

/** A balancer with one address: it hands each connection to the next backend in turn. */
async function balancerOf(backends: readonly OtlpBackend[]): Promise<string> {
  const sockets: Socket[] = [];
  let accepted = 0;
  const server = createServer((client) => {
    const { port } = backends[accepted++ % backends.length] as OtlpBackend;
    const backend = connect(port, '127.0.0.1');
    for (const socket of [client, backend]) sockets.push(socket.on('error', () => {}));
    client.pipe(backend).pipe(client);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as { port: number }).port}/v1/traces`;
}

describe('a connection', () => {
  it.each([429, 502, 503, 504])('whose request was answered by %d is not used again', async (status) => {
    const backend = await startBackend({ answers: [{ status }, { status }, 'ok'] });
    const sink = openSink({ url: backend.url });
    await failureOf(sink, SPANS);
    await failureOf(sink, SPANS);
    for (let count = 0; count < 3; count++) await exportOnce(sink, SPANS);
    expect([backend.requestCount, backend.connections]).toEqual([5, 3]);
  });

  it.each([200, 400, 413, 500])('whose request was answered by %d is used again', async (status) => {
    const backend = await startBackend({ answers: { status } });
    const sink = openSink({ url: backend.url });
    for (let count = 0; count < 3; count++) await (status === 200 ? exportOnce : failureOf)(sink, SPANS);
    expect([backend.requestCount, backend.connections]).toEqual([3, 1]);
  });

  it('whose request timed out is not used again', async () => {
    const backend = await startBackend({ answers: ['hang', 'ok'] });
    const sink = openSink({ url: backend.url });
    const attempt = sink.export(batchOf(SPANS)).subscribe();
    await backend.until(({ requestCount }) => requestCount === 1);
    attempt.unsubscribe();
    await exportOnce(sink, SPANS);
    expect([backend.requestCount, backend.connections]).toEqual([2, 2]);
    await backend.until(({ requests }) => requests[0]?.aborted === true);
  });

  it('goes on with its request when that of another one is refused', async () => {
    let answer = () => {};
    const asked = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const answers = async (_: unknown, index: number) => {
      if (index > 0) return { status: 503 };
      await asked;
      return 'ok' as const;
    };
    const backend = await startBackend({ answers });
    const sink = openSink({ url: backend.url });
    const slow = exportOnce(sink, SPANS);
    await backend.until(({ inFlight }) => inFlight === 1);
    await failureOf(sink, SPANS);
    await failureOf(sink, SPANS);
    answer();
    expect(await slow).toEqual({});
    expect(backend.requests.map(({ aborted }) => aborted)).toEqual([false, false, false]);
    expect(backend.connections).toBe(3);
  });
});

describe('connections', () => {
  it('are no more than concurrent exports, over a thousand exports', async () => {
    const backend = await startBackend();
    const batches = Array.from({ length: 1_000 }, () => SPANS);
    const sink = openSink({ url: backend.url });
    let delivered = 0;
    await new Promise<void>((resolve) => {
      of(...batches)
        .pipe(exportTo(sink, { concurrency: 8 }))
        .subscribe({ next: (outcome) => (delivered += outcome.delivered), complete: resolve });
    });
    expect([delivered, backend.requestCount]).toEqual([1_000, 1_000]);
    expect(backend.connections).toBeLessThanOrEqual(8);
  });

  it('are replaced 20 times and then once per second by a backend that refuses everything', async () => {
    const clock = stoppedClock();
    const backend = await startBackend({ answers: { status: 503 } });
    const sink = openSink({ url: backend.url });
    const refusals = async (count: number) => {
      for (let done = 0; done < count; done++) await failureOf(sink, SPANS);
      return backend.connections;
    };
    expect(await refusals(100)).toBe(21);
    clock.advance(999);
    expect(await refusals(10)).toBe(21);
    clock.advance(1);
    expect(await refusals(10)).toBe(22);
    backend.respond(['ok', { status: 503 }]);
    await exportOnce(sink, SPANS);
    expect(await refusals(3)).toBe(24);
  });
});

describe('the age of a connection', () => {
  it('of 0 is that of one request', async () => {
    const backend = await startBackend();
    const sink = openSink({ url: backend.url, maxConnectionAgeMillis: 0 });
    for (let count = 0; count < 5; count++) await exportOnce(sink, SPANS);
    expect([backend.requestCount, backend.connections]).toEqual([5, 5]);
  });

  it.each([
    ['five minutes', {}, 300_000],
    ['what is given', { maxConnectionAgeMillis: 1_000 }, 1_000],
  ])('is %s at most, and four fifths of that at least', async (_, options, maxMillis) => {
    const clock = stoppedClock();
    const backend = await startBackend();
    const sink = openSink({ url: backend.url, ...options });
    await exportOnce(sink, SPANS);
    clock.advance(maxMillis * 0.8 - 1);
    await exportOnce(sink, SPANS);
    expect(backend.connections).toBe(1);
    clock.advance(maxMillis * 0.2 + 1);
    await exportOnce(sink, SPANS);
    expect(backend.connections).toBe(2);
  });

  it('ends no request that is under way', async () => {
    const clock = stoppedClock();
    let answer = () => {};
    const asked = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const answers = async () => {
      await asked;
      return 'ok' as const;
    };
    const backend = await startBackend({ answers });
    const sink = openSink({ url: backend.url, maxConnectionAgeMillis: 1_000 });
    const slow = exportOnce(sink, SPANS);
    await backend.until(({ inFlight }) => inFlight === 1);
    clock.advance(5_000);
    answer();
    expect(await slow).toEqual({});
    await exportOnce(sink, SPANS);
    expect([backend.requests.map(({ aborted }) => aborted), backend.connections]).toEqual([[false, false], 2]);
  });
});

describe('a name with several addresses', () => {
  it('is resolved for each new connection', async () => {
    const { backends, url, looked } = await backendsOf('collector.test', 1);
    const sink = openSink({ url, maxConnectionAgeMillis: 0 });
    for (let count = 0; count < 5; count++) await exportOnce(sink, SPANS);
    expect([requestsOf(backends), looked()]).toEqual([[5], 5]);
  });

  it('has a retry reach the healthy one', async () => {
    const { backends, url } = await backendsOf('collector.test', 3);
    backends[0]?.respond({ status: 503 });
    backends[1]?.respond({ status: 503 });
    const outcome = await outcomeOf(openSink({ url }), SPANS);
    expect(outcome).toMatchObject({ delivered: 1, attempts: 3, lost: [] });
    expect(requestsOf(backends)).toEqual([1, 1, 1]);
  });

  it('has a request reach another one than that which did not answer in time', async () => {
    const { backends, url } = await backendsOf('collector.test', 2);
    const [first] = backends as [OtlpBackend];
    first.respond('hang');
    const sink = openSink({ url });
    const attempt = sink.export(batchOf(SPANS)).subscribe();
    await first.until(({ requestCount }) => requestCount === 1);
    attempt.unsubscribe();
    await exportOnce(sink, SPANS);
    expect(requestsOf(backends)).toEqual([1, 1]);
  });

  it('has a retry reach another one than that which broke the connection', async () => {
    const { backends, url } = await backendsOf('collector.test', 2);
    backends[0]?.respond('reset');
    expect(await outcomeOf(openSink({ url }), SPANS)).toMatchObject({ delivered: 1, attempts: 2 });
    expect(requestsOf(backends)).toEqual([1, 1]);
  });

  it('has no request sent over idle connections to the sick one', async () => {
    const { backends, url } = await backendsOf('collector.test', 2);
    const [first] = backends as [OtlpBackend];
    let answerAll = () => {};
    const asked = new Promise<void>((resolve) => {
      answerAll = resolve;
    });
    first.respond(async () => {
      await asked;
      return 'ok' as const;
    });
    const sink = openSink({ url });
    const exports = Array.from({ length: 4 }, () => exportOnce(sink, SPANS));
    await first.until(({ inFlight }) => inFlight === 4);
    answerAll();
    await Promise.all(exports);
    first.respond({ status: 503 });
    await failureOf(sink, SPANS);
    for (let count = 0; count < 10; count++) await exportOnce(sink, SPANS);
    expect([requestsOf(backends), first.connections]).toEqual([[5, 10], 4]);
  });

  it('has no more connections for an address at which nobody listens', async () => {
    stoppedClock();
    const { backends, url } = await backendsOf('collector.test', 1, ['127.0.0.2', '127.0.0.1']);
    const [only] = backends as [OtlpBackend];
    only.respond({ status: 503 });
    const sink = openSink({ url });
    for (let count = 0; count < 100; count++) await failureOf(sink, SPANS);
    expect([only.requestCount, only.connections]).toEqual([100, 21]);
  });

  it('keeps the first one while all refuse, and returns to it after 30 seconds', async () => {
    const clock = stoppedClock();
    const { backends, url } = await backendsOf('collector.test', 2);
    const sink = openSink({ url, maxConnectionAgeMillis: 0 });
    for (const backend of backends) backend.respond({ status: 503 });
    for (let count = 0; count < 4; count++) {
      await failureOf(sink, SPANS);
      clock.advance(1);
    }
    expect(requestsOf(backends)).toEqual([2, 2]);
    for (const backend of backends) backend.respond('ok');
    await exportOnce(sink, SPANS);
    expect(requestsOf(backends)).toEqual([3, 2]);
    clock.advance(30_000);
    await exportOnce(sink, SPANS);
    expect(requestsOf(backends)).toEqual([4, 2]);
  });
});

describe('a balancer with one address', () => {
  it('has a retry reach a healthy backend behind it', async () => {
    const backends = [await startBackend({ answers: { status: 503 } }), await startBackend()];
    const sink = openSink({ url: await balancerOf(backends) });
    const outcome = await outcomeOf(sink, SPANS);
    expect(outcome).toMatchObject({ delivered: 1, attempts: 2, lost: [] });
    expect(requestsOf(backends)).toEqual([1, 1]);
  });
});
