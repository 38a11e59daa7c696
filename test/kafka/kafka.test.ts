// A real broker: what `toKafka` writes, as another client reads it, and what `fromKafka` makes of what another client writes.

import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createGate, createLedger, exportTo, toMemory } from '../../src/index.ts';
import type { KafkaInput, PoisonMessage } from '../../src/kafka.ts';
import { fromKafka, toKafka } from '../../src/kafka.ts';
import type { Hold } from '../../src/model/batch.ts';
import { type LossReason, lostTally, type Tally } from '../../src/model/tally.ts';
import { decodeTraces, encodeLogs, encodeMetrics, encodeTraces, encodeTracesJson } from '../../src/otlp/index.ts';
import { brokenBooks } from '../support/books.ts';
import { dataPointWith } from '../support/dataPoints.ts';
import { batchOf, exportOnce, failureOf } from '../support/httpExports.ts';
import { logRecordWith } from '../support/logRecords.ts';
import type { Broker } from './broker.ts';
import { committed, consumed, produce, spanNamed } from './client.ts';
import { brokerOfFile, Collected, openInput, openSink } from './support.ts';

const found = await brokerOfFile();
const broker = found as Broker;

const DELIVERED: Tally = { delivered: 1, rejected: 0, lost: [], attempts: 1, attemptMillis: 0, elapsedMillis: 0 };
const lost = (reason: LossReason) => lostTally(1, reason, 'test');

/** Of kafka-clients 4.1.2: `Utils.toPositive(Utils.murmur2("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".getBytes())) % 8`. */
const MURMUR2_PARTITION = 6;

/** A message of one span for each name. */
const messagesOf = (...names: string[]) =>
  names.map((name) => ({ value: Buffer.from(encodeTraces([spanNamed(name)])) }));

/** Holds each batch, and keeps the holds by the name of the span. */
function holding(input: KafkaInput<ReadableSpan>) {
  const collected = new Collected<ReadableSpan>();
  const holds = new Map<string, Hold>();
  const names: string[] = [];
  const subscription = input.batches$.subscribe((batch) => {
    const hold = batch.hold();
    const [{ name } = { name: '' }] = batch.items;
    holds.set(name, hold);
    names.push(name);
    hold.ready();
    collected.add(batch);
  });
  onTestFinished(() => subscription.unsubscribe());
  return { collected, holds, names, subscription };
}

