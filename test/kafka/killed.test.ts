// The recorded set through two members of a group, in processes of their own, of which one is killed; then the broker is killed, too, and comes again.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { firstValueFrom, from, toArray } from 'rxjs';
import { expect, onTestFinished, test } from 'vitest';
import { exponentialBackoff, exportTo } from '../../src/index.ts';
import { viewTraces } from '../../src/otlp/index.ts';
import { astronomy } from '../support/data.ts';
import { batchOf } from '../support/httpExports.ts';
import { SpanDigests } from '../support/spanDigests.ts';
import { decodeRequest } from '../support/wire.ts';
import type { Broker } from './broker.ts';
import { brokerOfFile, openSink } from './support.ts';

const found = await brokerOfFile();
const broker = found as Broker;
const PARTITIONS = 8;
const GROUP = 'killed';

interface Said {
  readonly number?: number;
  readonly request?: string;
  readonly size?: number;
  readonly partitions?: readonly number[];
}

/** A member of the group in a process of its own. */
class Reader {
  readonly #child: ChildProcess;
  readonly #onRequest: (request: Buffer, reader: Reader) => void;
  #onPartitions: (partitions: readonly number[]) => void = () => {};

  constructor(topic: string, onRequest: (request: Buffer, reader: Reader) => void) {
    const told = { broker: broker.address, topic, groupId: GROUP };
    this.#onRequest = onRequest;
    this.#child = fork(join(import.meta.dirname, 'programs/reader.ts'), [JSON.stringify(told)], {
      env: {},
      execArgv: [],
    });
    this.#child.on('message', (said: Said) => this.#hear(said));
    onTestFinished(() => {
      this.#child.kill('SIGKILL');
    });
  }

  partitions(): Promise<readonly number[]> {
    return new Promise((resolve) => {
      this.#onPartitions = resolve;
      this.#child.send({ ask: 'partitions' });
    });
  }

  async end(how: 'SIGKILL' | 'shutdown'): Promise<void> {
    const ended = once(this.#child, 'exit');
    if (how === 'shutdown') this.#child.send({ ask: 'shutdown' });
    else this.#child.kill('SIGKILL');
    await ended;
  }

  #hear({ number, request, size, partitions }: Said): void {
    if (partitions !== undefined) this.#onPartitions(partitions);
    if (request === undefined) return;
    this.#onRequest(Buffer.from(request, 'base64'), this);
    if (this.#child.connected) this.#child.send({ number, size });
  }
}

/** What has arrived, and at whom. */
class Arrivals {
  readonly digests = new SpanDigests();
  /** By trace: the members that have had spans of it since the traces were forgotten. */
  #members = new Map<string, Set<Reader>>();
  #onMore: () => void = () => {};

  readonly add = (request: Buffer, reader: Reader): void => {
    this.digests.add(request);
    for (const trace of tracesIn(request))
      this.#members.set(trace, (this.#members.get(trace) ?? new Set()).add(reader));
    this.#onMore();
  };

  forgetTraces(): void {
    this.#members = new Map();
  }

  /** How many members have had spans of these traces, at most. */
  membersPerTrace(traces: ReadonlySet<string>): number {
    return Math.max(...[...traces].map((trace) => this.#members.get(trace)?.size ?? 0));
  }

  /** How many members have had any. */
  get members(): number {
    return new Set([...this.#members.values()].flatMap((readers) => [...readers])).size;
  }

  /** Resolves when everything of a set has arrived. */
  async whole(sent: SpanDigests): Promise<void> {
    let missing = sent.without(this.digests);
    while (missing.length > 0) {
      await new Promise<void>((resolve) => {
        this.#onMore = resolve;
      });
      missing = missing.filter((key) => sent.countOf(key) > this.digests.countOf(key));
    }
  }
}

function tracesIn(request: Uint8Array): Set<string> {
  const { resourceSpans = [] } = decodeRequest(request);
  const spans = resourceSpans.flatMap(({ scopeSpans = [] }) => scopeSpans.flatMap((scope) => scope.spans ?? []));
  return new Set(spans.map(({ traceId }) => String(traceId)));
}

test.skipIf(found === undefined)(
  'every span arrives, though one of two members is killed and the broker, too; traces that were written between two rebalances are whole at one member',
  async () => {
    const topic = await broker.topic('killed', PARTITIONS);
    const requests = [...astronomy().requests()];
    const third = Math.ceil(requests.length / 3);
    const sink = openSink(broker, { topic, partitionBy: 'trace' });
    const sent = new SpanDigests();
    /** Each batch is tried until it is in the topic: while the broker is down, too. */
    const send = async (part: readonly Uint8Array[]) => {
      for (const request of part) sent.add(request);
      const backoff = exponentialBackoff({ initialMillis: 50, maxMillis: 500 });
      const batches = part.map((request) => batchOf(viewTraces(request)));
      const outcomes = await firstValueFrom(from(batches).pipe(exportTo(sink, { retry: { backoff } }), toArray()));
      expect(outcomes.flatMap(({ lost }) => lost)).toEqual([]);
    };
    const arrivals = new Arrivals();
    const [one, two] = [new Reader(topic, arrivals.add), new Reader(topic, arrivals.add)];
    while ((await one.partitions()).length !== PARTITIONS / 2 || (await two.partitions()).length !== PARTITIONS / 2)
      await turn();

    // Nobody comes or goes while the first part is written and read.
    await send(requests.slice(0, third));
    await arrivals.whole(sent);
    const traces = new Set(requests.slice(0, third).flatMap((request) => [...tracesIn(request)]));
    expect([arrivals.membersPerTrace(traces), arrivals.members]).toEqual([1, 2]);

    const second = send(requests.slice(third, 2 * third));
    await two.end('SIGKILL');
    await second;

    const last = send(requests.slice(2 * third));
    await broker.stop('SIGKILL');
    await broker.start();
    await last;
    await arrivals.whole(sent);
    await one.end('shutdown');
    expect(sent.without(arrivals.digests)).toEqual([]);
    expect(arrivals.digests.without(sent).filter((key) => sent.countOf(key) === 0)).toEqual([]);
  },
);

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
