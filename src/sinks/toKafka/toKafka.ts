import { Observable } from 'rxjs';
import { outsideAnyContext } from '../../internal/timers.ts';
import { untraced } from '../../internal/tracingSuppression.ts';
import type { SignalItems, SignalName } from '../../model/signal.ts';
import { type Attempt, ExportError, type ObservableSink, type Response } from '../../model/sink.ts';
import { RequestLender } from '../../otlp/encode/requestLender.ts';
import { signalOf } from '../../otlp/signals.ts';
import { findKafka } from '../../peers/kafka.ts';
import { answer, countBodyBytes, withDeadline } from '../shared/attemptEnd.ts';
import { orAborted } from '../shared/orAborted.ts';
import { byTrace, MessageMaker } from './messages.ts';
import { OWNER, type ToKafkaOptions, type ToKafkaSettings, toKafkaSettings } from './options.ts';
import { Production } from './production.ts';

const TYPES: Readonly<Record<SignalName, string>> = { traces: 'span', logs: 'log', metrics: 'metric' };
/** Pieces of a request that are smaller are copied: here all of them are, into messages. */
const LEAST_LENT_BYTES = 65_536;

/**
 * Writes batches into a topic of Kafka, in the formats of the OpenTelemetry Collector's Kafka exporter: a message is an OTLP export request.
 *
 * ```
 * batches     ──a1 b1 a2──b2 c1──      spans of the traces a, b and c
 * messages    ──a[a1 a2] b[b1]──b[b2] c[c1]──      partitionBy: 'trace', with the trace's id as the key
 * ```
 *
 * **Answers** when all replicas in sync have the messages (`acks=all`). The producer is idempotent: what it sends again within an attempt is kept once. Another attempt of `exportTo` is new to the brokers, so after an `unknownOutcome` messages may be in the topic twice.
 * Batches are sent one at a time. Unsubscribing aborts the attempt: what was sent already may arrive nevertheless. `shutdown` closes the connections.
 *
 * | what happens | outcome |
 * |---|---|
 * | all replicas in sync have it | delivered |
 * | no connection; an unknown topic, no leader, too few replicas | `retryable` |
 * | a message over `maxMessageBytes` that is one item, or `MESSAGE_TOO_LARGE` | `tooLarge` |
 * | authentication or authorization failed, a compression that is not installed | `permanent` |
 * | a connection that broke, no answer in time, a part that was written before the rest failed | `unknownOutcome` |
 *
 * Topics are not created: make them with the number of partitions that you need. Connections keep the process alive until `shutdown`.
 *
 * **Order**: within a partition that of the batches; within a message that of the batch.
 *
 * **Loss**: an item that OTLP cannot express counts as `unencodable`.
 *
 * @throws InvalidOptionError when an option is missing, out of its range, or unknown
 * @throws SpanflowError `MISSING_PACKAGE` when `@platformatic/kafka` is not installed
 *
 * @example
 * ```ts
 * const { toKafka } = await import('spanflow/kafka');
 * const sink = toKafka({ brokers: ['127.0.0.1:9092'], topic: 'otlp_spans', partitionBy: 'trace' });
 * const pipeline = spanPipeline({ sink });
 * ```
 *
 * @see fromKafka, which reads them
 */
export function toKafka<S extends SignalName = 'traces'>(options: ToKafkaOptions<S>): ObservableSink<SignalItems[S]> {
  const settings = toKafkaSettings(options);
  findKafka(OWNER);
  const writer = new Writer<SignalItems[S]>(settings);
  return {
    name: OWNER,
    component: { type: `kafka_${TYPES[settings.signal]}_exporter`, signal: settings.signal, ...serverOf(settings) },
    maxConcurrency: 1,
    attemptTimeoutMillis: settings.timeoutMillis,
    export: ({ items }, given) =>
      new Observable((subscriber) => {
        const abort = new AbortController();
        subscriber.add(() => abort.abort());
        const attempt = given ?? withDeadline(OWNER, subscriber, settings.timeoutMillis);
        outsideAnyContext(() => untraced(() => writer.write(items, attempt, abort.signal))).then(
          (response) => answer(subscriber, response),
          (error: unknown) => subscriber.error(error),
        );
      }),
    shutdown: () => writer.close(),
  };
}

/** Makes messages of batches, and sends them, one batch after the other. */
class Writer<Item> {
  readonly #settings: ToKafkaSettings;
  readonly #maker: MessageMaker<Item>;
  readonly #production: Production;
  #last: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(settings: ToKafkaSettings) {
    const { signal, encoding, maxMessageBytes } = settings;
    const lender = new RequestLender<Item>(signalOf(signal).fields as never, LEAST_LENT_BYTES);
    this.#settings = settings;
    this.#maker = new MessageMaker(lender, encoding === 'otlp_json' ? 'json' : 'protobuf', maxMessageBytes);
    this.#production = new Production(settings);
  }

  write(items: readonly Item[], attempt: Attempt, signal: AbortSignal): Promise<Response> {
    const before = this.#last.catch(() => {});
    const written = orAborted(before, signal).then(() => this.#write(items, attempt, signal));
    this.#last = written;
    return written;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#production.close();
  }

  async #write(items: readonly Item[], attempt: Attempt, signal: AbortSignal): Promise<Response> {
    if (this.#isClosed) throw new ExportError({ kind: 'permanent' }, `${OWNER} was shut down`);
    attempt.enter('preparing', this.#settings.topic);
    const { messages, unencodable } = await this.#maker.make(this.#groups(items), signal);
    const bytes = messages.reduce((sum, { value }) => sum + value.length, 0);
    countBodyBytes(bytes);
    try {
      if (messages.length > 0) await this.#production.send(messages, attempt, signal);
    } finally {
      countBodyBytes(-bytes);
    }
    return unencodable === 0 ? {} : { unencodable };
  }

  #groups(items: readonly Item[]): Iterable<readonly [string, readonly Item[]]> {
    const { partitionBy, signal } = this.#settings;
    return partitionBy === 'trace' ? byTrace(items, signal) : [['', items]];
  }
}

function serverOf({ brokers }: ToKafkaSettings): { serverAddress?: string; serverPort?: number } {
  const [first = ''] = brokers;
  const at = first.lastIndexOf(':');
  return { serverAddress: first.slice(0, at).replace(/^\[(.*)\]$/, '$1'), serverPort: Number(first.slice(at + 1)) };
}
