import { afterAll, onTestFinished } from 'vitest';
import type { FromKafkaOptions, KafkaInput, SignalItems, SignalName, ToKafkaOptions } from '../../src/kafka.ts';
import { fromKafka, toKafka } from '../../src/kafka.ts';
import type { Batch } from '../../src/model/batch.ts';
import type { ObservableSink } from '../../src/model/sink.ts';
import { Broker, kafkaJars, NoBroker } from './broker.ts';

/** The broker of a test file; `undefined`, loudly, where there is no Java, or no Kafka to be had. */
export async function brokerOfFile(): Promise<Broker | undefined> {
  try {
    const broker = await Broker.start(await kafkaJars());
    afterAll(() => broker.remove());
    return broker;
  } catch (error) {
    if (!(error instanceof NoBroker)) throw error;
    console.warn(`NO KAFKA: nothing is tested against a real broker, because ${error.message}.`);
    return undefined;
  }
}

/** Groups that are given up soon: nobody measures time. */
const SWIFT = {
  sessionTimeoutMillis: 6_000,
  rebalanceWaitMillis: 3_000,
  commitIntervalMillis: 50,
  retryDelayMillis: 50,
};

export function openInput<S extends SignalName = 'traces'>(
  broker: Broker,
  options: Omit<FromKafkaOptions<S>, 'brokers'>,
): KafkaInput<SignalItems[S]> {
  const input = fromKafka<S>({ ...SWIFT, ...options, brokers: [broker.address] } as FromKafkaOptions<S>);
  onTestFinished(() => input.shutdown({ timeoutMillis: 0 }).catch(() => {}));
  return input;
}

export function openSink<S extends SignalName = 'traces'>(
  broker: Broker,
  options: Omit<ToKafkaOptions<S>, 'brokers'>,
): ObservableSink<SignalItems[S]> {
  const sink = toKafka<S>({ timeoutMillis: 60_000, ...options, brokers: [broker.address] } as ToKafkaOptions<S>);
  onTestFinished(() => sink.shutdown?.());
  return sink;
}

/** What has been emitted, and a wait for more. */
export class Collected<T> {
  readonly batches: Batch<T>[] = [];
  #waiting: (() => void)[] = [];

  readonly add = (batch: Batch<T>): void => {
    this.batches.push(batch);
    for (const check of [...this.#waiting]) check();
  };

  get items(): T[] {
    return this.batches.flatMap(({ items }) => items);
  }

  /** Resolves when it holds. Each batch asks again. */
  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (!holds()) return;
        this.#waiting = this.#waiting.filter((other) => other !== check);
        resolve();
      };
      this.#waiting.push(check);
      check();
    });
  }
}
