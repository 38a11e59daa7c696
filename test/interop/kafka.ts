// Over the topics of a real broker: what `toKafka` writes, a Collector reads, and what a Collector writes, `fromKafka` reads.

import { Consumer } from '@platformatic/kafka';
import { type Sink, spanPipeline } from '../../src/index.ts';
import { fromKafka, toKafka } from '../../src/kafka.ts';
import type { SignalItems, SignalName } from '../../src/model/signal.ts';
import { Broker } from '../kafka/broker.ts';
import { committed, consumed, spanNamed } from '../kafka/client.ts';
import { addressesOf, Collector, freePorts } from './collector/collector.ts';
import { fromTopics, SIGNALS, type Topics, toTopics } from './collector/configuration.ts';
import { firstDifference } from './difference.ts';
import type { Entry } from './entry.ts';
import { differenceIn, type Finding, READ } from './equality.ts';
import { SEND, type Sent } from './pipelines.ts';
import { WAYS } from './ways.ts';

const PARTITIONS = 8;
const ENCODINGS = ['otlp_proto', 'otlp_json'] as const;
const BOUND_MILLIS = 60_000;

type All = Readonly<Record<SignalName, Sent>>;

/** Sends all signals over the broker, in both directions and encodings. */
export async function findingsOfKafka(binary: string, jars: string): Promise<Finding[]> {
  const broker = await Broker.start(jars);
  try {
    const findings: Finding[] = [];
    for (const encoding of ENCODINGS) {
      for (const partitionBy of ['batch', 'trace'] as const)
        findings.push(...(await toCollector(broker, binary, encoding, partitionBy)));
      findings.push(...(await fromCollector(broker, binary, encoding)));
    }
    return findings;
  } finally {
    await broker.remove();
  }
}

async function topicsOn(broker: Broker, name: string, encoding: Topics['encoding']): Promise<Topics> {
  const names = SIGNALS.map((signal) => [signal, `${name}-${encoding}-${signal}`] as const);
  for (const [, topic] of names) await broker.topic(topic, PARTITIONS);
  return { broker: broker.address, topics: Object.fromEntries(names) as Topics['topics'], encoding };
}

/** Sends with the pipelines, whose shutdown is that of the sink. */
async function sentBy(open: <S extends SignalName>(signal: S) => Sink<SignalItems[S]>): Promise<All> {
  return {
    traces: await SEND.traces(open('traces')),
    logs: await SEND.logs(open('logs')),
    metrics: await SEND.metrics(open('metrics')),
  };
}

async function toCollector(
  broker: Broker,
  binary: string,
  encoding: Topics['encoding'],
  by: 'batch' | 'trace',
): Promise<Finding[]> {
  const given = await topicsOn(broker, `out-${by}`, encoding);
  const { topics } = given;
  const sent = await sentBy((signal) =>
    toKafka({
      brokers: [broker.address],
      topic: topics[signal],
      signal,
      encoding,
      partitionBy: signal === 'metrics' ? 'batch' : by,
    }),
  );
  const groupId = `collector-${by}-${encoding}`;
  const collector = await Collector.start(binary, fromTopics(given, groupId));
  try {
    for (const signal of SIGNALS) await untilRead(broker, topics[signal], groupId);
    await collector.stop();
    return SIGNALS.map((signal) => {
      const difference = differenceIn(collector, signal, sent[signal]);
      return { way: `toKafka, ${encoding}, by ${by}`, signal, items: sent[signal].entries.length, difference };
    });
  } finally {
    collector.remove();
  }
}

async function fromCollector(broker: Broker, binary: string, encoding: Topics['encoding']): Promise<Finding[]> {
  const given = await topicsOn(broker, 'in', encoding);
  const ports = await freePorts();
  const collector = await Collector.start(binary, toTopics(given, ports));
  const [way] = WAYS;
  try {
    const sent = await sentBy((signal) => (way as (typeof WAYS)[number]).open(signal, addressesOf(ports)));
    const findings: Finding[] = [];
    for (const signal of SIGNALS) {
      const { entries, trouble } = sent[signal];
      const topic = given.topics[signal];
      const read = await readFrom(broker, topic, signal, encoding, entries.length);
      const difference =
        trouble ?? firstDifference(entries, read) ?? (signal === 'traces' ? await otherKeys(broker, topic) : undefined);
      findings.push({ way: `fromKafka, ${encoding}`, signal, items: entries.length, difference });
    }
    await collector.stop();
    return findings;
  } finally {
    collector.remove();
  }
}

/** Until so many items have come: fewer is a difference, after a while. */
function readFrom<S extends SignalName>(
  broker: Broker,
  topic: string,
  signal: S,
  encoding: Topics['encoding'],
  count: number,
): Promise<Entry[]> {
  const input = fromKafka<S>({ brokers: [broker.address], topic, groupId: `ours-${topic}`, signal, encoding });
  const items: SignalItems[S][] = [];
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      input.shutdown().then(() => resolve(READ[signal](items)), reject);
    };
    const timer = setTimeout(end, BOUND_MILLIS);
    input.batches$.subscribe((batch) => {
      for (const item of batch.items) items.push(item);
      if (items.length >= count) setImmediate(end);
    });
  });
}

/** Whether our sink would have put each trace where the Collector has, with the same key. */
async function otherKeys(broker: Broker, topic: string): Promise<string | undefined> {
  const messages = await consumed(broker, topic, await messagesIn(broker, topic));
  const where = new Map(messages.map(({ key, partition }) => [key?.toString() ?? '', partition]));
  const ours = await broker.topic(`${topic}-ours`, PARTITIONS);
  const pipeline = spanPipeline({
    sink: toKafka({ brokers: [broker.address], topic: ours, partitionBy: 'trace' }),
    environment: {},
  });
  for (const trace of where.keys()) if (trace !== '') pipeline.processor.onEnd(spanNamed('of ours', trace));
  await pipeline.shutdown();
  const written = await consumed(broker, ours, [...where.keys()].filter((trace) => trace !== '').length);
  const wrong = written.find(({ key, partition }) => where.get(key.toString()) !== partition);
  return (
    wrong && `the trace ${wrong.key} is in partition ${where.get(wrong.key.toString())}, and ours in ${wrong.partition}`
  );
}

async function messagesIn(broker: Broker, topic: string): Promise<number> {
  return (await ends(broker, topic)).reduce((sum, offset) => sum + offset, 0);
}

async function ends(broker: Broker, topic: string): Promise<number[]> {
  const consumer = new Consumer({ clientId: 'ends', groupId: 'ends', bootstrapBrokers: [broker.address] });
  try {
    const offsets = await consumer.listOffsets({ topics: [topic], timestamp: -1n });
    return Array.from({ length: PARTITIONS }, (_, partition) => Number(offsets.get(topic)?.[partition] ?? 0n));
  } finally {
    await consumer.close(true);
  }
}

/** Until a group has committed all of a topic. What is not read then shows in the comparison. */
async function untilRead(broker: Broker, topic: string, groupId: string): Promise<void> {
  const all = await ends(broker, topic);
  for (let turn = 0; turn < BOUND_MILLIS / 100; turn += 1) {
    const done = await committed(broker, topic, groupId, PARTITIONS);
    if (all.every((end, partition) => end === 0 || (done[partition] ?? 0) >= end)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
