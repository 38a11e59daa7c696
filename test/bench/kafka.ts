/**
 * What it costs to write spans to Kafka, and to read them: `node test/bench/kafka.ts [--brief] [--json]`. Beside it, the same bytes through the producer and the consumer of `@platformatic/kafka` alone. Each way runs in a process of its own, once in each round, against one broker on loopback.
 *
 * It needs Java and Maven, for the broker. Where they are missing, it says so.
 */
import { Broker, kafkaJars, NoBroker } from '../kafka/broker.ts';
import type { KafkaCost, KafkaInput, KafkaWay } from './programs/kafka.ts';
import { type BenchOptions, type Found, show } from './support/benchmark.ts';
import { inRounds, runOnce } from './support/children.ts';
import { columns } from './support/columns.ts';
import { figureText, rounded } from './support/line.ts';
import { type Figure, figureOf } from './support/rounds.ts';

const FULL = { rounds: 3, requests: 60, warmUps: 2, turns: 3 };
const BRIEF = { rounds: 1, requests: 4, warmUps: 0, turns: 1 };
const SPANS_PER_REQUEST = 512;
const PARTITIONS = 8;

const NAMES: Readonly<Record<KafkaWay, string>> = {
  produce: 'the producer alone, with the bytes as they are',
  toKafka: 'toKafka, a message for each batch',
  toKafkaByTrace: 'toKafka, a message for each trace: here each span is one',
  consume: 'the consumer alone, whose bytes nobody reads',
  fromKafka: 'fromKafka, as views',
};
const WAYS = Object.keys(NAMES) as readonly KafkaWay[];

interface KafkaLine {
  readonly way: KafkaWay;
  readonly cpuMicrosPerSpan: Figure;
  readonly spansPerSecond: Figure;
}

export async function kafka({ brief }: BenchOptions): Promise<Found> {
  const options = brief ? BRIEF : FULL;
  try {
    const broker = await Broker.start(await kafkaJars());
    try {
      const lines = await measured(broker, options);
      return { data: { options, lines }, text: textOf(lines) };
    } finally {
      await broker.remove();
    }
  } catch (error) {
    if (!(error instanceof NoBroker)) throw error;
    return { data: { options, lines: [] }, text: `NO KAFKA: nothing was measured with it, because ${error.message}.` };
  }
}

async function measured(broker: Broker, { rounds, ...options }: typeof FULL): Promise<KafkaLine[]> {
  const read = await broker.topic('read', PARTITIONS);
  const written = await broker.topic('written', PARTITIONS);
  const given = {
    broker: broker.address,
    workload: 'request',
    spansPerRequest: SPANS_PER_REQUEST,
    ...options,
  } as const;
  const once = (input: KafkaInput) => runOnce<KafkaCost>('kafka', input);
  await once({ ...given, way: 'produce', topic: read, warmUps: 0, turns: 1 });
  const runs = await inRounds(WAYS, rounds, (way) =>
    once({ ...given, way, topic: way === 'consume' || way === 'fromKafka' ? read : written }),
  );
  return [...runs].map(([way, costs]) => ({
    way,
    cpuMicrosPerSpan: figureOf(costs.map(({ cpuMicros, spans }) => cpuMicros / spans)),
    spansPerSecond: figureOf(costs.map(({ millis, spans }) => (spans * 1_000) / millis)),
  }));
}

function textOf(lines: readonly KafkaLine[]): string {
  const cells = lines.map(({ way, cpuMicrosPerSpan, spansPerSecond }) => [
    NAMES[way],
    figureText(cpuMicrosPerSpan, (value) => value.toFixed(2)),
    figureText(spansPerSecond, rounded),
  ]);
  const title = `── Kafka, one broker on loopback, acks of all replicas; batches of ${SPANS_PER_REQUEST} spans of ten attributes, one at a time`;
  return `${title}\n\n${columns([['', 'µs of CPU a span', 'spans/s'], ...cells], new Set([0]))}`;
}

if (import.meta.main) await show({ kafka });