describe.skipIf(found === undefined)('toKafka', () => {
  test('writes traces with their ids as keys, into the partition that the hash of the key names', async () => {
    const topic = await broker.topic('keys', 8);
    const traces = Array.from({ length: 20 }, (_, index) => index.toString(16).padStart(32, 'c'));
    const sink = openSink(broker, { topic, partitionBy: 'trace' });
    await exportOnce(
      sink,
      traces.flatMap((trace) => [spanNamed('one', trace), spanNamed('two', trace)]),
    );
    await exportOnce(
      sink,
      traces.map((trace) => spanNamed('three', trace)),
    );
    const messages = await consumed(broker, topic, 40);
    const partitions = new Map<string, Set<number>>();
    for (const { key, partition, value } of messages) {
      const trace = key.toString();
      partitions.set(trace, (partitions.get(trace) ?? new Set()).add(partition));
      expect(decodeTraces(value).every((span) => span.spanContext().traceId === trace)).toBe(true);
    }
    expect([...partitions.keys()].toSorted()).toEqual(traces.toSorted());
    expect([...partitions.values()].every(({ size }) => size === 1)).toBe(true);
    expect(new Set([...partitions.values()].flatMap((all) => [...all])).size).toBeGreaterThan(1);
  });

  test('hashes keys as the Java client does where it is told so, and spreads what has no key', async () => {
    const topic = await broker.topic('murmur2', 8);
    await exportOnce(openSink(broker, { topic, partitionBy: 'trace', keyHash: 'murmur2' }), [
      spanNamed('a', 'a'.repeat(32)),
    ]);
    const [keyed] = await consumed(broker, topic, 1);
    const sink = openSink(broker, { topic });
    for (const name of ['b', 'c', 'd', 'e']) await exportOnce(sink, [spanNamed(name)]);
    const messages = await consumed(broker, topic, 5);
    const spread = messages.filter(({ key }) => key?.length !== 32).map(({ partition }) => partition);
    expect([keyed?.partition, new Set(spread).size]).toEqual([MURMUR2_PARTITION, 4]);
  });

  test.each(['none', 'gzip', 'zstd', 'lz4', 'snappy'] as const)(
    'writes messages with compression %s',
    async (compression) => {
      const topic = await broker.topic(`compressed-${compression}`, 1);
      await exportOnce(openSink(broker, { topic, compression }), [spanNamed('a')]);
      const [message] = await consumed(broker, topic, 1);
      expect(decodeTraces(message?.value as Buffer).map(({ name }) => name)).toEqual(['a']);
    },
  );

  test('an unknown topic is retryable, a message over the limit of the broker too large, and an attempt that is aborted leaves a sink that works', async () => {
    const [missing] = await Promise.all([failureOf(openSink(broker, { topic: 'nowhere' }), [spanNamed('a')])]);
    expect([missing.failure, missing.message]).toEqual([
      { kind: 'retryable', connectionRefused: false },
      'toKafka cannot write to nowhere: UNKNOWN_TOPIC_OR_PARTITION',
    ]);
    const topic = await broker.topic('small', 1, { 'max.message.bytes': '500' });
    const sink = openSink(broker, { topic });
    const large = await failureOf(
      sink,
      Array.from({ length: 50 }, (_, index) => spanNamed(`span ${index}`)),
    );
    expect(large.failure).toEqual({ kind: 'tooLarge' });
    const abandoned = sink.export({
      items: [spanNamed('b')],
      bytes: 0,
      closedBy: 'count',
      hold: () => ({ ready() {}, settle() {} }),
    });
    abandoned.subscribe().unsubscribe();
    await exportOnce(sink, [spanNamed('c')]);
  });
});

describe.skipIf(found === undefined)('an attempt at a broker that stands still', () => {
  test('is aborted when it is unsubscribed, and the next one has a connection of its own', async () => {
    const topic = await broker.topic('still', 1);
    const sink = openSink(broker, { topic });
    await exportOnce(sink, [spanNamed('before')]);
    broker.signal('SIGSTOP');
    onTestFinished(() => broker.signal('SIGCONT'));
    const phases: string[] = [];
    await new Promise<void>((resolve) => {
      const enter = (phase: string) => {
        phases.push(phase);
        if (phase !== 'sending') return;
        setImmediate(() => {
          attempt.unsubscribe();
          resolve();
        });
      };
      const attempt = sink.export(batchOf([spanNamed('aborted')]), { enter, answered: () => {} }).subscribe();
    });
    const next = exportOnce(sink, [spanNamed('waits for it')]);
    broker.signal('SIGCONT');
    await next;
    expect(phases).toEqual(['preparing', 'connecting', 'sending']);
  });
});

describe.skipIf(found === undefined)('a broker with TLS and SASL', () => {
  const secure = (password: string) => ({
    ...{ brokers: [broker.secureAddress], tls: { ca: broker.authority.cert } },
    sasl: { mechanism: 'PLAIN', username: 'spanflow', password: () => password } as const,
  });

  test('is written to and read from by who has the password', async () => {
    const topic = await broker.topic('secure', 1);
    const sink = toKafka({ ...secure('open'), topic });
    onTestFinished(() => sink.shutdown?.());
    await exportOnce(sink, [spanNamed('a secret')]);
    const { collected, names } = holding(
      fromKafka({ ...secure('open'), topic, groupId: 'secure', retryDelayMillis: 50 }),
    );
    await collected.until(() => names.length === 1);
    expect(names).toEqual(['a secret']);
  });

  test('lets nobody in who has another one, which is permanent; a certificate that nobody knows is retryable', async () => {
    const sink = toKafka({ ...secure('shut'), topic: 'secure' });
    const distrustful = toKafka({ ...secure('open'), tls: {}, topic: 'secure' });
    const failures = [await failureOf(sink, [spanNamed('a')]), await failureOf(distrustful, [spanNamed('a')])];
    await Promise.all([sink.shutdown?.(), distrustful.shutdown?.()]);
    expect(failures.map(({ failure }) => failure.kind)).toEqual(['permanent', 'retryable']);
    expect(failures.map(({ message }) => message).join()).not.toContain('shut,');
  });
});

