// One way to write messages of OTLP to a broker, or to read them: what a span costs.

import { randomUUID } from 'node:crypto';
import { Consumer, Producer } from '@platformatic/kafka';
import { lastValueFrom } from 'rxjs';
import { fromKafka, toKafka } from '../../../src/kafka.ts';
import { NO_HOLD } from '../../../src/model/batch.ts';
import { decodeTraces } from '../../../src/otlp/index.ts';
import { answer, inputOf } from '../../scenarios/child.ts';
import { requestsOf } from '../support/requests.ts';
import type { WorkloadName } from '../support/workloads.ts';

/** `produce` and `consume`: the package alone, with the bytes of the others. */
export type KafkaWay = 'produce' | 'toKafka' | 'toKafkaByTrace' | 'consume' | 'fromKafka';

export interface KafkaInput {
  readonly way: KafkaWay;
  readonly broker: string;
  readonly topic: string;
  readonly workload: WorkloadName;
  readonly requests: number;
  readonly spansPerRequest: number;
  /** Before what is measured. */
  readonly warmUps: number;
  readonly turns: number;
}

export interface KafkaCost {
  readonly spans: number;
  readonly cpuMicros: number;
  readonly millis: number;
}

const input = inputOf<KafkaInput>();
const { way, broker, topic, warmUps, turns } = input;
const requests = requestsOf(input).map((request) => Buffer.from(request));
const brokers = [broker];
const client = { clientId: 'bench', bootstrapBrokers: brokers };

/** Writes, or reads, all requests once. */
type Turn = () => Promise<unknown>;

const WAYS: Readonly<Record<KafkaWay, () => { turn: Turn; close: () => Promise<unknown> }>> = {
  produce: () => {
    const producer = new Producer({ ...client, idempotent: true, retries: 3 });
    const turn = async () => {
      for (const value of requests) await producer.send({ messages: [{ topic, value }] });
    };
    return { turn, close: () => producer.close(true) };
  },
  toKafka: () => written('batch'),
  toKafkaByTrace: () => written('trace'),
  consume: () => ({ turn: consumed, close: async () => {} }),
  fromKafka: () => ({ turn: read, close: async () => {} }),
};

function written(partitionBy: 'batch' | 'trace') {
  const sink = toKafka({ brokers, topic, partitionBy });
  const batches = requests.map((request) => decodeTraces(request));
  const turn = async () => {
    for (const items of batches)
      await lastValueFrom(sink.export({ items: [...items], bytes: 0, closedBy: 'count', hold: () => NO_HOLD }));
  };
  return { turn, close: async () => sink.shutdown?.() };
}

async function consumed(): Promise<void> {
  const consumer = new Consumer({ ...client, groupId: randomUUID() });
  const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: true });
  let left = requests.length;
  for await (const _ of stream) {
    left -= 1;
    if (left === 0) break;
  }
  await consumer.close(true);
}

async function read(): Promise<void> {
  const source = fromKafka({ brokers, topic, groupId: randomUUID(), retryDelayMillis: 50 });
  let left = requests.length;
  await new Promise<void>((resolve) => {
    source.batches$.subscribe(() => {
      left -= 1;
      if (left === 0) resolve();
    });
  });
  await source.shutdown();
}

async function run(): Promise<KafkaCost> {
  const { turn, close } = WAYS[way]();
  for (let warmUp = 0; warmUp < warmUps; warmUp += 1) await turn();
  const begun = performance.now();
  const cpu = process.cpuUsage();
  for (let count = 0; count < turns; count += 1) await turn();
  const { user, system } = process.cpuUsage(cpu);
  const millis = performance.now() - begun;
  await close();
  return { spans: turns * requests.length * input.spansPerRequest, cpuMicros: user + system, millis };
}

answer({ run });
