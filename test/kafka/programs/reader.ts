// A member of a group that tells its parent what it has read, and is killed at some moment.

import { fromKafka } from '../../../src/kafka.ts';
import type { Tally } from '../../../src/model/tally.ts';
import { encodeTraces } from '../../../src/otlp/index.ts';

/** What the parent says. */
interface Told {
  readonly broker: string;
  readonly topic: string;
  readonly groupId: string;
}

const { broker, topic, groupId } = JSON.parse(process.argv[2] ?? '') as Told;
const input = fromKafka({
  ...{ brokers: [broker], topic, groupId },
  ...{ sessionTimeoutMillis: 6_000, rebalanceWaitMillis: 3_000, commitIntervalMillis: 100, retryDelayMillis: 200 },
});

const waiting = new Map<number, (tally: Tally) => void>();
let number = 0;

// A batch is delivered when the parent has it: what it has not confirmed at the kill has no outcome.
input.batches$.subscribe((batch) => {
  const hold = batch.hold();
  hold.ready();
  number += 1;
  waiting.set(number, (tally) => hold.settle(tally));
  const request = Buffer.from(encodeTraces([...batch.items])).toString('base64');
  process.send?.({ number, request, size: batch.items.length });
});

process.on('message', (message: { readonly number?: number; readonly size?: number; readonly ask?: string }) => {
  if (message.ask === 'partitions') process.send?.({ partitions: input.stats().partitions });
  if (message.ask === 'shutdown')
    input.shutdown({ timeoutMillis: 60_000 }).then(
      () => process.disconnect?.(),
      () => process.exit(1),
    );
  const { number: confirmed = 0, size = 0 } = message;
  const settle = waiting.get(confirmed);
  waiting.delete(confirmed);
  settle?.({ delivered: size, rejected: 0, lost: [], attempts: 1, attemptMillis: 0, elapsedMillis: 0 });
});