describe.skipIf(found === undefined)('fromKafka', () => {
  test('reads each signal in each encoding, as batches of views', async () => {
    const topics = await Promise.all(
      ['traces', 'json', 'logs', 'metrics'].map((name) => broker.topic(`read-${name}`, 1)),
    );
    const [traces = '', json = '', logs = '', metrics = ''] = topics;
    await produce(broker, traces, messagesOf('of protobuf'));
    await produce(broker, json, [{ value: Buffer.from(encodeTracesJson([spanNamed('of json')])) }]);
    await produce(broker, logs, [{ value: Buffer.from(encodeLogs([logRecordWith({ body: 'of a log' })])) }]);
    await produce(broker, metrics, [{ value: Buffer.from(encodeMetrics([dataPointWith({ value: 7 } as never)])) }]);
    const first = async (input: { batches$: ReturnType<typeof openInput>['batches$'] }) => {
      const collected = new Collected<never>();
      const subscription = input.batches$.subscribe(collected.add as never);
      await collected.until(() => collected.batches.length > 0);
      subscription.unsubscribe();
      return collected.items[0] as never;
    };
    const groupId = 'signals';
    expect(await first(openInput(broker, { topic: traces, groupId }))).toMatchObject({ name: 'of protobuf' });
    expect(await first(openInput(broker, { topic: json, groupId, encoding: 'otlp_json' }))).toMatchObject({
      name: 'of json',
    });
    expect(await first(openInput(broker, { topic: logs, groupId, signal: 'logs' }) as never)).toMatchObject({
      body: 'of a log',
    });
    expect(await first(openInput(broker, { topic: metrics, groupId, signal: 'metrics' }) as never)).toHaveProperty(
      'metric',
    );
  });

  test('commits only what is settled, with all before it', async () => {
    const topic = await broker.topic('commits', 1);
    await produce(broker, topic, messagesOf('0', '1', '2', '3'));
    const input = openInput(broker, { topic, groupId: 'commits' });
    const { collected, holds } = holding(input);
    await collected.until(() => holds.size === 4);
    holds.get('1')?.settle(DELIVERED);
    holds.get('2')?.settle(lost('retriesExhausted'));
    await expect(input.forceFlush({ timeoutMillis: 1 })).rejects.toMatchObject({ code: 'FLUSH_TIMEOUT' });
    expect(await committed(broker, topic, 'commits', 1)).toEqual([-1]);
    holds.get('0')?.settle({ ...DELIVERED, delivered: 0, rejected: 1 });
    holds.get('3')?.settle(DELIVERED);
    await input.forceFlush({ timeoutMillis: 60_000 });
    expect(await committed(broker, topic, 'commits', 1)).toEqual([4]);
  });

  test('at a shutdown that is late, the settled part is committed, and the rest comes again', async () => {
    const topic = await broker.topic('late', 1);
    await produce(broker, topic, messagesOf('0', '1', '2'));
    const ledger = createLedger();
    const input = openInput(broker, { topic, groupId: 'late', ledger });
    const { collected, holds } = holding(input);
    await collected.until(() => holds.size === 3);
    holds.get('0')?.settle(DELIVERED);
    await expect(input.shutdown({ timeoutMillis: 1 })).rejects.toThrow(
      /fromKafka\.shutdown did not finish within 1 ms; what has no outcome comes again/,
    );
    holds.get('1')?.settle(lost('shutdown'));
    expect([await committed(broker, topic, 'late', 1), brokenBooks(ledger.stats())]).toEqual([[1], []]);
    const again = holding(openInput(broker, { topic, groupId: 'late' }));
    await again.collected.until(() => again.names.length === 2);
    expect(again.names).toEqual(['1', '2']);
  });

  test('what the stages behind lose at a shutdown is not committed, nor what comes after it', async () => {
    const topic = await broker.topic('ended', 1);
    await produce(broker, topic, messagesOf('0', '1', '2'));
    const input = openInput(broker, { topic, groupId: 'ended' });
    const { collected, holds } = holding(input);
    await collected.until(() => holds.size === 3);
    const ended = input.shutdown({ timeoutMillis: 60_000 });
    holds.get('0')?.settle(DELIVERED);
    holds.get('2')?.settle(DELIVERED);
    holds.get('1')?.settle(lost('shutdown'));
    await ended;
    expect(await committed(broker, topic, 'ended', 1)).toEqual([1]);
  });

  test('what is lost only because its stage was subscribed anew is read again, with what came after it', async () => {
    const topic = await broker.topic('rewound', 1);
    await produce(broker, topic, messagesOf('0', '1', '2'));
    const input = openInput(broker, { topic, groupId: 'rewound' });
    const { collected, holds, names } = holding(input);
    await collected.until(() => names.length === 3);
    holds.get('2')?.settle(DELIVERED);
    holds.get('1')?.settle(lost('unsubscribed'));
    await collected.until(() => names.length === 5);
    expect([names, input.stats().rewound]).toEqual([['0', '1', '2', '1', '2'], 1]);
    for (const hold of holds.values()) hold.settle(DELIVERED);
    holds.get('0')?.settle(DELIVERED);
    await input.forceFlush({ timeoutMillis: 60_000 });
    expect(await committed(broker, topic, 'rewound', 1)).toEqual([3]);
  });

  test('a message that cannot be read is counted and set aside, and blocks nothing, whatever the callback does', async () => {
    const topic = await broker.topic('poison', 1);
    const bad = Buffer.from('this is no request');
    await produce(broker, topic, [
      { key: Buffer.from('k'), value: bad },
      ...messagesOf('after'),
      { value: bad },
      { value: Buffer.alloc(0) },
      ...messagesOf('last'),
    ]);
    const set: PoisonMessage[] = [];
    const thrown: unknown[] = [];
    const input = openInput(broker, {
      topic,
      groupId: 'poison',
      onPoison: (message) => {
        set.push(message);
        return set.length === 1 ? Promise.reject(new Error('the other topic is full')) : undefined;
      },
      onCallbackError: (error) => thrown.push(error),
    });
    const collected = new Collected<{ name: string }>();
    input.batches$.subscribe(collected.add);
    await collected.until(() => collected.items.length === 2);
    await input.forceFlush({ timeoutMillis: 60_000 });
    expect(collected.items.map(({ name }) => name)).toEqual(['after', 'last']);
    expect(
      set.map(({ offset, key, value, error }) => [offset, key?.toString(), Buffer.from(value).equals(bad), error.code]),
    ).toEqual([
      [0n, 'k', true, 'MALFORMED_MESSAGE'],
      [2n, undefined, true, 'MALFORMED_MESSAGE'],
    ]);
    expect(thrown).toMatchObject([{ message: 'the other topic is full' }]);
    expect(input.stats()).toMatchObject({ messages: 5, poison: 2, empty: 1 });
    expect(await committed(broker, topic, 'poison', 1)).toEqual([5]);
  });

  test('emits no more than may be out, in batches and in bytes', async () => {
    const topic = await broker.topic('bounds', 1);
    await produce(broker, topic, messagesOf('0', '1', '2', '3', '4'));
    const byCount = openInput(broker, { topic, groupId: 'count', maxUnsettledBatches: 2 });
    const counted = holding(byCount);
    await counted.collected.until(() => counted.names.length === 2);
    counted.holds.get('0')?.settle(DELIVERED);
    await counted.collected.until(() => counted.names.length === 3);
    expect(byCount.stats()).toMatchObject({ unsettledBatches: 2, messages: 3 });
    const byBytes = openInput(broker, { topic, groupId: 'bytes', maxUnsettledBytes: 1 });
    const weighed = holding(byBytes);
    await weighed.collected.until(() => weighed.names.length === 1);
    expect(byBytes.stats().unsettledBatches).toBe(1);
    weighed.holds.get('0')?.settle(DELIVERED);
    await weighed.collected.until(() => weighed.names.length === 2);
    expect(byBytes.stats().unsettledBatches).toBe(1);
  });

  test('emits nothing while its gate is closed, and stays in its group', async () => {
    const topic = await broker.topic('gate', 1);
    await produce(broker, topic, messagesOf('0'));
    const gate = createGate();
    const open = gate.close();
    const input = openInput(broker, { topic, groupId: 'gate', gate });
    const { collected, names } = holding(input);
    await vi.waitUntil(() => input.stats().partitions.length === 1, { timeout: 60_000 });
    expect(names).toEqual([]);
    open();
    await collected.until(() => names.length === 1);
    expect(input.stats().rebalances).toBe(0);
  });

  test('a batch that nobody settles is lost after its lease, and does not block its partition', async () => {
    const topic = await broker.topic('lease', 1);
    await produce(broker, topic, messagesOf('0'));
    const losses: unknown[] = [];
    const input = openInput(broker, {
      topic,
      groupId: 'lease',
      holdLeaseMillis: 1,
      onLoss: (loss) => losses.push(loss),
    });
    const { collected, names } = holding(input);
    await collected.until(() => names.length === 1);
    await input.forceFlush({ timeoutMillis: 60_000 });
    expect(losses).toEqual([{ count: 1, reason: 'leaseExpired', stage: 'fromKafka' }]);
    expect(await committed(broker, topic, 'lease', 1)).toEqual([1]);
  });

  test('when a member comes, what is out is settled and committed first, and each message goes to one of the two', async () => {
    const topic = await broker.topic('rebalance', 4);
    const spread = (from: number) =>
      Array.from({ length: 4 }, (_, partition) => ({
        ...(messagesOf(`${from + partition}`)[0] as { value: Buffer }),
        partition,
      }));
    await produce(broker, topic, spread(0));
    const first = openInput(broker, { topic, groupId: 'rebalance', rebalanceWaitMillis: 5_000 });
    const one = holding(first);
    await one.collected.until(() => one.names.length === 4);
    const second = openInput(broker, { topic, groupId: 'rebalance' });
    const two = holding(second);
    await vi.waitUntil(() => first.stats().rebalances === 1, { timeout: 120_000 });
    expect(first.stats().partitions).toEqual([]);
    for (const hold of one.holds.values()) hold.settle(DELIVERED);
    await vi.waitUntil(() => first.stats().partitions.length === 2 && second.stats().partitions.length === 2, {
      timeout: 120_000,
    });
    await produce(broker, topic, spread(4));
    await one.collected.until(() => one.names.length === 6);
    await two.collected.until(() => two.names.length === 2);
    const names = [...one.names, ...two.names].toSorted();
    expect(names).toEqual(['0', '1', '2', '3', '4', '5', '6', '7']);
    for (const hold of [...one.holds.values(), ...two.holds.values()]) hold.settle(DELIVERED);
    await Promise.all([first.forceFlush({ timeoutMillis: 60_000 }), second.forceFlush({ timeoutMillis: 60_000 })]);
    expect(await committed(broker, topic, 'rebalance', 4)).toEqual([2, 2, 2, 2]);
  });

  test('what is not settled in time at a rebalance comes again at its next owner, and not at the one that kept it', async () => {
    const topic = await broker.topic('unsettled', 2);
    await produce(
      broker,
      topic,
      [0, 1].map((partition) => ({ ...(messagesOf(`${partition}`)[0] as { value: Buffer }), partition })),
    );
    const first = openInput(broker, { topic, groupId: 'unsettled', rebalanceWaitMillis: 0 });
    const one = holding(first);
    await one.collected.until(() => one.names.length === 2);
    const second = openInput(broker, { topic, groupId: 'unsettled' });
    const two = holding(second);
    await two.collected.until(() => two.names.length === 1);
    expect([one.names.toSorted(), first.stats().partitions.length]).toEqual([['0', '1'], 1]);
    expect(first.stats().partitions).not.toEqual([Number(two.names[0])]);
    // The old hold says nothing of the partition any more; the kept one does.
    for (const hold of one.holds.values()) hold.settle(DELIVERED);
    await first.forceFlush({ timeoutMillis: 60_000 });
    const moved = Number(two.names[0]);
    const offsets = await committed(broker, topic, 'unsettled', 2);
    expect([offsets[moved], offsets[1 - moved]]).toEqual([-1, 1]);
  });

  test('goes on where retention has deleted what it would read', async () => {
    const topic = await broker.topic('deleted', 1);
    await produce(broker, topic, messagesOf('0', '1', '2'));
    const before = openInput(broker, { topic, groupId: 'deleted' });
    const { collected, names, holds } = holding(before);
    await collected.until(() => names.length === 3);
    holds.get('0')?.settle(DELIVERED);
    await before.shutdown({ timeoutMillis: 1 }).catch(() => {});
    await deleteRecords(topic, 2n);
    const after = holding(openInput(broker, { topic, groupId: 'deleted' }));
    await after.collected.until(() => after.names.length === 1);
    expect(after.names).toEqual(['2']);
  });

  test('feeds exportTo, and starts at the end where it is told so', async () => {
    const topic = await broker.topic('latest', 1);
    await produce(broker, topic, messagesOf('old'));
    const memory = toMemory<{ name: string }>();
    const input = openInput(broker, { topic, groupId: 'latest', startFrom: 'latest' });
    const collected = new Collected<unknown>();
    const subscription = input.batches$.pipe(exportTo(memory as never)).subscribe(collected.add as never);
    await vi.waitUntil(() => input.stats().partitions.length === 1, { timeout: 60_000 });
    await produce(broker, topic, messagesOf('new'));
    await collected.until(() => collected.batches.length === 1);
    await input.shutdown({ timeoutMillis: 60_000 });
    subscription.unsubscribe();
    expect(memory.items.map(({ name }) => name)).toEqual(['new']);
    expect(await committed(broker, topic, 'latest', 1)).toEqual([2]);
  });

  test('takes one subscription at a time, and another one after it; after the shutdown it completes', async () => {
    const topic = await broker.topic('again', 1);
    await produce(broker, topic, messagesOf('0'));
    const input = openInput(broker, { topic, groupId: 'again' });
    const first = holding(input);
    const errors: unknown[] = [];
    input.batches$.subscribe({ error: (error) => errors.push(error) });
    expect(errors).toMatchObject([{ code: 'CLOSED' }]);
    await first.collected.until(() => first.names.length === 1);
    first.subscription.unsubscribe();
    const second = holding(input);
    await second.collected.until(() => second.names.length === 1);
    second.holds.get('0')?.settle(DELIVERED);
    await input.shutdown({ timeoutMillis: 60_000 });
    let isComplete = false;
    input.batches$.subscribe({ complete: () => (isComplete = true) });
    expect(isComplete).toBe(true);
  });
});

test('names the options that are wrong', () => {
  const options = { brokers: ['nowhere'], topic: 't', groupId: 'g', rebalanceWaitMillis: 50_000, onPoison: 7 };
  expect(() => fromKafka(options as never)).toThrow(
    /fromKafka\.brokers must be .*fromKafka\.rebalanceWaitMillis must be .* to 45000.*fromKafka\.onPoison must be a function/,
  );
});

async function deleteRecords(topic: string, offset: bigint): Promise<void> {
  const { Admin } = await import('@platformatic/kafka');
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: [broker.address] });
  await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset }] }] } as never);
  await admin.close();
}
